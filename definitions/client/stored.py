"""Definitions in the registry: created, replaced, deleted, one call each.

If a definition already exists, a POST returns the status 400; it is then replaced with PUT.
"""

from collections.abc import Iterable
from typing import Any, Final

from definitions.client.connection import Connection
from definitions.client.errors import SignalsError
from definitions.event_logs import EventLog
from definitions.model import QUIET
from definitions.objects import Definition, class_for, kind_of, version_of

# In the order of needs.
_PATHS: Final = {
    "attribute_key": "registry/attribute_keys/",
    "attribute_group": "registry/attribute_groups/",
    "service": "registry/services/",
    "intervention": "registry/interventions/",
    "event_log": "registry/event_logs/",
}
_KINDS: Final = {path: kind for kind, path in _PATHS.items()}
_ORDER: Final = tuple(_PATHS)
_VERSIONED: Final = frozenset({"attribute_group", "intervention"})
_EXISTS = 400


class Stored:
    """The registry's calls. Raises SignalsError."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, path: str) -> Definition:
        """The definition at a path, such as registry/services/NAME."""
        kind = next(kind for start, kind in _KINDS.items() if path.startswith(start))
        return _read(kind, self._connection.call("GET", path))

    def put(self, objects: Iterable[Definition], *, published: bool) -> list[Definition]:
        """Store definitions in the order of needs, in force or not."""
        return [
            self._put(one.model_copy(update={"is_published": published}))
            for one in sorted(objects, key=_position)
        ]

    def delete(self, objects: Iterable[Definition]) -> None:
        """Delete definitions, each before what it needs."""
        for one in sorted(objects, key=_position, reverse=True):
            self._connection.call("DELETE", _item(one))

    def _put(self, definition: Definition) -> Definition:
        kind = kind_of(definition)
        body = definition.registry_json()
        if isinstance(definition, EventLog):
            del body["is_published"]  # a separate call, below
        try:
            answer = self._connection.call("POST", _PATHS[kind], body)
        except SignalsError as error:
            if error.status != _EXISTS:
                raise
            answer = self._connection.call("PUT", _item(definition), body)
        if isinstance(definition, EventLog):
            step = "publish" if definition.is_published else "unpublish"
            named = {"event_logs": [{"name": definition.name}]}
            self._connection.call("POST", f"engines/{step}", named)
            answer["is_published"] = definition.is_published
        return _read(kind, answer)


def _position(definition: Definition) -> int:
    return _ORDER.index(kind_of(definition))


def _item(definition: Definition) -> str:
    kind = kind_of(definition)
    path = _PATHS[kind] + definition.name
    return f"{path}/versions/{version_of(definition)}" if kind in _VERSIONED else path


def _read(kind: str, answer: Any) -> Definition:  # JSON values
    """The definition in an answer, which has further fields."""
    return class_for(kind, answer).model_validate(answer, context=QUIET)

"""The targets of an intervention: ids of attribute keys, as in `?key=id&key=id2&key2=id3`.

The names of other parameters contain a hyphen, which no attribute key does.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from starlette.datastructures import QueryParams

from processor.api.subscriptions.subscription import Target
from processor.engine import Identities
from processor.errors import UsageError
from processor.limits import IDENTIFIER_CHARS_MAX, NAME_CHARS_MAX
from processor.request_limits import TARGETS_MAX

LAST_EVENT_ID: Final = "last-event-id"
SUBSCRIBE_TOKEN: Final = "subscribe-token"  # noqa: S105 - the name of a parameter
_KEY = re.compile(rf"[A-Za-z0-9_]{{1,{NAME_CHARS_MAX}}}")
_EXAMPLE: Final = "write ?domain_userid=ID&domain_sessionid=ID2"

# The parameters in the API's description.
PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": "targets",
        "in": "query",
        "required": True,
        "style": "form",
        "explode": True,
        "description": f"ids by attribute key, `?key=id&key=id2`; at most {TARGETS_MAX}",
        "schema": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": TARGETS_MAX,
            "propertyNames": {"pattern": f"^{_KEY.pattern}$"},
            "additionalProperties": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "minLength": 1, "maxLength": IDENTIFIER_CHARS_MAX},
            },
        },
    }
]


class AskedTargets(NamedTuple):
    """Targets in the spelling of profiles, with the requested spelling where it differs."""

    kept: frozenset[Target]
    spellings: Mapping[Target, str]


def as_kept(targets: Iterable[Target], identities: Identities) -> AskedTargets:
    """Return targets in the spelling of profiles; of several spellings the last in order wins."""
    spellings: dict[Target, str] = {}
    kept = set()
    for key, id_ in sorted(targets):
        target = (key, identities.kept(key, id_))
        kept.add(target)
        if target[1] != id_:
            spellings[target] = id_
    return AskedTargets(frozenset(kept), spellings)


def targets_of(query: QueryParams) -> frozenset[Target]:
    """Return the targets of a query, each once.

    Raises:
        UsageError: there are none or too many, or one is invalid.
    """
    reserved = {LAST_EVENT_ID, SUBSCRIBE_TOKEN}
    return checked_targets((key, id_) for key, id_ in query.multi_items() if key not in reserved)


def checked_targets(given: Iterable[Target]) -> frozenset[Target]:
    """Return targets, each once.

    Raises:
        UsageError: there are none or too many, or one is invalid.
    """
    found = frozenset(given)
    if not 0 < len(found) <= TARGETS_MAX:
        raise UsageError(_too_many(len(found)), hint=_EXAMPLE)
    for key, id_ in found:
        if not _KEY.fullmatch(key):
            message = f"{key[:NAME_CHARS_MAX]!r} is not an attribute key"
            raise UsageError(message, hint=_EXAMPLE)
        if not 0 < len(id_) <= IDENTIFIER_CHARS_MAX:
            message = f"an id of {key!r} has {len(id_)} characters"
            raise UsageError(message, hint=f"ids have 1 to {IDENTIFIER_CHARS_MAX}")
        if not _is_text(id_):
            message = f"an id of {key!r} contains half of a character (a lone surrogate)"
            raise UsageError(message, hint="encode ids as UTF-8")
    return found


def counted_targets(given: Any) -> Any:  # unchecked input
    """Refuse more ids by key than are allowed before any of them is checked."""
    if isinstance(given, dict):
        total = sum(len(ids) if isinstance(ids, list) else 1 for ids in given.values())
        if total > TARGETS_MAX:
            message = f"{_too_many(total)} - {_EXAMPLE}"
            raise ValueError(message)
    return given


def _too_many(count: int) -> str:
    return f"{count} ids were given, 1 to {TARGETS_MAX} are allowed"


def _is_text(id_: str) -> bool:
    try:
        id_.encode()
    except UnicodeEncodeError:
        return False
    return True

"""The attributes and ids that a request names."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticKnownError

from processor.engine import CompiledAttribute, Plan
from processor.errors import DefinitionError, UsageError
from processor.limits import IDENTIFIER_CHARS_MAX, NAME_CHARS_MAX
from processor.request_limits import REQUEST_IDS_MAX, REQUEST_KEYS_MAX, REQUEST_VALUES_MAX

_TOO_LONG: Final = "too_long"
_FEWER_IDS: Final = f"ask for at most {REQUEST_IDS_MAX} at once"
# Two names, `_v` with a version of ten digits, and a colon.
_FULL_NAME_CHARS_MAX: Final = 2 * NAME_CHARS_MAX + 13
_FULL_NAME_PATTERN: Final = r"^[A-Za-z0-9_]+_v[0-9]{1,10}:[A-Za-z0-9_]+$"
_FULL_NAME = re.compile(r"(?P<group>\w+)_v(?P<version>\d{1,10}):(?P<name>\w+)", re.ASCII)


def named_attributes(plan: Plan, full_names: Iterable[str]) -> list[CompiledAttribute]:
    """Return the attributes for names such as `group_v1:attribute`, each once, in order.

    Raises:
        DefinitionError: a group version that is not live, or has no such attribute.
    """
    found: dict[str, CompiledAttribute] = {}
    groups: dict[tuple[str, int], dict[str, CompiledAttribute]] = {}
    for full_name in full_names:
        match = _FULL_NAME.fullmatch(full_name)
        assert match is not None, "the request model has checked the pattern"
        identity = match["group"], int(match["version"])
        if identity not in groups:
            groups[identity] = {one.name: one for one in plan.group_attributes(*identity)}
        attribute = groups[identity].get(match["name"])
        if attribute is None:
            message = f"attribute group {match['group']!r} has no live {full_name!r}"
            raise DefinitionError(message)
        found[attribute.full_name] = attribute
    return list(found.values())


def check_size(ids: int, attributes: int) -> None:
    """Refuse a request for more values than one answer may have.

    Raises:
        UsageError: too many ids, or too many values.
    """
    if ids > REQUEST_IDS_MAX:
        message = f"{ids} ids are too many for one request"
        raise UsageError(message, hint=_FEWER_IDS)
    if ids * attributes > REQUEST_VALUES_MAX:
        message = f"{ids} ids with {attributes} attributes each are too many values for one request"
        raise UsageError(message, hint=f"ask for at most {REQUEST_VALUES_MAX} values at once")


def _checked(id_: str) -> str:
    """Return a valid id; raise ValueError for any other, as validators do."""
    if not 0 < len(id_) <= IDENTIFIER_CHARS_MAX:
        message = f"an id has 1 to {IDENTIFIER_CHARS_MAX} characters, this one has {len(id_)}"
        raise ValueError(message)
    try:
        id_.encode()
    except UnicodeEncodeError:
        message = "it contains half of a character (a lone surrogate)"
        raise ValueError(message) from None
    return id_


def _full_name(name: str) -> str:
    """Return the full name of an attribute; raise ValueError for any other, as validators do."""
    if not _FULL_NAME.fullmatch(name):
        message = f"{name!r} is not group_vN:attribute, such as web_v1:page_views"
        raise ValueError(message)
    return name


def _counted(ids_by_key: Any) -> Any:  # unchecked input
    """Refuse more ids than one request may have before any of them is checked."""
    if isinstance(ids_by_key, dict):
        if len(ids_by_key) > REQUEST_KEYS_MAX:
            context = {
                "field_type": "Dictionary",
                "max_length": REQUEST_KEYS_MAX,
                "actual_length": len(ids_by_key),
            }
            raise PydanticKnownError(_TOO_LONG, context)
        longest = max(map(len, ids_by_key), default=0)
        if longest > IDENTIFIER_CHARS_MAX:
            message = (
                f"an attribute key has 1 to {NAME_CHARS_MAX} characters, one of these has {longest}"
            )
            raise ValueError(message)
        total = sum(len(ids) for ids in ids_by_key.values() if isinstance(ids, list))
        if total > REQUEST_IDS_MAX:
            message = f"{total} ids are too many for one request - {_FEWER_IDS}"
            raise ValueError(message)
    return ids_by_key


# An id, or the name of an attribute key, in a request.
Id = Annotated[str, AfterValidator(_checked)]
# Ids by attribute key.
IdsByKey = Annotated[dict[Id, list[Id]], BeforeValidator(_counted)]
# `group_v1:attribute`
FullName = Annotated[
    str,
    StringConstraints(max_length=_FULL_NAME_CHARS_MAX),
    AfterValidator(_full_name),
    Field(json_schema_extra={"pattern": _FULL_NAME_PATTERN}),
]

"""Which attributes a request asks for."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from processor.engine import CompiledAttribute, Plan
from processor.errors import DefinitionError, UsageError
from processor.limits import IDENTIFIER_CHARS_MAX, REQUEST_IDS_MAX, REQUEST_VALUES_MAX

_FULL_NAME = re.compile(r"(?P<group>\w+)_v(?P<version>\d+):(?P<name>\w+)")


def named_attributes(plan: Plan, full_names: Iterable[str]) -> list[CompiledAttribute]:
    """Return the attributes of names like `group_v1:attribute`, each once, in their order.

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
    """Refuse a request for more than one answer may hold.

    Raises:
        UsageError: too many ids, or too many values.
    """
    if ids > REQUEST_IDS_MAX:
        message = f"{ids} ids are too many for one request"
        raise UsageError(message, hint=f"ask for at most {REQUEST_IDS_MAX} at once")
    if ids * attributes > REQUEST_VALUES_MAX:
        message = f"{ids} ids with {attributes} attributes each are too many values for one request"
        raise UsageError(message, hint=f"ask for at most {REQUEST_VALUES_MAX} values at once")


def _checked(id_: str) -> str:
    """Return an id that can be one; raise ValueError for any other, as validators do."""
    if not 0 < len(id_) <= IDENTIFIER_CHARS_MAX:
        message = f"an id has 1 to {IDENTIFIER_CHARS_MAX} characters, this one {len(id_)}"
        raise ValueError(message)
    try:
        id_.encode()
    except UnicodeEncodeError:
        message = "it has half of a character (a lone surrogate)"
        raise ValueError(message) from None
    return id_


# An id, or the name of an attribute key, in a request.
Id = Annotated[str, AfterValidator(_checked)]
# `group_v1:attribute`
FullName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+_v[0-9]{1,10}:[A-Za-z0-9_]+$")]

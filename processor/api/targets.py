"""For whom an intervention is: ids of attribute keys, in a query `key=id&key=id2&key2=id3`.

Names of other parameters have a hyphen, which no attribute key has.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from starlette.datastructures import QueryParams

from processor.api.subscription import Target
from processor.errors import UsageError
from processor.limits import IDENTIFIER_CHARS_MAX, NAME_CHARS_MAX, TARGETS_MAX

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


def targets_of(query: QueryParams) -> frozenset[Target]:
    """Return the targets of a query, each once.

    Raises:
        UsageError: there are none or too many, or one cannot be.
    """
    reserved = {LAST_EVENT_ID, SUBSCRIBE_TOKEN}
    return checked_targets((key, id_) for key, id_ in query.multi_items() if key not in reserved)


def checked_targets(given: Iterable[Target]) -> frozenset[Target]:
    """Return targets, each once.

    Raises:
        UsageError: there are none or too many, or one cannot be.
    """
    found = frozenset(given)
    if not 0 < len(found) <= TARGETS_MAX:
        message = f"{len(found)} ids are given where 1 to {TARGETS_MAX} can be"
        raise UsageError(message, hint=_EXAMPLE)
    for key, id_ in found:
        if not _KEY.fullmatch(key):
            message = f"{key[:NAME_CHARS_MAX]!r} is no attribute key"
            raise UsageError(message, hint=_EXAMPLE)
        if not 0 < len(id_) <= IDENTIFIER_CHARS_MAX:
            message = f"an id of {key!r} has {len(id_)} characters"
            raise UsageError(message, hint=f"ids have 1 to {IDENTIFIER_CHARS_MAX}")
        if not _is_text(id_):
            message = f"an id of {key!r} has half of a character (a lone surrogate)"
            raise UsageError(message, hint="encode ids as UTF-8")
    return found


def _is_text(id_: str) -> bool:
    try:
        id_.encode()
    except UnicodeEncodeError:
        return False
    return True

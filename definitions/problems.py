"""What is wrong with a definition: one form for wrong fields and for wrong meaning."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic_core import to_jsonable_python

from definitions.limits import NAME_CHARS_MAX, NEAR_PROBLEMS_MAX, QUOTE_CHARS_MAX
from definitions.near import near_names

_CUT = "…"


class ProblemCode(StrEnum):
    """The closed list of what can be wrong with definitions."""

    MISSING = "missing"
    NAME = "name"
    OWNER = "owner"
    CHOICE = "choice"
    TYPE = "type"
    RANGE = "range"
    TEXT = "text"
    DURATION = "duration"
    PATH = "path"
    ATOMIC_FIELD = "atomic_field"
    SHAPE = "shape"
    UNSUPPORTED = "unsupported"
    PROPERTY_MISSING = "property_missing"
    PROPERTY_UNUSED = "property_unused"
    DATE_PART = "date_part"
    CALCULATED = "calculated"
    AGGREGATION_TYPE = "aggregation_type"
    DEFAULT_VALUE = "default_value"
    PERIOD_AND_TTL = "period_and_ttl"
    TIME_UNIT = "time_unit"
    EVENT_SELECTOR = "event_selector"
    CRITERIA_EMPTY = "criteria_empty"
    CRITERION_VALUE = "criterion_value"
    NEVER_MET = "never_met"  # a warning
    DUPLICATE_ATTRIBUTE = "duplicate_attribute"
    DUPLICATE_OBJECT = "duplicate_object"
    UNKNOWN_ATTRIBUTE_KEY = "unknown_attribute_key"
    ATTRIBUTE_KEY_CONFLICT = "attribute_key_conflict"
    UNKNOWN_GROUP = "unknown_group"
    UNKNOWN_ATTRIBUTE = "unknown_attribute"
    UNPUBLISHED_GROUP = "unpublished_group"
    TOO_LARGE = "too_large"
    RECORD_KEY = "record_key"
    FILE = "file"
    PUBLISHED_CONTENT = "published_content"
    KEY_IN_USE = "key_in_use"
    UNKNOWN_OBJECT = "unknown_object"
    PUBLISHED = "published"
    IN_USE = "in_use"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: a stable code, its place, the value there, what is wrong, and what to do.

    `record` is the record key of the definition that must change.
    """

    code: str
    place: str
    value: str
    message: str
    hint: str
    record: str = ""

    def __str__(self) -> str:
        value = f": {self.value}" if self.value else ""
        return f"{self.place}{value}: {self.message} - {self.hint}"


def quote(value: Any) -> str:  # whatever stood there
    """A value as JSON, cut to fit on a line; empty for an absent value."""
    if value is None:
        return ""
    text = json.dumps(
        to_jsonable_python(_beginning(value), fallback=repr, by_alias=True, exclude_none=True),
        ensure_ascii=False,
    )
    return text if len(text) <= QUOTE_CHARS_MAX else text[: QUOTE_CHARS_MAX - 1] + _CUT


def shown_name(name: str) -> str:
    """A name as shown in a place; only the beginning if it is too long to be a name."""
    return name if len(name) <= NAME_CHARS_MAX else name[: NAME_CHARS_MAX - 1] + _CUT


def shown_record(key: str) -> str:
    """A record key as shown in a place, cut if its name is too long to be a name."""
    most = 2 * NAME_CHARS_MAX  # with the kind and the version
    return key if len(key) <= most else key[: most - 1] + _CUT


def _beginning(value: Any, depth: int = 0) -> Any:  # whatever stood there
    """The part of a value that a quotation can show: the beginning of a large one, not a copy."""
    if isinstance(value, str | bytes):
        return value[:QUOTE_CHARS_MAX]
    if isinstance(value, list | tuple | Mapping) and depth == QUOTE_CHARS_MAX:
        return _CUT
    most = max(1, QUOTE_CHARS_MAX >> depth)  # what lies deeper has less room
    if isinstance(value, list | tuple):
        return [_beginning(item, depth + 1) for item in value[:most]]
    if isinstance(value, Mapping):
        first = zip(range(most), value.items(), strict=False)
        return {
            key[:QUOTE_CHARS_MAX] if isinstance(key, str) else key: _beginning(item, depth + 1)
            for _, (key, item) in first
        }
    return value


class ProblemList:
    """Problems of one definition, in the order in which they were found."""

    def __init__(self, record: str) -> None:
        self.record = record
        self.items: list[Problem] = []

    def add(
        self, code: ProblemCode, place: str, message: str, *, hint: str, value: Any = None
    ) -> None:  # whatever stood there
        """Note a problem; `value` is quoted."""
        self.items.append(Problem(code, place, quote(value), message, hint, self.record))

    def near(self, name: str, known: Iterable[str]) -> str:
        """The end of a hint, from `near_names`; nothing if there are many problems."""
        return near_names(name, known) if len(self.items) < NEAR_PROBLEMS_MAX else ""

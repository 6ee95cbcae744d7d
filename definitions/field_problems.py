"""Pydantic's validation errors as problems, with the place in words that a person uses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from definitions.limits import NEAR_PROBLEMS_MAX, TREE_DEPTH_MAX
from definitions.near import close_names
from definitions.problems import Problem, ProblemCode, quote, shown_name
from definitions.properties import ATOMIC_FIELDS

_TAGS: Final = frozenset(
    {"atomic", "event", "entity", "calculated", "criterion", "tree_all", "tree_any", "tree_none"}
)
_ONE_OF: Final[Mapping[str, str]] = {
    "attributes": "attribute",
    "attribute_groups": "attribute group",
    "payload_attribute_groups": "payload_attribute_group",
    "target_attribute_keys": "target_attribute_key",
    "fields": "field",
    "events": "event",
    "properties": "property",
}
# The values of a criterion or a default may have several types; pydantic reports each of them.
_MIXED: Final = frozenset({"value", "default_value"})
_CHOICES: Final = frozenset({"literal_error", "union_tag_invalid"})
_EMAIL_HINT: Final = "write an email address, such as owner='you@example.com'"
_LINK: Final = "VersionedLinkAttributeGroup"
_NAME_FIELDS: Final = frozenset({"name", "vendor", "version", "attribute", "key"})

_Explanation = tuple[ProblemCode, str, str]


def problems_of(error: ValidationError, raw: Any, place: str, record: str) -> list[Problem]:
    """One problem for each wrong place in `raw`, the JSON that was read; `place` is its name."""
    problems: dict[str, Problem] = {}
    for details in error.errors(include_url=False):
        where, field = _place(place, raw, details["loc"])
        code, message, hint = _explain(details, field)
        if len(problems) < NEAR_PROBLEMS_MAX:
            hint = _nearer(details) or hint
        absent = details["type"] in {"missing", "key_name_missing"}
        value = "" if absent else quote(details["input"])
        problems.setdefault(where, Problem(code, where, value, message, hint, record))
    return list(problems.values())


def _place(root: str, raw: Any, location: tuple[int | str, ...]) -> tuple[str, str]:
    parts = [root]
    field = ""
    current = raw
    for part in location:
        if isinstance(part, int):
            if not isinstance(current, Sequence) or isinstance(current, str):
                break
            current = current[part]
            parts[-1] = _item_name(field, part, current)
        elif isinstance(current, Mapping):
            if part in _TAGS and part not in current:
                continue
            parts.append(shown_name(part))
            field = part
            current = current.get(part)
        else:
            break
    return " / ".join(parts), field


def _item_name(field: str, index: int, item: Any) -> str:  # JSON values
    one = _ONE_OF.get(field, field)
    name = item.get("name") if isinstance(item, Mapping) else None
    return f"{one} {shown_name(name)}" if isinstance(name, str) and name else f"{one} {index + 1}"


def _explain(details: ErrorDetails, field: str) -> _Explanation:
    kind = details["type"]
    if field == "owner":
        missing = kind == "missing"
        message = "the owner is missing" if missing else "the owner is not an email address"
        return ProblemCode.OWNER, message, _EMAIL_HINT
    if kind.startswith("time_delta"):
        return _DURATION
    if field in _MIXED:
        return _MIXED_TYPE
    if kind.startswith("string_") and kind != "string_type":
        return _text(details, field)
    explain = _EXPLANATIONS.get(kind)
    return explain(details, field) if explain else _other(details)


_DURATION: Final = (
    ProblemCode.DURATION,
    "not a duration",
    "write a timedelta, or ISO 8601 such as PT15M, P7D or P1Y",
)
_MIXED_TYPE: Final = (
    ProblemCode.TYPE,
    "neither a text, a finite number, true or false, nor a list of these",
    "write a value of one of these types",
)


def _text(details: ErrorDetails, field: str) -> _Explanation:
    context = details.get("ctx", {})
    if field == "attribute":
        return ProblemCode.NAME, "not an attribute reference", "write group:attribute"
    code = ProblemCode.NAME if field in _NAME_FIELDS else ProblemCode.TEXT
    if details["type"] == "string_too_long":
        maximum = context.get("max_length")
        return code, f"longer than {maximum} characters", f"use at most {maximum} characters"
    if details["type"] == "string_too_short":
        return code, "empty", "write at least one character"
    if field == "version":
        return code, "not a schema version", "write model-revision-addition, such as 1-0-0"
    message = "has characters that are not allowed here"
    return code, message, f"keep to the pattern {context.get('pattern', '')}"


def _missing(details: ErrorDetails, field: str) -> _Explanation:
    if details["type"] == "key_name_missing":
        return ProblemCode.MISSING, "the key has no name", "add name, property or external_column"
    return ProblemCode.MISSING, f"{field} is missing", f"add {field}"


def _choice(details: ErrorDetails, field: str) -> _Explanation:
    hint = f"choices: {_expected(details)}"
    return ProblemCode.CHOICE, f"not one of the choices of {field}", hint


def _expected(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    return str(context.get("expected") or context.get("expected_tags") or "")


def _nearer(details: ErrorDetails) -> str:
    """The hint with what may have been meant; nothing if no name is near."""
    given = details["input"]
    if not isinstance(given, str):
        return ""
    if details["type"] in _CHOICES:
        expected = _expected(details)
        choices = [choice.strip("' ") for choice in expected.replace(" or ", ", ").split(",")]
        near = close_names(given, choices, count=1)
        return f"did you mean {near[0]!r}? choices: {expected}" if near else ""
    if details["type"] == "atomic_field":
        near = close_names(given, ATOMIC_FIELDS, cutoff=0.5)
        return f"did you mean {' or '.join(near)}?" if near else ""
    return ""


def _shape(details: ErrorDetails, field: str) -> _Explanation:
    if isinstance(details["input"], Mapping) and "type" not in details["input"]:
        message = "has more than one of all, any, none and attribute"
        return ProblemCode.SHAPE, message, "nest them: each part of a rule has exactly one"
    return ProblemCode.SHAPE, f"not readable as {field}", "write an object of the documented form"


def _atomic_field(details: ErrorDetails, field: str) -> _Explanation:
    hint = "use a column name such as page_url"
    return ProblemCode.ATOMIC_FIELD, "not a column of an enriched event", hint


def _range(details: ErrorDetails, field: str) -> _Explanation:
    message = str(details["msg"]).removeprefix("Input ").removeprefix("Value ")
    hint = f"change {field} so that it {message.replace(' after validation', '')}"
    return ProblemCode.RANGE, "out of range", hint


def _too_many(details: ErrorDetails, field: str) -> _Explanation:
    most = details.get("ctx", {}).get("max_length")
    return ProblemCode.RANGE, f"more than {most} {field}", f"give at most {most}"


def _path(details: ErrorDetails, field: str) -> _Explanation:
    hint = "write names joined by dots and [n], such as products[0].price"
    return ProblemCode.PATH, "not a property path", hint


def _key_name_differs(details: ErrorDetails, field: str) -> _Explanation:
    hint = "leave out the name, or make it equal to external_column"
    return ProblemCode.NAME, "name and external_column differ", hint


def _version_twice(details: ErrorDetails, field: str) -> _Explanation:
    hint = "leave one of them out"
    return ProblemCode.SHAPE, "both version and major_version are given", hint


def _rule_depth(details: ErrorDetails, field: str) -> _Explanation:
    message = f"nested deeper than {TREE_DEPTH_MAX} levels"
    return ProblemCode.SHAPE, message, "write the rule with fewer levels of all, any and none"


def _not_here(details: ErrorDetails, field: str) -> _Explanation:
    hint = f"leave out {field}, or use the class that has it"
    return ProblemCode.TYPE, f"{field} does not belong to this kind of object", hint


def _no_list(details: ErrorDetails, field: str) -> _Explanation:
    if details.get("ctx", {}).get("class") != "Sequence":
        return _other(details)
    return ProblemCode.TYPE, "not a list", f"write it in brackets: {field}=[...]"


def _object(details: ErrorDetails, field: str) -> _Explanation:
    name = str(details.get("ctx", {}).get("class_name", "object"))
    given = details["input"]
    if name == _LINK and isinstance(given, str):
        link = f'{name}(name="{shown_name(given)}", version=1)'
        hint = f'write the group itself or {link}; in JSON {{"name": ..., "version": 1}}'
        return ProblemCode.TYPE, "a group is not named by a text alone", hint
    return ProblemCode.TYPE, f"not of the class {name}", f"write {name}(...); in JSON an object"


def _other(details: ErrorDetails) -> _Explanation:
    message = str(details["msg"])
    return ProblemCode.TYPE, message[:1].lower() + message[1:], "write a value of the type named"


_EXPLANATIONS: Final[Mapping[str, Callable[[ErrorDetails, str], _Explanation]]] = {
    "missing": _missing,
    "key_name_missing": _missing,
    "key_name_differs": _key_name_differs,
    "literal_error": _choice,
    "union_tag_invalid": _choice,
    "union_tag_not_found": _shape,
    "atomic_field": _atomic_field,
    "property_path": _path,
    "rule_depth": _rule_depth,
    "version_twice": _version_twice,
    "none_required": _not_here,
    "too_short": _range,
    "too_long": _too_many,
    "greater_than_equal": _range,
    "less_than_equal": _range,
    "is_instance_of": _no_list,
    "model_type": _object,
}

"""Reads registry JSON, or an object built unchecked, as far as it can be read.

What pydantic refuses becomes problems with a place that a person can find. The rest of the object
is kept, without the wrong fields, so that the checks of its meaning still find their problems.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from definitions.attribute_groups import AttributeGroup
from definitions.attribute_keys import AttributeKey
from definitions.attributes import Attribute
from definitions.criteria import Criteria, Criterion
from definitions.event_logs import EventLog
from definitions.field_problems import problems_of
from definitions.interventions import (
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    InterventionCriteriaNone,
    InterventionCriterion,
    RuleIntervention,
    tree_kind,
)
from definitions.limits import ATTRIBUTES_PER_GROUP_MAX, CRITERIA_MAX, RULE_PARTS_MAX
from definitions.model import QUIET, Model
from definitions.problems import Problem
from definitions.services import Service

_ModelT = TypeVar("_ModelT", bound=Model)
_TREE_KINDS: Mapping[str, type[Model]] = {
    "criterion": InterventionCriterion,
    "tree_all": InterventionCriteriaAll,
    "tree_any": InterventionCriteriaAny,
    "tree_none": InterventionCriteriaNone,
}
_PARTS: Mapping[tuple[type[Model], str], type[Model]] = {
    (AttributeGroup, "attributes"): Attribute,
    (Attribute, "criteria"): Criteria,
    (Criteria, "all"): Criterion,
    (Criteria, "any"): Criterion,
}
_TREES = (
    RuleIntervention,
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    InterventionCriteriaNone,
)
# A definition that is published on its own always gets a name and a kind, so that definitions that
# name it can be checked.
_NAMED = (AttributeGroup, AttributeKey, EventLog, RuleIntervention, Service)
_UNREADABLE: Mapping[str, str | int] = {"name": "?", "version": 0, "offline": False}
# No list of parts may be longer: see definitions/limits.py.
_PARTS_MAX = max(ATTRIBUTES_PER_GROUP_MAX, CRITERIA_MAX, RULE_PARTS_MAX)
_TREE_FIELDS = ("criteria", "all", "any", "none")


@dataclass(frozen=True, slots=True)
class Reading(Generic[_ModelT]):
    """What could be read; wrong fields are missing (see `has`), and the rest is right."""

    value: _ModelT
    problems: list[Problem]


def read(
    model: type[_ModelT], raw: Mapping[str, Any], place: str, record: str, *, quiet: bool = False
) -> Reading[_ModelT]:  # JSON values
    """Read registry JSON of one definition. `quiet` gives no warnings for unknown fields."""
    try:
        return Reading(model.model_validate(raw, context=QUIET if quiet else None), [])
    except ValidationError as error:
        partial = cast("_ModelT", _partial(model, raw))
        return Reading(partial, problems_of(error, raw, place, record))


def raw_of(value: Any) -> Any:  # any part of a definition, checked or not
    """The value as JSON-like maps and lists, whatever it holds."""
    if isinstance(value, Model):
        fields = type(value).model_fields
        return {
            field.alias or name: raw_of(vars(value)[name])
            for name, field in fields.items()
            if vars(value).get(name) is not None
        }
    if isinstance(value, Mapping):
        return {key: raw_of(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [raw_of(item) for item in value]
    return value


def has(value: Model, *fields: str) -> bool:
    """Whether these fields could be read; always true for an object that is right."""
    return all(field in vars(value) for field in fields)


def _partial(model: type[Model], raw: Any) -> Model:  # JSON values
    values: dict[str, Any] = {}
    broken: list[str] = []
    fields = raw if isinstance(raw, Mapping) else {}
    for name, field in model.model_fields.items():
        alias = field.alias or name
        if alias not in fields:
            continue
        try:
            values[name] = _field_adapter(model, name).validate_python(fields[alias], context=QUIET)
        except ValidationError:
            parts = _partial_parts(model, name, fields[alias])
            if name == "name" and isinstance(fields[alias], str):
                values[name] = fields[alias]  # a wrong name still identifies the object
            elif parts is None:
                broken.append(name)
            else:
                values[name] = parts
    result = model.model_construct(**values)
    for name in broken:
        vars(result).pop(name, None)
        if issubclass(model, _NAMED) and name in _UNREADABLE:
            vars(result)[name] = _UNREADABLE[name]
    return result


def _partial_parts(model: type[Model], name: str, raw: Any) -> Any:  # JSON values, partial models
    if name == "criteria":  # the only part that is not in a list
        return _partial_part(model, name, raw)
    if isinstance(raw, Sequence) and not isinstance(raw, str) and len(raw) <= _PARTS_MAX:
        parts = [_partial_part(model, name, item) for item in raw]
        return tuple(parts) if parts and all(part is not None for part in parts) else None
    return None


def _partial_part(model: type[Model], name: str, raw: Any) -> Model | None:  # JSON values
    if not isinstance(raw, Mapping):
        return None
    if issubclass(model, _TREES) and name in _TREE_FIELDS:
        part = _TREE_KINDS.get(tree_kind(raw) or "")
    else:
        owner = AttributeGroup if issubclass(model, AttributeGroup) else model
        part = _PARTS.get((owner, name))
    return _partial(part, raw) if part else None


@lru_cache(maxsize=256)  # fields of all models; there are fewer
def _field_adapter(model: type[Model], name: str) -> TypeAdapter[Any]:
    field: FieldInfo = copy(model.model_fields[name])
    # What only a model can do with a field; outside a model, pydantic warns about it.
    field.alias = field.validation_alias = field.serialization_alias = None
    field.validate_default = None
    return TypeAdapter(
        Annotated[field.annotation, field]  # type: ignore[arg-type]  # run time
    )

"""The definitions of a plan as a table, from which native code computes the same contributions.

The table contains what is simple and frequent. For everything else, it contains None or the
operator `odd`: native code returns an event for which it would need that, and the plan itself reads
the event. So the table never has to contain a definition completely
(processor/decisions/native.md).

The rows are tuples of plain values. processor/native/src/table.rs reads them, and has the same
order.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from definitions import AtomicProperty, CalculatedProperty, Criterion, EventProperty
from definitions.paths import parse_path
from definitions.patterns import plain_like
from definitions.properties import LeafProperty
from processor.engine.attribute import NO_VALUE
from processor.engine.identifiers import Identities
from processor.engine.matching import Matching, Measure, first_equal
from processor.events import COLUMN_TYPES, Property
from processor.events.columns import COLUMN_INDEX
from processor.limits import ENTITIES_MAX, INTEGER_MAX

# ("column", index, type), ("event", schema, path) or ("entity", schema, index, path); None if only
# the plan can read it.
PropertyRow = tuple[Any, ...] | None
# Property, operator, and what it compares with.
CriterionRow = tuple[PropertyRow, str, Any]
# Name, property, whether UUIDs are kept in lower case, whether ids must be UUIDs, ids of nobody.
KeyRow = tuple[str, PropertyRow, bool, bool, frozenset[str]]
# Selectors by schema, event specifications, (number of a property, property, text that it must
# equal), `all` without that criterion, `any`, (property, domain), (index of the key, series id),
# whether joint rules read one of the series.
MeasureRow = tuple[
    tuple[tuple[str | None, str | None, str | None], ...],
    frozenset[str],
    tuple[int, PropertyRow, str] | None,
    list[CriterionRow],
    list[CriterionRow] | None,
    tuple[PropertyRow, str] | None,
    list[tuple[int, int]],
    bool,
]

_ODD: CriterionRow = (None, "odd", None)
_WITH_A_SCALAR = frozenset({"=", "!=", "<", ">", "<=", ">="})
_WITHOUT_VALUE = frozenset({"is null", "is not null"})
# Numbers and booleans with which a value is compared one by one.
_COMPARED_MAX = 64
_SCALARS = frozenset({bool, int, float, str})


class StageTable(NamedTuple):
    """The rows of one plan; keys are in the order of their names, measures in that of values."""

    app_ids: list[str]
    keys: list[KeyRow]
    measures: list[MeasureRow]


class KeyDefinition(NamedTuple):
    """Where the ids of an attribute key are read, and whether they must be UUIDs."""

    where: LeafProperty
    uuids_only: bool


def stage_table(
    matching: Matching, keys: Mapping[str, KeyDefinition], identities: Identities
) -> StageTable:
    """Return the table of a plan with these measures and attribute keys."""
    names = sorted(keys)
    positions = {name: position for position, name in enumerate(names)}
    numbers: dict[bytes, int] = {}
    joint = matching.joint_series
    return StageTable(
        sorted(app_id.decode() for app_id in matching.app_ids),
        [_key(name, keys[name], identities) for name in names],
        [_measure(one, positions, numbers, joint) for one in matching.measures],
    )


def _key(name: str, key: KeyDefinition, identities: Identities) -> KeyRow:
    folds, nobody = name in identities.folded_keys, identities.nobody_of(name)
    return name, _property(key.where), folds, key.uuids_only, nobody


def _measure(
    measure: Measure,
    positions: Mapping[str, int],
    numbers: dict[bytes, int],
    joint: Collection[int],
) -> MeasureRow:
    """Return the row of a measure.

    `positions` are those of the keys; `numbers` are those of properties that must equal a text, by
    their names; `joint` are the series that joint rules read.
    """
    definition = measure.definition
    criteria = definition.criteria
    equal, every = (None, []) if criteria is None else first_equal(criteria)
    some = None if criteria is None else criteria.any
    read = None
    if measure.domain != NO_VALUE:
        read = (_property(definition.property), measure.domain)
    return (
        measure.selects.schemas,
        measure.selects.specifications,
        None if equal is None else _equal(equal, measure, numbers),
        _criteria(every),
        None if some is None else _criteria(some),
        read,
        [(positions[key], series_id) for key, series_id in measure.series.items()],
        any(series_id in joint for series_id in measure.series.values()),
    )


def _equal(
    criterion: Criterion, measure: Measure, numbers: dict[bytes, int]
) -> tuple[int, PropertyRow, str]:
    assert measure.equal is not None, "it is compiled from the same criterion"
    name, _, text = measure.equal
    return numbers.setdefault(name, len(numbers)), _property(criterion.property), text


def _criteria(criteria: Iterable[Criterion]) -> list[CriterionRow]:
    return [_criterion(one) for one in criteria]


def _criterion(criterion: Criterion) -> CriterionRow:
    where, operator, value = _property(criterion.property), criterion.operator, criterion.value
    if operator in _WITHOUT_VALUE:
        return where, operator, None
    if operator in _WITH_A_SCALAR and _is_scalar(value):
        return where, operator, value
    if operator == "in" and isinstance(value, Sequence) and not isinstance(value, str):
        return _among(where, value)
    if operator == "like" and isinstance(value, str):
        plain = plain_like(value)
        return _ODD if plain is None else (where, operator, tuple(plain))
    return _ODD


def _among(where: PropertyRow, values: Sequence[object]) -> CriterionRow:
    """Return the row of a list, with texts, which are looked up, and others, which are compared."""
    others = [one for one in values if not isinstance(one, str)]
    if len(others) > _COMPARED_MAX or not all(map(_is_scalar, others)):
        return _ODD
    return where, "in", (frozenset(one for one in values if isinstance(one, str)), others)


def _is_scalar(value: object) -> bool:
    if type(value) is int:
        return -INTEGER_MAX - 1 <= value <= INTEGER_MAX
    return type(value) in _SCALARS


def _property(definition: Property | None) -> PropertyRow:
    if definition is None or isinstance(definition, CalculatedProperty):
        return None
    if definition.date_part is not None:
        return None
    if isinstance(definition, AtomicProperty):
        return "column", COLUMN_INDEX[definition.name], COLUMN_TYPES[definition.name].value
    schema = f"{definition.vendor}/{definition.name}/{definition.major_version}"
    path = parse_path(definition.path)
    if isinstance(definition, EventProperty):
        return "event", schema, path
    index = definition.index
    return ("entity", schema, index, path) if index < ENTITIES_MAX else None

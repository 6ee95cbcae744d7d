"""Whether an attribute fits its aggregation: its type, its property, its time unit."""

from collections.abc import Mapping
from typing import Final

from definitions.aggregations import AGGREGATIONS, TIME_UNITS_MS
from definitions.attribute_types import ORDERED, TEXTS, item_type
from definitions.attributes import Attribute
from definitions.problems import ProblemCode, ProblemList
from definitions.properties import CalculatedProperty, Property
from definitions.reading import has

_OF_DATE_PARTS: Final = sorted(row.name for row in AGGREGATIONS.values() if row.date_parts)
_OF_LISTS: Final = sorted(row.name for row in AGGREGATIONS.values() if row.gives_lists)
# Time units as a hint lists them: s, min, h or d.
_UNITS: Final = " or ".join(", ".join(TIME_UNITS_MS).rsplit(", ", 1))
_TEXT: Final = "texts"
_NUMBER: Final = "numbers"
_TYPES: Final[Mapping[str, frozenset[str]]] = {_TEXT: TEXTS, _NUMBER: ORDERED}


def check_aggregation(attribute: Attribute, place: str, found: ProblemList) -> None:
    """Check the property and the type of an attribute against its aggregation."""
    aggregation = attribute.aggregation
    if has(attribute, "property"):
        _check_property_use(attribute, place, found)
    types = AGGREGATIONS[aggregation].types
    if has(attribute, "type") and attribute.type not in types:
        found.add(
            ProblemCode.AGGREGATION_TYPE,
            f"{place} / type",
            f"the result of {aggregation} is never of this type",
            hint=f"use one of {', '.join(sorted(types))}",
            value=attribute.type,
        )


def _check_property_use(attribute: Attribute, place: str, found: ProblemList) -> None:
    needed = AGGREGATIONS[attribute.aggregation].takes_property
    if needed and attribute.property is None:
        found.add(
            ProblemCode.PROPERTY_MISSING,
            f"{place} / property",
            f"{attribute.aggregation} aggregation requires a property to be set",
            hint="add property=EventProperty(...), EntityProperty(...) or AtomicProperty(...)",
        )
    if not needed and attribute.property is not None:
        found.add(
            ProblemCode.PROPERTY_UNUSED,
            f"{place} / property",
            f"{attribute.aggregation} reads no property",
            hint="leave out property, or count where it is there with the criterion 'is not null'",
            value=attribute.property,
        )


def check_time_unit(attribute: Attribute, place: str, found: ProblemList) -> None:
    """Check the time unit of an attribute against its aggregation."""
    if not has(attribute, "time_unit", "aggregation"):
        return
    needed = AGGREGATIONS[attribute.aggregation].time_unit
    if needed == (attribute.time_unit is not None):
        return
    unit = "needs a time_unit" if needed else "has no time_unit"
    found.add(
        ProblemCode.TIME_UNIT,
        f"{place} / time_unit",
        f"{attribute.aggregation} {unit}",
        hint=f"add time_unit: {_UNITS}" if needed else "leave out time_unit",
        value=attribute.time_unit,
    )


def check_values(attribute: Attribute, place: str, found: ProblemList) -> None:
    """Check the values of an attribute's property against its aggregation and its type."""
    if not has(attribute, "property", "aggregation") or attribute.property is None:
        return
    prop, row = attribute.property, AGGREGATIONS[attribute.aggregation]
    part = getattr(prop, "date_part", None)
    if part is not None and not row.date_parts:
        found.add(
            ProblemCode.DATE_PART,
            f"{place} / property / date_part",
            f"{row.name} does not go over parts of dates",
            hint=f"use one of {', '.join(_OF_DATE_PARTS)}",
            value=part,
        )
    elif not row.own_result and has(attribute, "type"):
        _check_type(attribute, _kind(prop), place, found)


def _check_type(attribute: Attribute, kind: str | None, place: str, found: ProblemList) -> None:
    if kind is None or item_type(attribute.type) in _TYPES[kind]:
        return
    # If the aggregation already excludes the type, that is reported once, there.
    if any(problem.place == f"{place} / type" for problem in found.items):
        return
    found.add(
        ProblemCode.AGGREGATION_TYPE,
        f"{place} / type",
        f"the property gives {kind}, never a value of this type",
        hint=f"use one of {', '.join(sorted(_TYPES[kind]))}, "
        f"or a list of them for {', '.join(_OF_LISTS)}",
        value=attribute.type,
    )


def _kind(prop: Property) -> str | None:
    """The kind of every value of a property; None if only the events determine it."""
    if isinstance(prop, CalculatedProperty):
        return {"concat": _TEXT, "coalesce": None}.get(prop.operation, _NUMBER)
    if prop.date_part is None:
        return None
    return _TEXT if prop.date_part.startswith("active_") else _NUMBER

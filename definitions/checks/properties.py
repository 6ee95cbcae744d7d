"""What properties must satisfy beyond the form of their fields."""

from typing import Final

from definitions.paths import parse_path
from definitions.problems import ProblemCode, ProblemList
from definitions.properties import (
    AtomicProperty,
    CalculatedProperty,
    LeafProperty,
    Property,
)

_CALCULATED_MIN: Final = 2
# Columns that hold whole documents.
_DOCUMENTS: Final = frozenset({"contexts", "derived_contexts", "unstruct_event"})


def check_property(prop: Property, place: str, found: ProblemList, *, computed: bool) -> None:
    """Check the path of a property; if `computed`, also that the engine can read it."""
    if not isinstance(prop, CalculatedProperty):
        _check_leaf(prop, place, found, computed=computed)
        return
    for number, leaf in enumerate(prop.properties, start=1):
        _check_leaf(leaf, f"{place} / property {number}", found, computed=computed)
    if computed:
        _check_calculation(prop, place, found)


def check_key_property(prop: LeafProperty, place: str, found: ProblemList) -> None:
    """Check the property of an attribute key."""
    check_property(prop, place, found, computed=True)
    if prop.date_part is not None:
        found.add(
            ProblemCode.DATE_PART,
            f"{place} / date_part",
            "profiles are not kept by a part of a date",
            hint="leave out date_part",
            value=prop.date_part,
        )


def _check_leaf(leaf: LeafProperty, place: str, found: ProblemList, *, computed: bool) -> None:
    if not isinstance(leaf, AtomicProperty):
        _check_path(leaf.path, f"{place} / path", found)
        return
    if not computed:
        return
    if leaf.name in _DOCUMENTS:
        found.add(
            ProblemCode.ATOMIC_FIELD,
            f"{place} / name",
            "the column holds whole documents, which are no value",
            hint="name a value in it with EventProperty(...) or EntityProperty(...)",
            value=leaf.name,
        )
    if leaf.date_part is not None and not leaf.name.endswith("_tstamp"):
        found.add(
            ProblemCode.DATE_PART,
            f"{place} / date_part",
            f"the column {leaf.name} holds no date",
            hint="use a column whose name ends in _tstamp, or leave out date_part",
            value=leaf.date_part,
        )


def _check_calculation(prop: CalculatedProperty, place: str, found: ProblemList) -> None:
    if prop.operation != "coalesce" and len(prop.properties) < _CALCULATED_MIN:
        found.add(
            ProblemCode.CALCULATED,
            f"{place} / properties",
            f"{prop.operation} combines at least {_CALCULATED_MIN} properties",
            hint="add a property, or use the one property without a calculation",
            value=len(prop.properties),
        )
    if prop.operation != "concat" and prop.separator is not None:
        found.add(
            ProblemCode.CALCULATED,
            f"{place} / separator",
            f"{prop.operation} has no separator",
            hint="leave out separator, or use concat",
            value=prop.separator,
        )


def _check_path(path: str, place: str, found: ProblemList) -> None:
    try:
        parse_path(path)
    except ValueError:
        found.add(
            ProblemCode.PATH,
            place,
            "a path has names, dots and [n] alone; no wildcard, negative index, quotes or '..'",
            hint="name one value, such as products[0].price",
            value=path,
        )

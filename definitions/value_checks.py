"""Whether an attribute can take the values that its property gives."""

from collections.abc import Mapping
from typing import Final

from definitions.attributes import Attribute
from definitions.problems import ProblemCode, ProblemList
from definitions.properties import CalculatedProperty, Property
from definitions.reading import has

# Parts of dates are kept and counted; they are not added up, and have no order across years.
_OF_DATE_PARTS: Final = frozenset(
    {
        "first",
        "last",
        "unique_list",
        "most_frequent",
        "least_frequent",
        "category_count",
        "approx_count_distinct",
    }
)
# The type of the result is not that of the values.
_OWN_RESULT: Final = frozenset({"category_count", "approx_count_distinct"})
_TEXT: Final = "texts"
_NUMBER: Final = "numbers"
_TYPES: Final[Mapping[str, frozenset[str]]] = {
    _TEXT: frozenset({"string", "timestamp", "bytes"}),
    _NUMBER: frozenset({"int32", "int64", "double", "float", "unix_timestamp"}),
}


def check_values(attribute: Attribute, place: str, found: ProblemList) -> None:
    """The property of an attribute against its aggregation and its type."""
    if not has(attribute, "property", "aggregation") or attribute.property is None:
        return
    prop, aggregation = attribute.property, attribute.aggregation
    part = getattr(prop, "date_part", None)
    if part is not None and aggregation not in _OF_DATE_PARTS:
        found.add(
            ProblemCode.DATE_PART,
            f"{place} / property / date_part",
            f"{aggregation} does not go over parts of dates",
            hint=f"use one of {', '.join(sorted(_OF_DATE_PARTS))}",
            value=part,
        )
    elif aggregation not in _OWN_RESULT and has(attribute, "type"):
        _check_type(attribute, _kind(prop), place, found)


def _check_type(attribute: Attribute, kind: str | None, place: str, found: ProblemList) -> None:
    if kind is None or attribute.type.removesuffix("_list") in _TYPES[kind]:
        return
    # Where the aggregation already rules the type out, that is said once, there.
    if any(problem.place == f"{place} / type" for problem in found.items):
        return
    found.add(
        ProblemCode.AGGREGATION_TYPE,
        f"{place} / type",
        f"the property gives {kind}, never a value of this type",
        hint=f"use one of {', '.join(sorted(_TYPES[kind]))}, or a list of them for unique_list",
        value=attribute.type,
    )


def _kind(prop: Property) -> str | None:
    """What every value of a property is, None where only the events tell."""
    if isinstance(prop, CalculatedProperty):
        return {"concat": _TEXT, "coalesce": None}.get(prop.operation, _NUMBER)
    if prop.date_part is None:
        return None
    return _TEXT if prop.date_part.startswith("active_") else _NUMBER

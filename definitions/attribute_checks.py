"""What an attribute must satisfy beyond the form of its fields."""

from typing import Final

from definitions.attributes import Attribute
from definitions.criteria_checks import check_criteria
from definitions.limits import LIST_VALUES_MAX, VALUE_BYTES_MAX
from definitions.problems import ProblemCode, ProblemList
from definitions.property_checks import check_duration, check_property
from definitions.reading import has
from definitions.supported import TYPES_OF, value_fits
from definitions.value_checks import check_values

_TIMES: Final = frozenset({"time_since_last", "time_since_first"})
_WITHOUT_PROPERTY: Final = _TIMES | {"counter"}


def check_attribute(
    attribute: Attribute, place: str, found: ProblemList, *, computed: bool
) -> None:
    """Everything about one attribute; where `computed`, also that the engine can compute it."""
    if has(attribute, "aggregation"):
        _check_aggregation(attribute, place, found)
    _check_durations(attribute, place, found)
    _check_default(attribute, place, found)
    _check_time_unit(attribute, place, found)
    if has(attribute, "property") and attribute.property is not None:
        check_property(attribute.property, f"{place} / property", found, computed=computed)
    if has(attribute, "criteria") and attribute.criteria is not None:
        check_criteria(attribute.criteria, f"{place} / criteria", found, computed=computed)
    if computed:
        check_values(attribute, place, found)
    if has(attribute, "events"):
        _check_events(attribute, place, found)


def _check_aggregation(attribute: Attribute, place: str, found: ProblemList) -> None:
    aggregation = attribute.aggregation
    if has(attribute, "property"):
        _check_property_use(attribute, place, found)
    types = TYPES_OF.get(aggregation)
    if types is not None and has(attribute, "type") and attribute.type not in types:
        found.add(
            ProblemCode.AGGREGATION_TYPE,
            f"{place} / type",
            f"the result of {aggregation} is never of this type",
            hint=f"use one of {', '.join(sorted(types))}",
            value=attribute.type,
        )


def _check_property_use(attribute: Attribute, place: str, found: ProblemList) -> None:
    needed = attribute.aggregation not in _WITHOUT_PROPERTY
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
            hint="leave property away, or count where it is there with the criterion 'is not null'",
            value=attribute.property,
        )


def _check_durations(attribute: Attribute, place: str, found: ProblemList) -> None:
    if has(attribute, "period"):
        check_duration(attribute.period, f"{place} / period", found)
    if has(attribute, "ttl"):
        check_duration(attribute.ttl, f"{place} / ttl", found)
    if has(attribute, "period", "ttl") and None not in (attribute.period, attribute.ttl):
        found.add(
            ProblemCode.PERIOD_AND_TTL,
            f"{place} / ttl",
            "a ttl is for lifetime attributes; this one has a period",
            hint="leave ttl or period away",
            value=attribute.ttl,
        )


def _check_default(attribute: Attribute, place: str, found: ProblemList) -> None:
    if not has(attribute, "default_value", "type") or attribute.default_value is None:
        return
    value, kind = attribute.default_value, attribute.type
    if isinstance(value, tuple):
        item_kind = kind.removesuffix("_list")
        fits = item_kind != kind and all(value_fits(item_kind, item) for item in value)
    else:
        fits = not kind.endswith("_list") and kind != "dict" and value_fits(kind, value)
    message, hint = f"not a value of type {kind}", f"write a value of type {kind}, or none"
    items = value if isinstance(value, tuple) else (value,)
    texts = [item for item in items if isinstance(item, str)]
    if fits and len(items) > LIST_VALUES_MAX:
        fits = False
        message, hint = f"more than {LIST_VALUES_MAX} values", "results never have more"
    elif fits and any(len(text.encode()) > VALUE_BYTES_MAX for text in texts):
        fits = False
        message, hint = f"longer than {VALUE_BYTES_MAX} bytes", "use a shorter text"
    if not fits:
        where = f"{place} / default_value"
        found.add(ProblemCode.DEFAULT_VALUE, where, message, hint=hint, value=value)


def _check_time_unit(attribute: Attribute, place: str, found: ProblemList) -> None:
    if not has(attribute, "time_unit", "aggregation"):
        return
    needed = attribute.aggregation in _TIMES
    if needed == (attribute.time_unit is not None):
        return
    unit = "needs a time_unit" if needed else "has no time_unit"
    found.add(
        ProblemCode.TIME_UNIT,
        f"{place} / time_unit",
        f"{attribute.aggregation} {unit}",
        hint="add time_unit: s, min, h or d" if needed else "leave time_unit away",
        value=attribute.time_unit,
    )


def _check_events(attribute: Attribute, place: str, found: ProblemList) -> None:
    for number, event in enumerate(attribute.events, start=1):
        parts = (event.vendor, event.name, event.version)
        if event.event_specification_id is not None and any(part is not None for part in parts):
            found.add(
                ProblemCode.EVENT_SELECTOR,
                f"{place} / event {number} / event_specification_id",
                "an event is selected by its event specification or by its schema, not by both",
                hint="leave vendor, name and version away, or event_specification_id",
                value=event.event_specification_id,
            )

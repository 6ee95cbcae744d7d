"""What an attribute must satisfy beyond the form of its fields."""

from definitions.attribute_types import SCALARS, item_type, value_fits
from definitions.attributes import Attribute
from definitions.checks.aggregations import check_aggregation, check_time_unit, check_values
from definitions.checks.criteria import check_criteria
from definitions.checks.durations import check_duration
from definitions.checks.properties import check_property
from definitions.limits import LIST_VALUES_MAX, VALUE_CHARS_MAX
from definitions.problems import ProblemCode, ProblemList
from definitions.reading import has


def check_attribute(
    attribute: Attribute, place: str, found: ProblemList, *, computed: bool
) -> None:
    """Check everything about one attribute; if `computed`, also that the engine can compute it."""
    if has(attribute, "aggregation"):
        check_aggregation(attribute, place, found)
    _check_durations(attribute, place, found)
    _check_default(attribute, place, found)
    check_time_unit(attribute, place, found)
    if has(attribute, "property") and attribute.property is not None:
        check_property(attribute.property, f"{place} / property", found, computed=computed)
    if has(attribute, "criteria") and attribute.criteria is not None:
        check_criteria(attribute.criteria, f"{place} / criteria", found, computed=computed)
    if computed:
        check_values(attribute, place, found)
    if has(attribute, "events"):
        _check_events(attribute, place, found)


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
            hint="leave out ttl or period",
            value=attribute.ttl,
        )


def _check_default(attribute: Attribute, place: str, found: ProblemList) -> None:
    if not has(attribute, "default_value", "type") or attribute.default_value is None:
        return
    value, kind = attribute.default_value, attribute.type
    if isinstance(value, tuple):
        item_kind = item_type(kind)
        fits = item_kind != kind and all(value_fits(item_kind, item) for item in value)
    else:
        fits = kind in SCALARS and value_fits(kind, value)
    message, hint = f"not a value of type {kind}", f"write a value of type {kind}, or none"
    items = value if isinstance(value, tuple) else (value,)
    texts = [item for item in items if isinstance(item, str)]
    if fits and len(items) > LIST_VALUES_MAX:
        fits = False
        message, hint = f"more than {LIST_VALUES_MAX} values", "results never have more"
    elif fits and any(len(text) > VALUE_CHARS_MAX for text in texts):
        fits = False
        message, hint = f"longer than {VALUE_CHARS_MAX} characters", "use a shorter text"
    if not fits:
        where = f"{place} / default_value"
        found.add(ProblemCode.DEFAULT_VALUE, where, message, hint=hint, value=value)


def _check_events(attribute: Attribute, place: str, found: ProblemList) -> None:
    for number, event in enumerate(attribute.events, start=1):
        parts = (event.vendor, event.name, event.version)
        if event.event_specification_id is not None and any(part is not None for part in parts):
            found.add(
                ProblemCode.EVENT_SELECTOR,
                f"{place} / event {number} / event_specification_id",
                "an event is selected by its event specification or by its schema, not by both",
                hint="leave out vendor, name and version, or event_specification_id",
                value=event.event_specification_id,
            )

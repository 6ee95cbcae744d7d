"""What properties and durations must satisfy beyond the form of their fields."""

from datetime import timedelta
from typing import Final

from definitions.limits import DURATION_MAX
from definitions.paths import parse_path
from definitions.problems import ProblemCode, ProblemList
from definitions.properties import CalculatedProperty, EntityProperty, EventProperty, Property

_MILLISECOND: Final = timedelta(milliseconds=1)


def check_property(prop: Property, place: str, found: ProblemList, *, computed: bool) -> None:
    """The path of a property; where `computed`, also that the engine can read it."""
    if isinstance(prop, CalculatedProperty):
        if computed:
            found.add(
                ProblemCode.UNSUPPORTED,
                place,
                "calculated properties are not computed",
                hint="use one property of the event or of an entity",
                value=prop.operation,
            )
        return
    if isinstance(prop, EventProperty | EntityProperty):
        _check_path(prop.path, f"{place} / path", found)
    if computed and prop.date_part is not None:
        found.add(
            ProblemCode.UNSUPPORTED,
            f"{place} / date_part",
            "parts of dates are not computed",
            hint="leave date_part away",
            value=prop.date_part,
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


def check_duration(duration: timedelta | None, place: str, found: ProblemList) -> None:
    """A duration is positive, whole milliseconds, at most ten years."""
    if duration is None:
        return
    if duration <= timedelta(0):
        message, hint = "zero or negative", "use a positive duration"
    elif duration > DURATION_MAX:
        message, hint = "longer than ten years", "use at most P10Y; leave it away for no limit"
    elif duration % _MILLISECOND:
        message, hint = "not whole milliseconds", "round it to milliseconds"
    else:
        return
    found.add(ProblemCode.DURATION, place, message, hint=hint, value=duration)

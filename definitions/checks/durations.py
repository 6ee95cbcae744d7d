"""What a period, a time to live or a cooldown must satisfy beyond its form."""

from datetime import timedelta
from typing import Final

from definitions.limits import DURATION_MAX
from definitions.problems import ProblemCode, ProblemList

_MILLISECOND: Final = timedelta(milliseconds=1)


def check_duration(duration: timedelta | None, place: str, found: ProblemList) -> None:
    """Check that a duration is positive, in whole milliseconds, and at most ten years."""
    if duration is None:
        return
    if duration <= timedelta(0):
        message, hint = "zero or negative", "use a positive duration"
    elif duration > DURATION_MAX:
        message, hint = "longer than ten years", "use at most P10Y; leave it out for no limit"
    elif duration % _MILLISECOND:
        message, hint = "not whole milliseconds", "round it to milliseconds"
    else:
        return
    found.add(ProblemCode.DURATION, place, message, hint=hint, value=duration)

"""The value of a property of an event: what stands there, a part of a date, a calculation."""

import math
import re
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.model.enriched import Json, Line, is_small_scalar

Scalar = str | int | float | bool
DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.\d+)?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)


class RejectedError(Exception):
    """There is something, but it is no value, or not one that the calculation takes."""


def value_of(event: Line, prop: Json) -> Scalar | None:
    """The value of a property of the definitions; None where it contributes nothing."""
    try:
        if prop["type"] != "calculated":
            return part_of(event, prop)
        return calculated(event, prop)
    except RejectedError:
        return None


def part_of(event: Line, prop: Json) -> Scalar | None:
    """What stands at the place of a property, or the part of its date that is asked for."""
    found = event.value(prop)
    if found is None:
        if prop["type"] == "atomic" and event[prop["name"]]:
            raise RejectedError
        return None
    if not is_small_scalar(found):
        raise RejectedError
    return date_part(found, prop["date_part"]) if prop.get("date_part") else found


def date_part(value: Any, part: str) -> str | int:
    """The part of an RFC 3339 date-time, in UTC; a leap second is the one before it."""
    match = DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise RejectedError
    day, time, seconds, sign, hours, minutes = match.groups()
    leap = seconds == "60"
    try:
        moment = datetime.fromisoformat(f"{day}T{time}:{'59' if leap else seconds}+00:00")
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        moment -= -offset if sign == "-" else offset
    except (ValueError, OverflowError):
        raise RejectedError from None
    if leap and (moment.hour, moment.minute) != (23, 59):
        raise RejectedError
    numbers = {
        "hour_of_day": moment.hour,
        "day_of_week": moment.isoweekday(),
        "month_of_year": moment.month,
    }
    return numbers[part] if part in numbers else active(moment.date(), part)


def active(day: date, part: str) -> str:
    """The day, the Monday of its week, or its month."""
    if part == "active_month":
        return day.isoformat()[:7]
    try:
        monday = day - timedelta(days=day.weekday())
    except OverflowError:
        raise RejectedError from None
    return (monday if part == "active_week" else day).isoformat()


def calculated(event: Line, prop: Json) -> Scalar | None:
    """The calculation over the properties of the event, in their order."""
    if prop["operation"] == "coalesce":
        values = (part_of(event, one) for one in prop["properties"])
        return next((one for one in values if one is not None), None)
    values = [part_of(event, one) for one in prop["properties"]]
    if prop["operation"] == "concat":
        result = concatenated(values, prop.get("separator") or "")
    else:
        result = computed(values, prop["operation"])
    if result is not None and not is_small_scalar(result):
        raise RejectedError
    return result


def concatenated(values: list[Scalar | None], separator: str) -> str | None:
    """The texts and whole numbers that are there; 5, 5.0 and 5e0 are one number."""
    present = [
        int(one) if isinstance(one, float) and one == int(one) and -(2**63) <= one < 2**63 else one
        for one in values
        if one is not None
    ]
    if any(isinstance(one, bool | float) for one in present):
        raise RejectedError
    return separator.join(map(str, present)) if present else None


def computed(values: list[Any], operation: str) -> int | float | None:
    """The number that follows from numbers, none of them missing, and is then rounded."""
    if any(isinstance(one, str | bool) for one in values):
        raise RejectedError
    if None in values:
        return None
    exact = [as_written(one) for one in values]
    result = {"sum": sum, "product": math.prod, "min": min, "max": max}[operation](exact)
    try:
        return int(result) if all(isinstance(one, int) for one in values) else float(result)
    except OverflowError:
        raise RejectedError from None


def as_written(number: Any) -> Fraction:
    """The number as its shortest text has it: 0.1 is a tenth, and not the float next to it."""
    return Fraction(repr(number))

"""Values of generated events and definitions, drawn from small pools, so that they meet.

What draws is a `random.Random`: one of a seed, or one that hypothesis leads and shrinks.
"""

import math
from random import Random
from typing import Any

Json = dict[str, Any]

VENDOR = "com.shop"
ACTION = {"type": "event", "vendor": VENDOR, "name": "action", "major_version": 1}
PRODUCT = {"type": "entity", "vendor": VENDOR, "name": "product", "major_version": 1}
SPANS_MS = {"PT0.001S": 1, "PT0.01S": 10, "PT1S": 1_000, "PT1M": 60_000, "PT1H": 3_600_000}

NUMBER_PROPERTIES: list[Json] = [
    {**ACTION, "path": "amount"},
    {**PRODUCT, "path": "price"},
    {"type": "atomic", "name": "se_value"},
    {"type": "atomic", "name": "br_viewwidth"},
    {**ACTION, "path": "$.items[1].amount"},
    {**PRODUCT, "path": "price", "index": 1},
]
TEXT_PROPERTIES: list[Json] = [
    {"type": "atomic", "name": "page_title"},
    {**PRODUCT, "path": "name"},
    {**ACTION, "path": "label"},
    {"type": "atomic", "name": "collector_tstamp"},
]
BOOLEAN_PROPERTIES: list[Json] = [
    {"type": "atomic", "name": "dvce_ismobile"},
    {**ACTION, "path": "member"},
]
DATE_PROPERTIES: list[Json] = [
    {"type": "atomic", "name": "collector_tstamp"},
    {**ACTION, "path": "due"},
    {"type": "atomic", "name": "true_tstamp"},
    {**PRODUCT, "path": "since"},
]
TEXT_PARTS = ("active_day", "active_week", "active_month")
NUMBER_PARTS = ("hour_of_day", "day_of_week", "month_of_year")

TEXT_TYPES = ("string", "timestamp", "bytes")
INTEGER_TYPES = ("int32", "int64")
FLOAT_TYPES = ("double", "float")
SCALAR_TYPES = (*TEXT_TYPES, "bool", *INTEGER_TYPES, *FLOAT_TYPES, "unix_timestamp")

USUAL_NUMBERS = [1, 2, 0, 3, 5, 0.5, 2.0, -1, 26.9, 0.1, -0.1]
EXTREME_NUMBERS: list[int | float] = [
    *[0.1, 0.2, 0.3, 5e-324, 1e-300, 1e16, -1e16, 1e308, -1e308, 1e19, 1e25, 2.0**62, -0.0],
    *[2**53, 2**53 + 1, 2**62, 2**63 - 1, -(2**63), 2**63, 10**25, -(2.0**63), 2.0**63],
]
USUAL_TEXTS = ["a", "b", "ab", "abc"]
ODD_TEXTS = [
    *[
        "",
        "a%",
        "A",
        "a_c",
        "é€😀",
        "5",
        "1.0",
        "true",
        "a\nb",
        "a\\c",
        "é" * 4096,
        "x" * 4096,
        "😀" * 4096,
        "é" * 4097,
    ],
    *["ab\ud83d", "\ude00ab", "\ude00\ud83d", "\\ud83d"],
]
DATE_TIMES = [
    *["2026-01-01T00:30:00Z", "2026-01-01T00:30:00+02:00", "2024-02-29T23:59:59.999999Z"],
    *["2026-03-15T08:00:00-05:30", "2025-12-29T00:00:00.5+00:00", "1969-07-20T20:17:40Z"],
    *["2016-12-31T23:59:60Z", "2016-12-31 18:59:60.5-05:00", "2025-12-31t22:59:59z"],
]
ODD_DATE_TIMES = [
    *["2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "soon"],
    *["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2026-01-01T00:00:00+24:00"],
    *["2016-12-31T22:59:60Z", "2026-01-01T00:00Z", "2026-W01-1T00:00:00Z", "0001-01-01T00:00:00Z"],
]
# No floats with an exponent beyond 64 bits: as ids they have more than one JSON text.
ODD_IDS: list[Any] = [
    *[
        "ü" * 256,
        "ü" * 257,
        "gold\ud83d",
        5,
        5.0,
        -0.0,
        0,
        1e16,
        10**16,
        True,
        0.1,
        -2.5,
        2**53 + 1,
        10**25,
        None,
        "",
        {},
    ],
]
NO_SCALARS: list[Any] = [[], [1], {}, {"x": 1}, None]


def number(chance: Random, odd: float) -> Any:
    """Mostly a small number; the odd ones are extreme, or no numbers."""
    if chance.random() >= odd:
        return chance.choice(USUAL_NUMBERS)
    kind = chance.randrange(4)
    if kind == 0:
        return chance.choice(EXTREME_NUMBERS)
    if kind == 1:
        return math.ldexp(chance.random() - 0.5, chance.randrange(-60, 70))
    return chance.choice([*USUAL_TEXTS, *ODD_TEXTS] if kind == 2 else [*NO_SCALARS, True, False])


def text(chance: Random, odd: float) -> Any:
    """Mostly a short text; the odd ones are strange, or no texts."""
    if chance.random() >= odd:
        return chance.choice(USUAL_TEXTS)
    return chance.choice(ODD_TEXTS if chance.randrange(3) else ODD_IDS)


def boolean(chance: Random, odd: float) -> Any:
    """Mostly true or false."""
    return chance.choice([True, False]) if chance.random() >= odd else number(chance, odd)


def date_time(chance: Random, odd: float) -> Any:
    """Mostly an RFC 3339 date-time."""
    return chance.choice(DATE_TIMES if chance.random() >= odd else [*ODD_DATE_TIMES, 5, None])


def identifier(chance: Random, odd: float) -> Any:
    """Mostly one of few ids."""
    return chance.choice(["gold", "gold", "blue"] if chance.random() >= odd else ODD_IDS)


def property_for(chance: Random, kind: str, *, dated: bool) -> Json:
    """A property that mostly has values of an attribute type; a part of a date where it may be."""
    form = chance.randrange(8)
    if form == 0:
        return calculated(chance, kind)
    if kind == "any":
        kind = chance.choice(["string", "int64", "double", "bool"])
    if form <= 2 and dated and kind in (*TEXT_TYPES, *INTEGER_TYPES):
        parts = TEXT_PARTS if kind in TEXT_TYPES else NUMBER_PARTS
        # The types of these results are fixed: text, and whole numbers.
        if kind not in {"timestamp", "bytes"}:
            return {**chance.choice(DATE_PROPERTIES), "date_part": chance.choice(parts)}
    return chance.choice(leaves_for(kind))


def leaves_for(kind: str) -> list[Json]:
    """Properties that mostly have values of an attribute type."""
    if kind == "any":
        return [*TEXT_PROPERTIES, *NUMBER_PROPERTIES, *BOOLEAN_PROPERTIES]
    if kind in TEXT_TYPES:
        return TEXT_PROPERTIES
    return BOOLEAN_PROPERTIES if kind == "bool" else NUMBER_PROPERTIES


def calculated(chance: Random, kind: str) -> Json:
    """A calculation that mostly gives values of an attribute type."""
    dates = [{**one, "date_part": chance.choice(NUMBER_PARTS)} for one in DATE_PROPERTIES[:2]]
    if kind == "bool" or chance.randrange(4) == 0:
        leaves, least = leaves_for(kind), 1
        found: Json = {"operation": "coalesce"}
    elif kind in {*TEXT_TYPES, "any"}:
        leaves, least = [*TEXT_PROPERTIES, *dates, {**ACTION, "path": "amount"}], 2
        found = {"operation": "concat"}
        separator = chance.choice([None, "", "-", ", "])
        found |= {} if separator is None else {"separator": separator}
    else:
        leaves, least = [*NUMBER_PROPERTIES, *dates], 2
        found = {"operation": chance.choice(["sum", "product", "min", "max"])}
    count = chance.choice([2, least, 3])
    return {
        "type": "calculated",
        **found,
        "properties": [chance.choice(leaves) for _ in range(count)],
    }

r"""Scenario tables: what happens line by line, and what must be seen right after each line.

    time  | user | event | .price || shop:spent | fires
    10:00 | ann  | buy   | 2.5    || 2.5        | big
    10:15 | ann  |       |        || null       |
    > unpublish attribute_group/shop/1

Left of `||` stands what happens. A line with an event is one event, a line without is a look at the
profile. Right of `||` stands what a read at the line's `time` answers for the ids of the line, an
empty cell is not looked at; `fires` are the rules that fire on the event: exactly these. Lines that
begin with `>` change definitions, `> publish NAME -> CODE` is refused with this code.

Columns: `time` is `10:00`, `10:00:00.5`, `Tue 10:00` (the week begins on Monday, which is meant
where no day is given) or `2026-03-20 10:00`. `user`, `session` and `account` are ids, `id` is the
event's id, `derived` and `collector` its two times where they differ from `time`. Any column of an
enriched event goes by its name, `.price` is data of the event, `product.price` and
`product[1].price` data of its entities, `derived product.price` of an entity in derived_contexts.
`buy x50` stands for 50 events, a second apart, where `#` in a cell is 1 to 50. In a column, `␊` and
`␍` are line ends.

Cells are JSON where they can be, else text. `~100` is 100 within 5 %, `absent` a group that is not
served.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.model.enriched import COLUMNS
from tests.scenarios.writing import KEYS, SNOWPLOW, VENDOR, Json, cell_value, kind

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(
    r"(?:(?P<day>[A-Z][a-z]{2}|\d{4}-\d\d-\d\d) )?"
    r"(?P<h>\d\d):(?P<m>\d\d)(?::(?P<s>\d\d(?:\.\d+)?))?"
)
_FIELD = re.compile(
    r"(?P<derived>derived )?(?P<name>\w+)(?:/(?P<version>\d+-\d+-\d+))?"
    r"(?:\[(?P<index>\d+)\])?\.(?P<path>\w+)"
)
_REPEATED = re.compile(r"(\S+) x(\d+)")
# Half of a character, which JSON can write as an escape alone.
_HALF = re.compile("[\ud800-\udfff]")
# Line ends in a cell of a column.
_LINE_ENDS = str.maketrans("␊␍", "\n\r")
_SCHEMA = "iglu:com.snowplowanalytics.snowplow/{}/jsonschema/1-0-0"


@dataclass(frozen=True)
class Look:
    """What one cell on the right says: a read of `name` for an id at a time, and its answer."""

    name: str
    ids: dict[str, str]
    now_ms: int
    expected: Any
    line: str


@dataclass(frozen=True)
class Row:
    """One event: its columns, and what it must lead to; None where that is not looked at."""

    columns: dict[str, str]
    time_ms: int
    fires: list[str] | None
    dead_letter: str
    line: str

    @property
    def event_id(self) -> str:
        return self.columns["event_id"]


@dataclass(frozen=True)
class Change:
    """One step of definitions: `verb names`, and the code with which it is refused."""

    verb: str
    names: list[str]
    refused: str
    line: str


@dataclass
class Round:
    """Changes of definitions, then events, then looks."""

    changes: list[Change] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)


def rounds(table: str) -> list[Round]:
    """The rounds of a table: each ends with its looks, or before definitions change."""
    lines = [line.strip() for line in table.strip().splitlines() if line.strip()]
    header, found = None, [Round()]
    count = 0
    for line in lines:
        if line.startswith(">"):
            if found[-1].rows or found[-1].looks:
                found.append(Round())
            found[-1].changes.append(_change(line))
            continue
        left, right = _cells(line)
        if header is None:
            header = left, right
            continue
        if found[-1].looks:
            found.append(Round())
        count += 1
        given = dict(zip(header[0], left, strict=True))
        wanted = dict(zip(header[1], right or [""] * len(header[1]), strict=True))
        found[-1].rows += _rows(given, wanted, count, line)
        found[-1].looks += _looks(given, wanted, line)
    return found


def to_ms(text: str) -> int:
    """A time of a table in milliseconds."""
    parts = _TIME.fullmatch(text)
    assert parts, f"no time: {text!r}"
    day = parts["day"]
    if day is None or day in DAYS:
        start = MONDAY + timedelta(days=DAYS.index(day) if day else 0)
    else:
        start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    offset = timedelta(
        hours=int(parts["h"]), minutes=int(parts["m"]), seconds=float(parts["s"] or 0)
    )
    return round((start + offset - _EPOCH) / timedelta(milliseconds=1))


def _cells(line: str) -> tuple[list[str], list[str]]:
    left, _, right = line.partition("||")
    split = [[cell.strip() for cell in side.split("|")] for side in (left, right)]
    return split[0], split[1] if right.strip() else []


def _change(line: str) -> Change:
    step, _, refused = line[1:].partition("->")
    verb, *names = step.split()
    return Change(verb, names, refused.strip(), line)


def _looks(given: dict[str, str], wanted: dict[str, str], line: str) -> Iterator[Look]:
    for name, cell in wanted.items():
        if name not in {"fires", "dead letter"} and cell:
            ids = {KEYS.get(header, header): value for header, value in given.items() if value}
            yield Look(name, ids, to_ms(given["time"]), cell_value(cell), line)


def _rows(given: dict[str, str], wanted: dict[str, str], number: int, line: str) -> Iterator[Row]:
    event = given.get("event", "")
    if not event:
        return
    repeated = _REPEATED.fullmatch(event)
    times = int(repeated[2]) if repeated else 1
    start_ms = to_ms(given["time"])
    for turn in range(1, times + 1):
        mine = {name: cell.replace("#", str(turn)) for name, cell in given.items()}
        mine["event"] = repeated[1] if repeated else event
        mine["id"] = mine.get("id") or (f"e{number}.{turn}" if repeated else f"e{number}")
        time_ms = start_ms + (turn - 1) * 1_000
        fires = wanted.get("fires")
        yield Row(
            _columns(mine, time_ms),
            time_ms,
            None if fires is None else [one.strip() for one in fires.split(",") if one.strip()],
            wanted.get("dead letter", ""),
            line,
        )


def _stamp(cell: str | None, time_ms: int) -> str:
    if cell == "-":
        return ""
    moment = _EPOCH + timedelta(milliseconds=to_ms(cell) if cell else time_ms)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def _columns(given: dict[str, str], time_ms: int) -> dict[str, str]:
    vendor, name, version = kind(given["event"])
    columns = {
        "event_id": given["id"],
        "derived_tstamp": _stamp(given.get("derived"), time_ms),
        "collector_tstamp": _stamp(given.get("collector"), time_ms),
        "event": name if vendor == SNOWPLOW else "unstruct",
        "event_vendor": vendor,
        "event_name": name,
        "event_format": "jsonschema",
        "event_version": version,
    }
    data: Json = {}
    entities: dict[tuple[str, str, int, bool], Json] = {}
    for header, cell in given.items():
        if header in {"time", "event", "id", "derived", "collector"} or not cell:
            continue
        if header.startswith("."):
            data[header[1:]] = cell_value(cell)
        elif found := _FIELD.fullmatch(header):
            version_of = found["version"] or "1-0-0"
            place = found["name"], version_of, int(found["index"] or 0), bool(found["derived"])
            entities.setdefault(place, {})[found["path"]] = cell_value(cell)
        elif KEYS.get(header, header) in COLUMNS:
            columns[KEYS.get(header, header)] = cell.translate(_LINE_ENDS)
        else:
            assert header.startswith("id of "), f"no column: {header!r}"
    if data or vendor == VENDOR:
        schema = f"iglu:{vendor}/{name}/jsonschema/{version}"
        columns.setdefault("unstruct_event", _document("unstruct_event", _one(schema, data)))
    for column, derived in (("contexts", False), ("derived_contexts", True)):
        mine = [
            _one(f"iglu:{VENDOR}/{entity}/jsonschema/{version_of}", fields)
            for (entity, version_of, _, of), fields in entities.items()
            if of == derived
        ]
        if mine:
            columns.setdefault(column, _document(column, mine))
    return columns


def _one(schema: str, data: Any) -> Json:
    return {"schema": schema, "data": data}


def _document(column: str, data: Any) -> str:
    name = "unstruct_event" if column == "unstruct_event" else "contexts"
    text = json.dumps(_one(_SCHEMA.format(name), data), ensure_ascii=False)
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def line_of(columns: dict[str, str]) -> bytes:
    """The enriched event of 131 columns."""
    return "\t".join(columns.get(name, "") for name in COLUMNS).encode()

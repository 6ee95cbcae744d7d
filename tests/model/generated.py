"""Generated histories: late events, equal times, edges of windows, ids that come again."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.model.enriched import COLUMNS, to_iso
from tests.model.generated_values import (
    SPANS_MS,
    VENDOR,
    Json,
    boolean,
    date_time,
    identifier,
    number,
    text,
)

# The first moment of a year and of a month, in the middle of a week.
START_MS = 1_767_225_600_000
# A message tells attributes that its rule does not read, at the time of those that it does. Where
# they are ahead of it, windows answer for at least this long back.
LATE_WITH_RULES_MS = 60_000
LATE_MS = 2 * 3_600_000
# Differences of time that meet the edges of the spans; a history keeps to one list or mixes them.
STEPS_MS = [
    [1, 0, 2, 5, 9, 10, 11],
    [1, 0, 10, 500, 999, 1_000, 1_001],
    [0, 1_000, 10_000, 59_999, 60_000, 60_001],
    [1, 60_000, 600_000, 3_599_999, 3_600_000, 3_600_001],
]
STEPS_MS.append([one for steps in STEPS_MS for one in steps])
# How far sources are behind each other; in half of the histories events arrive when collected.
BEHIND_MS = [[], [], [0], [0, 0, 0, 5, 1_000, 1_008, 60_000, 3_600_000, 86_400_000]]
READS_MS = [
    *[1, -1, 86_400_000, 10**9, -1_000],
    *[span + more for span in SPANS_MS.values() for more in (-1, 0)],
]


# One UUID in two spellings, and the one that is nobody's.
UUIDS = [
    *["8b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3e", "8B1E51B9-9A4F-4C0E-8F4F-6F6F3A1C2D3E"],
    "00000000-0000-0000-0000-000000000000",
]


@dataclass(frozen=True)
class Happening:
    """One thing of a history: an event, and what is looked at after it.

    It arrived as it says, or when it was collected. With an `order`, what it says to profiles, and
    they to targets, waits, and a part of all that waits comes after it: which one, the order says.
    Without, all of it comes at once.
    """

    line: bytes
    time_ms: int
    reads_ms: list[int] = field(default_factory=list)
    store: bool = False
    expire: bool = False
    reads_all: bool = True
    order: int | None = None
    arrival_ms: int | None = None


def history(
    chance: Random,
    size: int,
    *,
    late_ms: int,
    visitor: Callable[[], Json] = dict,
    waits: bool = False,
) -> list[Happening]:
    """Events in the order of arrival, at most as late as said, of whom the visitor says."""
    found: list[Happening] = []
    steps = chance.choice(STEPS_MS)
    odd = chance.choice([0.1, 0.0, 0.4])
    newest_ms = START_MS + chance.choice([0, -1, -3_600_000])
    behind_ms = chance.choice(BEHIND_MS)
    for one in range(size):
        step_ms = chance.choice(steps)
        kind = chance.randrange(20)
        late = kind >= 15
        time_ms = newest_ms - min(step_ms, late_ms) if late else newest_ms + step_ms
        young = [each for each in found[-40:] if each.time_ms >= newest_ms - late_ms]
        if kind in {13, 14} and young:
            earlier = chance.choice(young)
            line, time_ms = earlier.line, earlier.time_ms
        else:
            again = kind == 12 and one > 0
            columns = contents(chance, odd) | visitor()
            line = line_of(time_ms, chance.randrange(one) if again else one, columns)
        newest_ms = max(newest_ms, time_ms)
        reads_ms = [newest_ms]
        if chance.randrange(4) == 0:
            reads_ms.append(newest_ms + chance.choice(READS_MS))
        stores, expires = chance.randrange(6) == 1, chance.randrange(16) == 1
        reads_all = chance.randrange(10) == 0 or one == size - 1
        order = chance.randrange(2**32) if waits else None
        # Not before it happened: that would make it later than `late_ms` allows.
        arrived_ms = [max(newest_ms - one, time_ms) + 7 for one in behind_ms]
        arrival_ms = chance.choice(arrived_ms) if arrived_ms else None
        found.append(
            Happening(line, time_ms, reads_ms, stores, expires, reads_all, order, arrival_ms)
        )
    return found


def contents(chance: Random, odd: float) -> Json:
    """The columns of an event without its times and id."""

    def pick(usual: list[str], strange: list[str]) -> str:
        return chance.choice(usual if chance.random() >= odd else strange)

    columns = {
        "app_id": pick(["shop"], ["other", ""]),
        "domain_userid": pick(["u1"] * 5 + ["u2"], ["u1", "", "ü" * 256, *UUIDS]),
        "domain_sessionid": pick(["s1", "s1", "s2"], ["", "s" * 257, *UUIDS]),
        "user_id": pick(["", "someone"], ["5", "null", *UUIDS]),
        "se_value": pick(["1", "2.50", "3", ""], ["1e3", "x", "-3", "0.1", "1e308"]),
        "page_title": pick(["a", "b", "abc", "ab", ""], ["5", "a%", "x" * 4097, "A"]),
        "br_viewwidth": pick(["1", "5", "2", ""], ["1.0", "100", "9223372036854775807", "-1"]),
        "dvce_ismobile": pick(["1", "0"], ["", "2"]),
        "true_tstamp": pick(["2024-02-29 23:59:59.999", ""], ["soon", "2023-01-01 00:00:00"]),
    }
    if chance.randrange(3) == 0:
        columns |= {"event_vendor": "com.snowplow", "event_name": "page_view"}
        columns["event_version"] = "1-0-0"
    else:
        version = chance.choice(["1-0-1", "1-0-0", "2-0-0"] if odd else ["1-0-1", "1-0-0"])
        columns |= {"event_vendor": VENDOR, "event_name": "action", "event_version": version}
        columns["unstruct_event"] = unstruct_event(action(chance, odd), version)
    for column in ("contexts", "derived_contexts"):
        if chance.randrange(2):
            entities = [product(chance, odd) for _ in range(chance.choice([1, 2, 0]))]
            columns[column] = json.dumps({"schema": "iglu:x/c/jsonschema/1-0-0", "data": entities})
    return columns


def action(chance: Random, odd: float) -> Json:
    """The data of an action; anything may be missing."""
    data: Json = {
        "amount": number(chance, odd),
        "label": text(chance, odd),
        "member": boolean(chance, odd),
        "due": date_time(chance, odd),
        "tier": identifier(chance, odd),
        "customer": {"ids": [identifier(chance, odd)]},
        "items": [{}, {"amount": number(chance, odd)}],
    }
    return {name: value for name, value in data.items() if chance.randrange(8)}


def product(chance: Random, odd: float) -> Json:
    """A product as an entity."""
    version = "1-0-0" if chance.random() >= odd else chance.choice(["1-2-0", "2-0-0"])
    data = {
        "price": number(chance, odd),
        "name": text(chance, odd) if chance.randrange(4) else identifier(chance, odd),
        "since": date_time(chance, odd),
    }
    return {
        "schema": f"iglu:{VENDOR}/product/jsonschema/{version}",
        "data": {name: value for name, value in data.items() if chance.randrange(8)},
    }


def unstruct_event(data: Any, version: str = "1-0-0") -> str:
    """The column of an action."""
    inner = {"schema": f"iglu:{VENDOR}/action/jsonschema/{version}", "data": data}
    return json.dumps({"schema": "iglu:x/u/jsonschema/1-0-0", "data": inner})


def line_of(time_ms: int, id_number: int, contents: Json) -> bytes:
    """The TSV line; every third event has no derived_tstamp or one after collector_tstamp."""
    columns = dict.fromkeys(COLUMNS, "") | contents
    columns["event_id"] = str(uuid.UUID(int=id_number))
    columns["collector_tstamp"] = column_time(time_ms)
    if id_number % 3 == 0:
        columns["collector_tstamp"] = column_time(time_ms + 5)
        columns["derived_tstamp"] = column_time(time_ms)
    elif id_number % 3 == 1:
        columns["derived_tstamp"] = column_time(time_ms + 7)
    if id_number % 5 == 0:
        columns["derived_tstamp"] = other_time(columns["derived_tstamp"], id_number // 5)
    return "\t".join(columns.values()).encode()


def column_time(time_ms: int) -> str:
    """A time as a column holds it."""
    return to_iso(time_ms).replace("T", " ").removesuffix("Z")


def other_time(column: str, which: int) -> str:
    """The same time in another spelling, or what is no time where there is none."""
    if not column:
        return ["soon", "10013-12-10 01:09:46.708", "0026-01-01 00:00:00"][which % 3]
    return [f"{column}999", f"{column.replace(' ', 'T')}Z", f"{column}+00:00"][which % 3]

"""Generated histories for the comparison of the core with the naive model.

Times are drawn so that events hit the edges of windows and times to live to the millisecond; ids
and event ids repeat.
"""

import json
import uuid
from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.model.enriched import COLUMNS, to_iso
from tests.model.generated_definitions import VENDOR, Json, catalogs, ids, values

START_MS = 1_767_225_600_000


@dataclass(frozen=True)
class Happening:
    """One thing of a history: an event, and what is looked at after it."""

    line: bytes
    time_ms: int
    reads_ms: list[int] = field(default_factory=list)
    store: bool = False
    expire: bool = False


# Differences of time that meet the edges of the spans.
STEPS_MS = [0, 0, 1, 2, 5, 9, 10, 11, 500, 999, 1_000, 1_001, 60_000, 59_999, 60_001, 3_600_000]
# A message tells attributes that its rule does not read, at the time of those that it does. Where
# they are ahead of it, windows answer for at least this long back.
LATE_WITH_RULES_MS = 60_000


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Json], list[Happening]]:
    """A catalog and a history for it."""
    definitions = draw(catalogs())
    ruled = any("criteria" in one for one in definitions)
    return definitions, draw(histories(LATE_WITH_RULES_MS if ruled else 2 * 3_600_000))


@st.composite
def histories(draw: st.DrawFn, late_ms_max: int) -> list[Happening]:
    """Events in the order of arrival: late ones, equal times, ids that come again."""
    found: list[Happening] = []
    newest_ms = START_MS
    for number in range(draw(st.integers(1, 30))):
        step_ms = draw(st.sampled_from(STEPS_MS))
        late = draw(st.integers(0, 4)) == 0
        time_ms = newest_ms - min(step_ms, late_ms_max) if late else newest_ms + step_ms
        young = [one for one in found if one.time_ms >= newest_ms - late_ms_max]
        again = draw(st.integers(0, 9)) if young else 0
        if again == 9:
            earlier = draw(st.sampled_from(young))
            line, time_ms = earlier.line, earlier.time_ms
        else:
            id_number = draw(st.integers(0, number)) if again >= 7 else number
            line = line_of(time_ms, id_number, draw(contents()))
        newest_ms = max(newest_ms, time_ms)
        looks_ms = draw(st.lists(st.sampled_from(READS_MS), max_size=2))
        reads_ms = [newest_ms + one for one in [0, *looks_ms]]
        chance = draw(st.integers(0, 15))
        found.append(Happening(line, time_ms, reads_ms, chance % 4 == 0, chance == 5))
    return found


READS_MS = [0, 1, -1, 9, 10, 999, 1_000, -1_000, 59_999, 60_000, 3_599_999, 3_600_000, 10**9]


@st.composite
def contents(draw: st.DrawFn) -> Json:
    """The columns of an event without its times and id."""
    columns = {
        "app_id": draw(st.sampled_from(["shop"] * 6 + ["other", ""])),
        "domain_userid": draw(st.sampled_from(["u1", "u1", "u1", "u1", "u1", "u2", "", "ü" * 256])),
        "domain_sessionid": draw(st.sampled_from(["s1", "s1", "s1", "s2", "s" * 257])),
        "se_value": draw(st.sampled_from(["", "1", "0.1", "2.50", "1e3", "x", "-3"])),
        "page_title": draw(st.sampled_from(["", "a", "b", "abc"])),
        "br_viewwidth": draw(st.sampled_from(["", "1", "5", "1.0", "100"])),
        "dvce_ismobile": draw(st.sampled_from(["", "0", "1", "2"])),
    }
    if draw(st.integers(0, 2)) == 0:
        columns |= {"event_vendor": "com.snowplow", "event_name": "page_view"}
        columns["event_version"] = "1-0-0"
    else:
        version = draw(st.sampled_from(["1-0-0", "1-0-1", "1-0-1", "2-0-0"]))
        columns |= {"event_vendor": VENDOR, "event_name": "action", "event_version": version}
        data = draw(st.fixed_dictionaries({}, optional={"amount": values, "tier": ids}))
        if draw(st.booleans()):
            data["items"] = [{}, {"amount": draw(values)}]
        inner = {"schema": f"iglu:{VENDOR}/action/jsonschema/{version}", "data": data}
        columns["unstruct_event"] = json.dumps(
            {"schema": "iglu:x/u/jsonschema/1-0-0", "data": inner}
        )
    for column in ("contexts", "derived_contexts"):
        if draw(st.booleans()):
            entities = draw(st.lists(products, min_size=1, max_size=2))
            columns[column] = json.dumps({"schema": "iglu:x/c/jsonschema/1-0-0", "data": entities})
    return columns


products = st.builds(
    lambda version, data: {"schema": f"iglu:{VENDOR}/product/jsonschema/{version}", "data": data},
    st.sampled_from(["1-0-0", "1-0-0", "1-2-0", "2-0-0"]),
    st.fixed_dictionaries({}, optional={"price": values, "name": ids}),
)


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
    return "\t".join(columns.values()).encode()


def column_time(time_ms: int) -> str:
    """A time as a column holds it."""
    return to_iso(time_ms).replace("T", " ").removesuffix("Z")

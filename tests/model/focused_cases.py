"""Cases for one matter each: values, duplicates, when rules fire, many events in a window."""

import json
import random

from hypothesis import strategies as st

from tests.model.generated_definitions import (
    ACTION,
    TYPES,
    VENDOR,
    Json,
    criterions,
    texts,
    trees,
    values,
)
from tests.model.generated_histories import START_MS, Happening, line_of


def group_of(name: str, attributes: list[Json]) -> Json:
    """A published group of domain_userid."""
    found = {"name": name, "version": 1, "attribute_key": {"name": "domain_userid"}}
    return {**found, "owner": "a@example.com", "is_published": True, "attributes": attributes}


@st.composite
def value_cases(draw: st.DrawFn) -> tuple[list[Json], Json]:
    """Attributes that take, and criteria that look at, the one value of an event."""
    amount = {**ACTION, "path": "amount"}
    found: list[Json] = []
    for aggregation, kinds in TYPES.items():
        one = {"name": aggregation, "aggregation": aggregation, "events": []}
        if aggregation != "counter":
            one |= {"type": draw(st.sampled_from(kinds)), "property": amount}
            found.append(one)
            continue
        for number in range(3):
            criterion = {**draw(criterions()), "property": amount}
            counter = {**one, "name": f"met{number}", "type": "int32"}
            found.append({**counter, "criteria": {"all": [criterion]}})
    data = {"amount": draw(st.one_of(values, texts))}
    inner = {"schema": f"iglu:{VENDOR}/action/jsonschema/1-0-0", "data": data}
    unstruct = json.dumps({"schema": "iglu:x/u/jsonschema/1-0-0", "data": inner})
    return [group_of("g", found)], {"domain_userid": "u1", "unstruct_event": unstruct}


# Ids and times around the limits of de-duplication; every event counts.
COUNTERS = group_of(
    "g",
    [
        {"name": "life", "aggregation": "counter", "type": "int32", "events": []},
        {"name": "w", "aggregation": "counter", "type": "int32", "events": [], "period": "PT1S"},
    ],
)
repeats = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([0, 1, 998, 999, 1_000, 1_001, -1, -999, -1_000])),
    min_size=2,
    max_size=12,
)


def repeated(steps: list[tuple[int, int]]) -> list[Happening]:
    """A history of (number of the event id, milliseconds since the event before)."""
    found, time_ms = [], START_MS
    for number, step_ms in steps:
        time_ms += step_ms
        line = line_of(time_ms, number, {"domain_userid": "u1"})
        found.append(Happening(line, time_ms, [time_ms], store=number == 0))
    return found


# Two windowed series, one lifetime value with a time to live, and rules on them.
RULED = group_of(
    "g",
    [
        {
            "name": "actions",
            "aggregation": "counter",
            "type": "int32",
            "events": [{"name": "action"}],
            "period": "PT1S",
            "default_value": 0,
        },
        {
            "name": "views",
            "aggregation": "counter",
            "type": "int32",
            "events": [{"name": "page_view"}],
            "period": "PT0.01S",
        },
        {
            "name": "title",
            "aggregation": "last",
            "type": "string",
            "events": [],
            "property": {"type": "atomic", "name": "page_title"},
            "ttl": "PT1S",
        },
    ],
)


@st.composite
def ruled_catalogs(draw: st.DrawFn) -> list[Json]:
    """Rules on few attributes, so that they are met and unmet often."""
    trees_of_rules = draw(
        st.lists(
            trees(["g:actions", "g:views", "g:title"]).filter(lambda one: "attribute" in str(one)),
            min_size=1,
            max_size=3,
        )
    )
    rules = [
        {"name": f"rule{number}", "version": 1, "owner": "a@example.com", "criteria": one}
        for number, one in enumerate(trees_of_rules)
    ]
    return [RULED, *({**one, "is_published": True} for one in rules)]


ruled_steps = st.lists(
    st.tuples(
        st.sampled_from(["action", "page_view"]),
        st.sampled_from(["", "a", "b"]),
        st.sampled_from([0, 1, 9, 10, 11, 999, 1_000, -1, -10, -11, -1_000, 2_000, -2_000]),
    ),
    min_size=2,
    max_size=15,
)


def ruled(steps: list[tuple[str, str, int]]) -> list[Happening]:
    """A history of (event name, page title, milliseconds since the event before)."""
    found, time_ms = [], START_MS
    for number, (name, title, step_ms) in enumerate(steps):
        time_ms += step_ms
        columns = {"domain_userid": "u1", "event_name": name, "page_title": title}
        line = line_of(time_ms, number, columns)
        found.append(Happening(line, time_ms, [time_ms], store=number % 4 == 3))
    return found


def long_catalog() -> list[Json]:
    """Every aggregation over one number, for life and over three periods, and rules on them."""
    found: list[Json] = []
    spans = [("life", {}), ("ttl", {"ttl": "PT1S"})]
    spans += [
        (f"w{number}", {"period": one}) for number, one in enumerate(["PT1S", "PT1M", "PT1H"])
    ]
    for name, span in spans:
        each = [
            {
                "name": aggregation,
                "aggregation": aggregation,
                "type": "int32" if aggregation == "counter" else "double",
                "events": [],
                **({} if aggregation == "counter" else {"property": {**ACTION, "path": "amount"}}),
                **span,
            }
            for aggregation in TYPES
        ]
        found.append(group_of(name, each))
    criteria: list[Json] = [
        {"attribute": "w1:sum", "operator": ">", "value": 20},
        {"any": [{"attribute": "w2:max", "operator": "<", "value": 3.9}, over("w0:counter", 3)]},
        {"all": [over("w1:mean", 1.5), {"none": [over("w0:last", 2), over("ttl:counter", 9)]}]},
        {"attribute": "w2:first", "operator": "!=", "value": 1},
    ]
    for number, one in enumerate(criteria):
        rule = {"name": f"rule{number}", "version": 1, "owner": "a@example.com", "criteria": one}
        found.append({**rule, "is_published": True})
    return found


def over(attribute: str, value: int | float) -> Json:
    """The attribute is greater than the value."""
    return {"attribute": attribute, "operator": ">", "value": value}


def long_history(seed: int, size: int) -> list[Happening]:
    """One person with many events inside of a window, a part of them late or repeated.

    Seeds differ in how fast time goes and how late events are.
    """
    chance = random.Random(seed)
    step_ms = [50, 1_000, 5_000, 20_000][seed % 4]
    late_ms = 4_000_000 if seed % 8 < 4 else 10_000
    newest_ms = START_MS
    found: list[Happening] = []
    for number in range(size):
        kind = chance.random()
        time_ms = newest_ms + int(chance.expovariate(1 / step_ms))
        if kind < 0.15:
            time_ms = newest_ms - chance.choice([0, 1, 999, 1_000, chance.randrange(late_ms)])
        newest_ms = max(newest_ms, time_ms)
        amount = chance.choice([chance.randrange(5), chance.uniform(-1, 4), 0.1, 1e-9])
        data = {"schema": f"iglu:{VENDOR}/action/jsonschema/1-0-0", "data": {"amount": amount}}
        unstruct = json.dumps({"schema": "iglu:x/u/jsonschema/1-0-0", "data": data})
        contents = {"domain_userid": "u1", "event_name": "action", "unstruct_event": unstruct}
        line = line_of(time_ms, number, contents)
        if found and kind > 0.95:
            earlier = chance.choice(found[-100:])
            line, time_ms = earlier.line, earlier.time_ms
        reads_ms = [newest_ms + chance.choice([0, chance.randrange(3_700_000)])]
        store, expire = chance.random() < 0.1, chance.random() < 0.02
        found.append(Happening(line, time_ms, reads_ms if number % 9 == 0 else [], store, expire))
    return found

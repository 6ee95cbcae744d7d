"""Generated catalogs and histories for the comparison of the core with the naive model.

Everything is drawn from small pools on purpose: attributes then share series, events hit the edges
of windows and times to live to the millisecond, ids and event ids repeat.
"""

import json
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.model.enriched import COLUMNS, to_iso

Json = dict[str, Any]

START_MS = 1_767_225_600_000
VENDOR = "com.shop"
ACTION = {"type": "event", "vendor": VENDOR, "name": "action", "major_version": 1}
PRODUCT = {"type": "entity", "vendor": VENDOR, "name": "product", "major_version": 1}
SPANS_MS = {"PT0.001S": 1, "PT0.01S": 10, "PT1S": 1_000, "PT1M": 60_000, "PT1H": 3_600_000}

NUMBER_PROPERTIES: list[Json] = [
    {**ACTION, "path": "amount"},
    {**ACTION, "path": "$.items[1].amount"},
    {**PRODUCT, "path": "price"},
    {**PRODUCT, "path": "price", "index": 1},
    {"type": "atomic", "name": "se_value"},
    {"type": "atomic", "name": "br_viewwidth"},
]
TEXT_PROPERTIES: list[Json] = [
    {**PRODUCT, "path": "name"},
    {"type": "atomic", "name": "page_title"},
    {"type": "atomic", "name": "collector_tstamp"},
]
BOOLEAN_PROPERTIES: list[Json] = [{"type": "atomic", "name": "dvce_ismobile"}]
PROPERTIES = [*NUMBER_PROPERTIES, *TEXT_PROPERTIES, *BOOLEAN_PROPERTIES]
KEYS: list[Json] = [
    {"name": "domain_userid"},
    {"name": "user"},
    {"name": "domain_sessionid"},
    {"name": "tier", "property": {**ACTION, "path": "tier"}},
    {"name": "product_name", "property": {**PRODUCT, "path": "name"}},
]
SELECTORS: list[list[Json]] = [
    [],
    [],
    [],
    [{"name": "action"}],
    [{"vendor": VENDOR, "name": "action", "version": "1-0-1"}],
    [{"vendor": VENDOR}, {"name": "page_view"}],
    [{"name": "page_view", "version": "1-0-0"}],
]
TYPES = {
    "counter": ["int32", "int64"],
    "sum": ["int32", "int64", "double", "float"],
    "min": ["int32", "int64", "double", "float", "unix_timestamp"],
    "max": ["int32", "int64", "double", "float", "unix_timestamp"],
    "mean": ["double", "float"],
    "first": ["string", "timestamp", "bytes", "bool", "int32", "double", "unix_timestamp"],
    "last": ["string", "timestamp", "bytes", "bool", "int64", "float", "unix_timestamp"],
}

numbers = st.one_of(
    st.integers(-3, 5),
    st.sampled_from([0.1, 0.2, 0.3, -0.5, 2.0, 5.0, 1e16, -1e16, 1e-300, 1e308, -1e308]),
    st.sampled_from([2**53, 2**53 + 1, 2**62, 2**63 - 1, -(2**63), 2**63, 10**25]),
    st.sampled_from([-(2.0**63), 2.0**63, 2.0**62, 1e19, 1e25]),
    st.floats(allow_nan=False, allow_infinity=False),
)
texts = st.sampled_from(["", "a", "b", "ab", "a%", "A", "a_c", "abc", "é€😀", "5", "true", "a\nb"])
long_texts = st.sampled_from(["x" * 4096, "x" * 4097, "é" * 2048, "é" * 2049])
scalars = st.one_of(numbers, texts, st.booleans(), st.none())
values = st.one_of(numbers, scalars, long_texts, st.sampled_from([[], [1], {}, {"x": 1}]))
# Values that can be ids: no floats with an exponent, which have more than one JSON text.
ids = st.one_of(
    texts,
    long_texts,
    st.sampled_from(["gold", 5, 5.0, True, 0.1, -2.5, 2**53 + 1, 10**25, None, {}, [1]]),
)
criterion_values = st.one_of(
    st.sampled_from([0, 1, 2, 3, 2.0, 0.1, 5, 100]),
    st.sampled_from(["", "a", "b", "5", "true", "2026-01-01T00:00:01.000Z"]),
)
patterns = st.sampled_from(["a%", "%", "_", "%b", "a\\%", "a_c", "a\\_c", "%é%", "", "%%b%", "A"])


@st.composite
def criterions(draw: st.DrawFn) -> Json:
    prop = draw(st.sampled_from(PROPERTIES))
    operator = draw(
        st.sampled_from(["=", "!=", "<", ">", "<=", ">=", "like", "in", "is null", "is not null"])
    )
    found = {"property": prop, "operator": operator}
    if operator == "like":
        found["value"] = draw(patterns)
    elif operator == "in":
        kinds = [[1, 2, 3], ["a", "b", "abc"], [0.1, 2.0], [True], ["5"], [False, True]]
        found["value"] = draw(st.sampled_from(kinds))
    elif operator in {"=", "!="}:
        found["value"] = draw(st.one_of(criterion_values, st.booleans()))
    elif "null" not in operator:
        found["value"] = draw(criterion_values)
    return found


@st.composite
def attributes(draw: st.DrawFn, name: str) -> Json:
    aggregation = draw(st.sampled_from(list(TYPES)))
    kind = draw(st.sampled_from(TYPES[aggregation]))
    selectors = draw(st.sampled_from(SELECTORS))
    found: Json = {"name": name, "aggregation": aggregation, "type": kind, "events": selectors}
    if aggregation != "counter":
        fitting = [*properties_for(kind)] * 5
        found["property"] = draw(st.sampled_from([*fitting, *PROPERTIES]))
    criteria = draw(st.sampled_from([None, None, None, None, "all", "any", "both"]))
    if criteria:
        lists = ["all", "any"] if criteria == "both" else [criteria]
        some = st.lists(criterions(), min_size=1, max_size=2)
        found["criteria"] = {one: draw(some) for one in lists}
    span = draw(st.sampled_from(["period", "period", "ttl", None]))
    if span:
        found[span] = draw(st.sampled_from(list(SPANS_MS)))
    if draw(st.integers(0, 3)) == 0:
        found["default_value"] = draw(defaults(kind))
    return found


def properties_for(kind: str) -> list[Json]:
    """Properties that mostly have values of an attribute type."""
    if kind in {"string", "timestamp", "bytes"}:
        return TEXT_PROPERTIES
    return BOOLEAN_PROPERTIES if kind == "bool" else NUMBER_PROPERTIES


def defaults(kind: str) -> st.SearchStrategy[Any]:
    """A default value of an attribute type."""
    if kind in {"string", "timestamp", "bytes"}:
        return st.sampled_from(["", "none"])
    if kind == "bool":
        return st.booleans()
    return st.sampled_from([0, 7] if kind in {"int32", "int64"} else [0, 0.0, 2.5])


@st.composite
def groups(draw: st.DrawFn, name: str, version: int, key: Json) -> Json:
    names = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True))
    found = {
        "name": name,
        "version": version,
        "attribute_key": key,
        "owner": "a@example.com",
        "is_published": draw(st.integers(0, 9)) > 0,
        "attributes": [draw(attributes(one)) for one in names],
    }
    if draw(st.integers(0, 3)) == 0:
        found["ttl"] = draw(st.sampled_from(list(SPANS_MS)))
    return found


@st.composite
def trees(draw: st.DrawFn, names: list[str], depth: int = 2) -> Json:
    kind = draw(st.sampled_from(["leaf", "leaf", "all", "any", "none"])) if depth else "leaf"
    if kind != "leaf":
        least = 1 if depth == 2 else 0
        return {kind: draw(st.lists(trees(names, depth - 1), min_size=least, max_size=3))}
    operator = draw(st.sampled_from(["=", "!=", "<", ">", "<=", ">=", ">", "is null"]))
    found = {"attribute": draw(st.sampled_from(names)), "operator": operator}
    if operator in {"=", "!="}:
        found["value"] = draw(st.one_of(criterion_values, st.booleans()))
    elif "null" not in operator:
        found["value"] = draw(criterion_values)
    elif draw(st.booleans()):
        found["operator"] = "is not null"
    return found


@st.composite
def catalogs(draw: st.DrawFn) -> list[Json]:
    """Definitions in registry JSON: groups of one to three keys, some in two versions, rules."""
    chosen = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique_by=str))
    keys = []
    for key in chosen:
        ttl = {"ttl": draw(st.sampled_from(list(SPANS_MS)))} if draw(st.booleans()) else {}
        keys.append({**key, **ttl})
    found: list[Json] = []
    for number in range(draw(st.integers(1, 3))):
        key = draw(st.sampled_from(keys))
        for version in range(1, draw(st.sampled_from([2, 2, 3]))):
            found += [draw(groups(f"g{number}", version, key))]
    rules = []
    for number in range(draw(st.integers(0, 3))):
        key_name = draw(st.sampled_from(keys))["name"]
        live = [
            one for one in found if one["is_published"] and one["attribute_key"]["name"] == key_name
        ]
        names = [f"{one['name']}:{each['name']}" for one in live for each in one["attributes"]]
        if not names:
            continue
        rule = {
            "name": f"rule{number}",
            "version": draw(st.integers(1, 2)),
            "owner": "a@example.com",
            "is_published": True,
            "criteria": draw(trees(names)),
        }
        if draw(st.integers(0, 3)) == 0:
            payload = draw(st.sampled_from(live))
            rule["payload_attribute_groups"] = [
                {"name": payload["name"], "version": payload["version"]}
            ]
        if "attribute" in str(rule["criteria"]):
            rules.append(rule)
    return found + rules


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

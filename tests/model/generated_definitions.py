"""Generated definitions for the comparison of the core with the naive model.

Everything is drawn from small pools on purpose: attributes then share series, and values are of
every kind.
"""

from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

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

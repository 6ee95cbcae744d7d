"""Generated catalogs: groups of several keys and versions, and rules over them.

A cell is a combination that must be met: an aggregation, for life or over a period, behind an
operator of its event criteria, read with an operator of a rule. A catalog holds the cells that it
is asked for, among what is drawn.
"""

from itertools import product
from random import Random
from typing import Any, NamedTuple

from tests.model.generated_values import (
    ACTION,
    BOOLEAN_PROPERTIES,
    DATE_PROPERTIES,
    FLOAT_TYPES,
    INTEGER_TYPES,
    NUMBER_PARTS,
    NUMBER_PROPERTIES,
    PRODUCT,
    SCALAR_TYPES,
    SPANS_MS,
    TEXT_PARTS,
    TEXT_PROPERTIES,
    TEXT_TYPES,
    USUAL_NUMBERS,
    USUAL_TEXTS,
    VENDOR,
    Json,
    calculated,
    leaves_for,
    property_for,
)

NUMERIC_TYPES = (*INTEGER_TYPES, *FLOAT_TYPES)
LISTS = tuple(f"{one}_list" for one in SCALAR_TYPES if one != "timestamp")
TYPES: dict[str, tuple[str, ...]] = {
    "counter": INTEGER_TYPES,
    "sum": NUMERIC_TYPES,
    "min": (*NUMERIC_TYPES, "unix_timestamp"),
    "max": (*NUMERIC_TYPES, "unix_timestamp"),
    "mean": FLOAT_TYPES,
    "first": SCALAR_TYPES,
    "last": SCALAR_TYPES,
    "unique_list": LISTS,
    "most_frequent": SCALAR_TYPES,
    "least_frequent": SCALAR_TYPES,
    "category_count": ("dict",),
    "approx_count_distinct": INTEGER_TYPES,
    "time_since_last": FLOAT_TYPES,
    "time_since_first": FLOAT_TYPES,
}
WITHOUT_PROPERTY = {"counter", "time_since_last", "time_since_first"}
DATED = set(TYPES) - WITHOUT_PROPERTY - {"sum", "min", "max", "mean"}
EVENT_OPERATORS = ("=", "!=", "<", ">", "<=", ">=", "like", "in", "is null", "is not null")
RULE_OPERATORS = (
    *EVENT_OPERATORS,
    *("not like", "rlike", "not rlike", "not in", "changed"),
)


class Cell(NamedTuple):
    """A combination that must be met."""

    aggregation: str
    windowed: bool
    event_operator: str
    rule_operator: str


# Mixed, so that those that are near each other have little in common.
CELLS = Random(0).sample(
    [Cell(*one) for one in product(TYPES, (False, True), EVENT_OPERATORS, RULE_OPERATORS)],
    len(TYPES) * 2 * len(EVENT_OPERATORS) * len(RULE_OPERATORS),
)

KEYS: list[Json] = [
    {"name": "domain_userid"},
    {"name": "domain_userid"},
    {"name": "user"},
    {"name": "domain_sessionid"},
    {"name": "user_id"},
    {"name": "tier", "property": {**ACTION, "path": "tier"}},
    {"name": "customer", "property": {**ACTION, "path": "$.customer.ids[0]"}},
    {"name": "product_name", "property": {**PRODUCT, "path": "name"}},
    {"name": "second_name", "property": {**PRODUCT, "path": "name", "index": 1}},
    {"name": "width", "property": {"type": "atomic", "name": "br_viewwidth"}},
    {"name": "mobile", "property": {"type": "atomic", "name": "dvce_ismobile"}},
    {"name": "title", "property": {"type": "atomic", "name": "page_title"}},
]
SELECTORS: list[list[Json]] = [
    [],
    [],
    [],
    [],
    [{"name": "action"}],
    [{"vendor": VENDOR}, {"name": "page_view"}],
    [{"vendor": VENDOR, "name": "action", "version": "1-0-1"}],
    [{"name": "page_view", "version": "1-0-0"}],
]
PATTERNS = ["a%", "%", "_", "%b", "a\\%", "a_c", "a\\_c", "%é%", "", "%%b%", "A", "2026-%"]
EXPRESSIONS = ["a", "^a", "b$", "^[ab]+$", "(?i)A", "a.c", "\\d", "^$", "^2026-", "é|x{3}", "[^a]"]
NUMBERS_IN_RULES = [1, 0, 2, 3, 0.5, 2.0, 5, 60, 0.001]
TEXTS_IN_RULES = ["a", "b", "ab", "", "5", "2026-01-01", "2025-12-29"]


def criterion(chance: Random, operator: str) -> Json:
    """A criterion on events that a good part of them meets."""
    texts = operator == "like" or chance.random() < 0.4
    values: list[Any]
    if operator not in {"like", "<", ">", "<=", ">="} and chance.randrange(6) == 0:
        leaf, values = chance.choice(BOOLEAN_PROPERTIES), [True, False]
    elif texts:
        leaf, values = chance.choice(TEXT_PROPERTIES[:3]), USUAL_TEXTS
    else:
        leaf, values = chance.choice(NUMBER_PROPERTIES[:4]), USUAL_NUMBERS
    form = chance.randrange(10)
    if form == 0:
        leaf = calculated(chance, "string" if values == USUAL_TEXTS else "double")
    elif form == 1 and operator not in {"=", "in", "like"}:
        part = chance.choice(TEXT_PARTS if values == USUAL_TEXTS else NUMBER_PARTS)
        leaf = {**chance.choice(DATE_PROPERTIES), "date_part": part}
    found = {"property": leaf, "operator": operator}
    return with_value(chance, found, values if chance.randrange(12) else [1, "a", 2.0])


def with_value(chance: Random, found: Json, values: list[Any]) -> Json:
    """The criterion with a value as its operator takes it."""
    operator = found["operator"]
    if operator in {"is null", "is not null", "changed"}:
        return found
    if "rlike" in operator:
        return {**found, "value": chance.choice(EXPRESSIONS)}
    if "like" in operator:
        return {**found, "value": chance.choice(PATTERNS[:2] * 4 + PATTERNS)}
    if operator in {"in", "not in"}:
        kind = bool if isinstance(values[0], bool) else str if isinstance(values[0], str) else int
        fitting = [one for one in values if type(one) is kind]
        return {**found, "value": [chance.choice(fitting) for _ in range(chance.choice([3, 2, 1]))]}
    ordered = [one for one in values if not isinstance(one, bool)] or [1]
    return {**found, "value": chance.choice(values if operator in {"=", "!="} else ordered)}


def criteria(chance: Random, operator: str) -> Json:
    """Criteria with that operator in one of their lists."""
    wanted, other = criterion(chance, operator), criterion(chance, chance.choice(EVENT_OPERATORS))
    lenient = {"property": {"type": "atomic", "name": "app_id"}, "operator": "!=", "value": "none"}
    form = chance.randrange(6)
    if form <= 1:
        return {"all": [wanted, lenient][: form + 1]}
    if form <= 3:
        return {"any": [other, wanted][3 - form :]}
    lists = [[wanted], [lenient, other]] if form == 4 else [[lenient], [other, wanted]]
    return {"all": lists[0], "any": lists[1]}


def attribute(chance: Random, name: str, cell: Cell) -> Json:
    """An attribute of the cell's aggregation and event operator."""
    kind = chance.choice(TYPES[cell.aggregation])
    found: Json = {"name": name, "aggregation": cell.aggregation, "type": kind}
    found["events"] = chance.choice(SELECTORS)
    if cell.aggregation not in WITHOUT_PROPERTY:
        takes_any = cell.aggregation in {"category_count", "approx_count_distinct"}
        domain = "any" if takes_any else kind.removesuffix("_list")
        if chance.randrange(12):
            dated = cell.aggregation in DATED
            found["property"] = property_for(chance, domain, dated=dated)
        else:
            found["property"] = chance.choice(leaves_for("any"))
    elif cell.aggregation != "counter":
        found["time_unit"] = chance.choice(["s", "min", "h", "d"])
    found["criteria"] = criteria(chance, cell.event_operator)
    span = "period" if cell.windowed else chance.choice([None, None, "ttl"])
    if span:
        found[span] = chance.choice(list(SPANS_MS))
    if chance.randrange(4) == 0 and kind != "dict":
        found["default_value"] = default(chance, kind)
    return found


def drawn_attribute(chance: Random, name: str) -> Json:
    """Any attribute, mostly without criteria."""
    found = attribute(chance, name, chance.choice(CELLS))
    if chance.randrange(3):
        del found["criteria"]
    return found


def default(chance: Random, kind: str) -> Any:
    """A default value of an attribute type."""
    if kind.endswith("_list"):
        item = kind.removesuffix("_list")
        return [default(chance, item) for _ in range(chance.randrange(3))]
    if kind in TEXT_TYPES:
        return chance.choice(["none", ""])
    if kind == "bool":
        return chance.choice([False, True])
    return chance.choice([0, 7] if kind in INTEGER_TYPES else [0, 0.0, 2.5])


def group(chance: Random, name: str, version: int, key: Json, attributes: list[Json]) -> Json:
    """A published group."""
    found = {"name": name, "version": version, "attribute_key": key, "owner": "a@example.com"}
    found |= {"is_published": True, "attributes": attributes}
    if chance.randrange(5) == 0:
        found["ttl"] = chance.choice(list(SPANS_MS))
    return found


def leaf(chance: Random, name: str, definition: Json, operator: str) -> Json:
    """A criterion of a rule on an attribute, mostly with a value of the attribute's kind."""
    kind = definition["type"]
    if kind in TEXT_TYPES or kind.endswith("_list"):
        values: list[Any] = TEXTS_IN_RULES
    elif kind == "bool":
        values = [True, False]
    else:
        values = NUMBERS_IN_RULES
    if chance.randrange(12) == 0:
        values = chance.choice([[True, False], NUMBERS_IN_RULES, TEXTS_IN_RULES])
    return with_value(chance, {"attribute": name, "operator": operator}, values)


def any_leaf(chance: Random, attributes: dict[str, Json]) -> Json:
    """A criterion of a rule on one of the attributes."""
    name = chance.choice(list(attributes))
    return leaf(chance, name, attributes[name], chance.choice(RULE_OPERATORS[:-1]))


def tree(chance: Random, wanted: Json, attributes: dict[str, Json]) -> Json:
    """A tree with the wanted criterion in it; one that must have changed is under `all` alone."""
    form = chance.randrange(6)
    if form <= 1:
        return wanted
    others = [any_leaf(chance, attributes) for _ in range(chance.choice([1, 0, 2]))]
    if wanted["operator"] == "changed":
        below = [{"any": [one, any_leaf(chance, attributes)]} for one in others]
        return {"all": [{"all": [wanted]}, *below] if form == 2 else [*others, wanted]}
    if form == 2:
        return {"any": [wanted, {"all": others}, {"none": others}]}
    kind = ["all", "any", "none"][form - 3]
    return {kind: [*others, wanted] if chance.randrange(3) else [{"none": others}, wanted]}


def rules(chance: Random, name: str, criteria: Json, live: list[Json]) -> list[Json]:
    """A rule in one or two versions, with limits and a payload of its own now and then."""
    found = []
    for version in range(1, chance.choice([2, 2, 2, 2, 3])):
        one = {"name": name, "version": version, "owner": "a@example.com", "is_published": True}
        one["criteria"] = criteria
        if chance.randrange(4) == 0:
            one["cooldown"] = chance.choice(list(SPANS_MS))
        if chance.randrange(4) == 0:
            one["max_fires"] = chance.choice([1, 2, 5])
        if chance.randrange(4) == 0:
            linked = chance.choice(live)
            link = {"name": linked["name"], "version": linked["version"]}
            one["payload_attribute_groups"] = [link]
        found.append(one)
    return found


def catalog(chance: Random, cells: list[Cell]) -> list[Json]:
    """Definitions in registry JSON that hold the cells, and what else is drawn."""
    keys = [with_ttl(chance, KEYS[0]), with_ttl(chance, chance.choice(KEYS))]
    if keys[0]["name"] == keys[1]["name"]:
        keys[1] = keys[0]
    names: dict[str, list[tuple[str, Cell]]] = {"g0": [], "g1": []}
    for number, cell in enumerate(cells):
        names[chance.choice(["g0", "g0", "g1"])].append((f"c{number}", cell))
    found: list[Json] = []
    for (name, wanted), key in zip(names.items(), keys, strict=True):
        some = [attribute(chance, one, cell) for one, cell in wanted]
        some += [drawn_attribute(chance, one) for one in "ab"[: chance.choice([1, 2])]]
        version = chance.choice([1, 1, 2])
        found.append(group(chance, name, version, key, some))
        if chance.randrange(3) == 0:
            old = [drawn_attribute(chance, one) for one in "bc"]
            found.append(group(chance, name, version + 1, key, old))
            found[-1]["is_published"] = chance.randrange(3) > 0
    ruled = []
    for name, wanted in names.items():
        live = live_with(found, name)
        every = {
            f"{one['name']}:{each['name']}": each for one in live for each in one["attributes"]
        }
        for attribute_name, cell in wanted:
            full = f"{name}:{attribute_name}"
            must = leaf(chance, full, every[full], cell.rule_operator)
            ruled += rules(chance, f"on_{attribute_name}", tree(chance, must, every), live)
    return found + ruled


def with_ttl(chance: Random, key: Json) -> Json:
    """The key, now and then with a time to live."""
    return {**key, "ttl": chance.choice(list(SPANS_MS))} if chance.randrange(6) == 0 else key


def live_with(found: list[Json], name: str) -> list[Json]:
    """The published groups that have the same key as the group of that name."""
    key = next(one["attribute_key"]["name"] for one in found if one["name"] == name)
    return [one for one in found if one["is_published"] and one["attribute_key"]["name"] == key]

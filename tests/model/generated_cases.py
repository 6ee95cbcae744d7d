"""Narrow cases: one value, what is a duplicate, when a rule fires, long windows, many values."""

from random import Random
from typing import Any

from tests.model.generated import START_MS, Happening, line_of, unstruct_event
from tests.model.generated_definitions import (
    CELLS,
    EVENT_OPERATORS,
    RULE_OPERATORS,
    TYPES,
    WITHOUT_PROPERTY,
    any_leaf,
    attribute,
    leaf,
    rules,
    tree,
    with_value,
)
from tests.model.generated_values import (
    ACTION,
    NO_SCALARS,
    ODD_TEXTS,
    USUAL_NUMBERS,
    USUAL_TEXTS,
    Json,
    date_time,
    number,
)

SPANS = {"life": {}, "ttl": {"ttl": "PT1S"}} | {
    f"w{one}": {"period": span} for one, span in enumerate(["PT1S", "PT1M", "PT1H"])
}
AMOUNT = {**ACTION, "path": "amount"}


def group_of(name: str, attributes: list[Json]) -> Json:
    """A published group of domain_userid."""
    found = {"name": name, "version": 1, "attribute_key": {"name": "domain_userid"}}
    return {**found, "owner": "a@example.com", "is_published": True, "attributes": attributes}


def value_case(chance: Random) -> tuple[list[Json], Json]:
    """Attributes that take, calculate with, and compare the one value of an event; its columns."""
    other: Json = {"type": "atomic", "name": "br_viewwidth"}
    parts = ["active_day", "active_week", "active_month", "hour_of_day", "day_of_week"]
    found: list[Json] = []
    for aggregation in sorted(set(TYPES) - WITHOUT_PROPERTY):
        cell = chance.choice([one for one in CELLS if one.aggregation == aggregation])
        found.append({**attribute(chance, aggregation, cell), "property": AMOUNT})
        del found[-1]["criteria"]
    for operation in ("concat", "sum", "product", "min", "max", "coalesce"):
        leaves = chance.choice([[AMOUNT, other], [other, AMOUNT], [AMOUNT, AMOUNT]])
        calculation = {"type": "calculated", "operation": operation, "properties": leaves}
        kind = "string_list" if operation == "concat" else "double_list"
        one = {"name": operation + "_of", "aggregation": "unique_list", "type": kind, "events": []}
        found.append({**one, "property": calculation})
    for part in [*parts, "month_of_year"]:
        kind = "string" if part.startswith("active") else "int32"
        one = {"name": part, "aggregation": "last", "type": kind, "events": []}
        found.append({**one, "property": {**AMOUNT, "date_part": part}})
    for at, operator in enumerate(EVENT_OPERATORS):
        values = chance.choice([USUAL_NUMBERS, USUAL_TEXTS, [True, False], ["5", "", "1.0"]])
        met = with_value(chance, {"property": AMOUNT, "operator": operator}, values)
        one = {"name": f"met{at}", "aggregation": "counter", "type": "int32", "events": []}
        found.append({**one, "criteria": {"all": [met]}})
    value = chance.choice([number, date_time, number])(chance, 0.8)
    if chance.randrange(3) == 0:
        value = chance.choice([*ODD_TEXTS, *NO_SCALARS, "x" * 4097, "é" * 2048, True, False])
    columns = {"domain_userid": "u1", "br_viewwidth": chance.choice(["", "1", "x", str(2**62)])}
    return [group_of("g", found)], columns | {"unstruct_event": unstruct_event({"amount": value})}


# Ids and arrivals around the limits of de-duplication; every event counts.
COUNTERS = group_of(
    "g",
    [
        {"name": "life", "aggregation": "counter", "type": "int32", "events": []},
        {"name": "w", "aggregation": "counter", "type": "int32", "events": [], "period": "PT1S"},
    ],
)
REPEATS_MS = [0, 1, 992, 999, 1_000, 1_001, 1_007, 1_008, 1_009, -1, -999, -1_008, -5_000]


def repeats(chance: Random) -> list[Happening]:
    """A history of few event ids, whose event times say nothing of when they arrive."""
    found, arrival_ms, newest_ms = [], START_MS, 0
    for _ in range(chance.randrange(2, 13)):
        arrival_ms += chance.choice(REPEATS_MS)
        time_ms = arrival_ms - chance.choice([0, 0, 1, 1_000, 31_536_000_000])
        newest_ms = max(newest_ms, time_ms)
        number = chance.randrange(5)
        line = line_of(time_ms, number, {"domain_userid": "u1"})
        stores, expires = number == 0, chance.randrange(4) == 0
        found.append(Happening(line, time_ms, [newest_ms], stores, expires, arrival_ms=arrival_ms))
    return found


# Two windowed series, lifetime values with a time to live, and rules on them.
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
            "name": "since",
            "aggregation": "time_since_first",
            "type": "double",
            "time_unit": "s",
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
        {
            "name": "titles",
            "aggregation": "category_count",
            "type": "dict",
            "events": [],
            "property": {"type": "atomic", "name": "page_title"},
        },
    ],
)
STEPS_MS = [1, 0, 9, 10, 11, 999, 1_000, -1, -10, -11, -1_000, 2_000, -2_000]


def ruled(chance: Random) -> tuple[list[Json], list[Happening]]:
    """Rules on few attributes, so that they are met and unmet often; a history for them."""
    every = {f"g:{one['name']}": one for one in RULED["attributes"]}
    found = [RULED]
    for one in range(chance.randrange(1, 4)):
        name = chance.choice(list(every))
        wanted = leaf(chance, name, every[name], chance.choice(RULE_OPERATORS))
        criteria = tree(chance, wanted, every)
        if chance.randrange(3) == 0 and "changed" not in str(criteria):
            criteria = {"none": [criteria, any_leaf(chance, every)]}
        found += rules(chance, f"rule{one}", criteria, [RULED])
    return found, ruled_history(chance)


def ruled_history(chance: Random) -> list[Happening]:
    """Events of one profile around the edges of its spans."""
    found, time_ms = [], START_MS
    for one in range(chance.randrange(2, 17)):
        time_ms += chance.choice(STEPS_MS)
        columns = {"domain_userid": "u1", "event_name": chance.choice(["action", "page_view"])}
        line = line_of(time_ms, one, columns | {"page_title": chance.choice(["a", "", "b"])})
        found.append(Happening(line, time_ms, [time_ms], store=one % 4 == 3))
    return found


def over_amount(name: str, aggregation: str, span: Json) -> Json:
    """An attribute over the amount of every action."""
    kind = {"counter": "int32", "approx_count_distinct": "int64", "unique_list": "double_list"}
    found: Json = {"name": name, "aggregation": aggregation, "events": [], **span}
    found["type"] = "dict" if aggregation == "category_count" else kind.get(aggregation, "double")
    if aggregation.startswith("time_since"):
        return {**found, "time_unit": "min"}
    return found if aggregation == "counter" else {**found, "property": AMOUNT}


def long_catalog() -> list[Json]:
    """Every aggregation over one number, for life and over three periods, and rules on them."""
    exact = [one for one in TYPES if one != "approx_count_distinct"]
    found = [
        group_of(name, [over_amount(one, one, span) for one in exact])
        for name, span in SPANS.items()
    ]
    approximate = [over_amount(name, "approx_count_distinct", span) for name, span in SPANS.items()]
    found.append(group_of("distinct", approximate))
    criteria: list[Json] = [
        {"attribute": "w1:sum", "operator": ">", "value": 20},
        {"any": [{"attribute": "w2:max", "operator": "<", "value": 3.9}, over("w0:counter", 3)]},
        {"all": [over("w1:mean", 1.5), {"none": [over("w0:last", 2), over("ttl:counter", 9)]}]},
        {"attribute": "w2:most_frequent", "operator": "!=", "value": 1},
        {"all": [{"attribute": "w0:unique_list", "operator": "changed"}, over("w1:counter", 5)]},
    ]
    for at, one in enumerate(criteria):
        rule = {"name": f"rule{at}", "version": 1, "owner": "a@example.com", "criteria": one}
        limits = {"cooldown": "PT1M", "max_fires": 40} if "changed" in str(one) else {}
        found.append({**rule, **limits, "is_published": True})
    return found


def over(attribute: str, value: int | float) -> Json:
    """The attribute is greater than the value."""
    return {"attribute": attribute, "operator": ">", "value": value}


def many_values_catalog() -> list[Json]:
    """What keeps the different values, for life and over a long period."""
    kinds = ["unique_list", "most_frequent", "least_frequent", "category_count"]
    kinds.append("approx_count_distinct")
    spans: dict[str, Json] = {"life": {}, "w": {"period": "PT1H"}}
    return [
        group_of(name, [over_amount(one, one, span) for one in kinds])
        for name, span in spans.items()
    ]


def many_values_history(seed: int, size: int) -> list[Happening]:
    """More different amounts than are remembered, some of them again, a part of them late."""
    chance = Random(seed)
    found = []
    for one in range(size):
        time_ms = START_MS + one * 1_000 - chance.choice([0, 0, 0, 1_000, 2_000_000])
        amount = chance.choice([one, one, one, chance.randrange(one + 1) + chance.choice([0, 0.0])])
        columns = {"domain_userid": "u1", "unstruct_event": unstruct_event({"amount": amount})}
        reads_ms = [START_MS + one * 1_000] if one % 193 == 0 or one == size - 1 else []
        found.append(Happening(line_of(time_ms, one, columns), time_ms, reads_ms, one % 50 == 0))
    return found


def many_texts_catalog() -> list[Json]:
    """What keeps different texts for life; of long ones fewer are remembered."""
    label = {"property": {**ACTION, "path": "label"}, "events": []}
    kinds = {"most_frequent": "string", "least_frequent": "string", "category_count": "dict"}
    attributes = [
        {"name": one, "aggregation": one, "type": kind, **label} for one, kind in kinds.items()
    ]
    return [group_of("life", attributes)]


def many_texts_history(seed: int, size: int) -> list[Happening]:
    """Texts on both sides of the length from which on they are long, some of them again."""
    chance = Random(seed)
    found = []
    for one in range(size):
        time_ms = START_MS + one * 1_000 - chance.choice([0, 0, 0, 1_000, 2_000_000])
        number = chance.choice([one, one, one, chance.randrange(one + 1)])
        label = f"{number:0{chance.choice([1_025, 1_025, 1_024])}}"
        columns = {"domain_userid": "u1", "unstruct_event": unstruct_event({"label": label})}
        reads_ms = [START_MS + one * 1_000] if one % 193 == 0 or one == size - 1 else []
        found.append(Happening(line_of(time_ms, one, columns), time_ms, reads_ms, one % 50 == 0))
    return found


def long_history(seed: int, size: int) -> list[Happening]:
    """One person with many events inside of a window, a part of them late or repeated.

    Seeds differ in how fast time goes, how late events are, and whether all amounts are prices.
    """
    chance = Random(seed)
    step_ms = [50, 1_000, 5_000, 20_000][seed % 4]
    late_ms = 4_000_000 if seed % 8 < 4 else 10_000
    newest_ms = START_MS
    found: list[Happening] = []
    for one in range(size):
        kind = chance.random()
        time_ms = newest_ms + int(chance.expovariate(1 / step_ms))
        if kind < 0.15:
            time_ms = newest_ms - chance.choice([0, 1, 999, 1_000, chance.randrange(late_ms)])
        newest_ms = max(newest_ms, time_ms)
        amount: Any = chance.choice([chance.randrange(5), chance.uniform(-1, 4), 0.1, 1e-9])
        amount = round(amount, 2) if seed % 3 == 1 else amount
        contents = {"domain_userid": "u1", "event_name": "action"}
        contents["unstruct_event"] = unstruct_event({"amount": amount})
        line = line_of(time_ms, one, contents)
        if found and kind > 0.95:
            earlier = chance.choice(found[-100:])
            line, time_ms = earlier.line, earlier.time_ms
        reads_ms = [newest_ms + chance.choice([0, chance.randrange(3_700_000)])]
        store, expire = chance.random() < 0.1, chance.random() < 0.02
        found.append(Happening(line, time_ms, reads_ms if one % 25 == 0 else [], store, expire))
    return found

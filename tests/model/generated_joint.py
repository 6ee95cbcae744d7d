"""Generated rules across attribute keys, and histories in which ids come, change and go."""

from random import Random
from typing import Any

from tests.model.generated import START_MS, UUIDS, Happening, line_of
from tests.model.generated_definitions import (
    CELLS,
    KEYS,
    RULE_OPERATORS,
    Cell,
    any_leaf,
    attribute,
    drawn_attribute,
    group,
    leaf,
    rules,
    tree,
    with_ttl,
)
from tests.model.generated_values import Json

USER, SESSION, LOGIN, NETWORK = (
    {"name": one} for one in ("domain_userid", "domain_sessionid", "user_id", "network_userid")
)
OWN_KEYS = [one for one in KEYS if one["name"] in {"tier", "customer", "product_name", "title"}]
ACROSS = [USER, USER, SESSION, SESSION, LOGIN, NETWORK, *OWN_KEYS]
TITLE = {"type": "atomic", "name": "page_title"}
COUNTER: Json = {"aggregation": "counter", "type": "int32", "events": [], "default_value": 0}
# They become met and unmet often.
LIVELY: list[Json] = [
    {**COUNTER, "name": "all"},
    {**COUNTER, "name": "recent", "period": "PT1S"},
    {**COUNTER, "name": "actions", "events": [{"name": "action"}]},
    {**COUNTER, "name": "kept", "ttl": "PT1S"},
    {"name": "title", "aggregation": "last", "type": "string", "events": [], "property": TITLE},
    {
        "name": "titles",
        "aggregation": "unique_list",
        "type": "string_list",
        "events": [{"name": "page_view"}],
        "property": TITLE,
        "period": "PT1M",
    },
    {
        "name": "since",
        "aggregation": "time_since_last",
        "type": "double",
        "time_unit": "s",
        "events": [{"name": "action"}],
        "period": "PT1M",
    },
]


class Visitors:
    """Two people with a session after the other, who log in half way and share a network."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._sessions = [0, 1]
        self._logged_in = [False, False]
        self._next = 2

    def __call__(self) -> Json:
        """The ids of the next event."""
        chance = self._chance
        one = chance.choice([0, 0, 0, 1])
        kind = chance.randrange(24)
        if kind <= 2:
            self._sessions[one] = self._next
            self._next += 1
        elif kind <= 4:
            self._logged_in[one] = not self._logged_in[one]
        session = chance.randrange(self._next) if kind == 5 else self._sessions[one]
        columns = {
            "domain_userid": f"u{one}",
            "domain_sessionid": f"s{session}",
            "user_id": "someone" if self._logged_in[one] else "",
            "network_userid": "n1" if kind < 20 else f"n{one}",
        }
        if kind >= 22:
            columns[chance.choice(list(columns))] = chance.choice(
                ["", "ü" * 256, "x" * 257, *UUIDS]
            )
        return columns


def joint_catalog(chance: Random, cells: list[Cell]) -> list[Json]:
    """Groups of two or three attribute keys, and rules for the cells, most of them across keys."""
    keys = {one["name"]: with_ttl(chance, one) for one in chance.sample(ACROSS, 3)}
    keys.setdefault("domain_userid", USER)
    names = [f"g{number}" for number in range(min(len(keys), chance.choice([2, 2, 3])))]
    wanted = {name: [] for name in names}
    for number, cell in enumerate(cells):
        wanted[chance.choice(names)].append((f"c{number}", cell))
    found: list[Json] = []
    for name, key in zip(names, keys.values(), strict=False):
        some = [attribute(chance, one, cell) for one, cell in wanted[name]]
        some += [*chance.sample(LIVELY, 2), drawn_attribute(chance, "b")]
        found.append(group(chance, name, 1, key, some))
        if chance.randrange(6) == 0:
            old = [drawn_attribute(chance, "b"), chance.choice(LIVELY)]
            found.append(group(chance, name, 2, key, old))
    every = {f"{one['name']}:{each['name']}": each for one in found for each in one["attributes"]}
    ruled: list[Json] = []
    for name, several in wanted.items():
        for one, cell in several:
            must = leaf(chance, f"{name}:{one}", every[f"{name}:{one}"], cell.rule_operator)
            ruled += across(chance, f"on_{one}", tree(chance, must, every), every, found)
    return found + ruled


def across(
    chance: Random, name: str, criteria: Json, every: dict[str, Json], live: list[Json]
) -> list[Json]:
    """A rule that mostly reads another key as well, for targets that its criteria do not name."""
    if chance.randrange(4):
        other = any_leaf(chance, every)
        kinds = ["all"] if "changed" in str(criteria) else ["all", "any", "none"]
        criteria = {chance.choice(kinds): [criteria, other]}
    found = rules(chance, name, criteria, live)
    known = list({one["attribute_key"]["name"] for one in live} | {"network_userid"})
    known.sort()
    for one in found:
        if chance.randrange(3):
            targets = chance.sample(known, chance.choice([1, 1, 2]))
            one["target_attribute_keys"] = [{"name": target} for target in targets]
    return found


def lively(chance: Random) -> tuple[list[Json], list[Happening]]:
    """Rules across keys on what becomes met and unmet often, and a short history for them."""
    keys = chance.sample([USER, SESSION, LOGIN, NETWORK], chance.choice([2, 3]))
    groups = [
        {**group(Random(1), f"g{at}", 1, key, chance.sample(LIVELY, chance.choice([2, 3])))}
        for at, key in enumerate(keys)
    ]
    every = {f"{one['name']}:{each['name']}": each for one in groups for each in one["attributes"]}
    found: list[Json] = []
    for number in range(chance.choice([1, 2, 3])):
        name = chance.choice(list(every))
        wanted = leaf(chance, name, every[name], chance.choice(RULE_OPERATORS))
        criteria = tree(chance, wanted, every)
        found += across(chance, f"rule{number}", criteria, every, groups)
    return groups + found, short_history(chance)


STEPS_MS = [1, 0, 10, 999, 1_000, 1_001, -1, -1_000, 60_000, 3_600_000, 3_600_001]


def short_history(chance: Random) -> list[Happening]:
    """Events of two people, whose parts wait more or less; few of them are read."""
    visitor, found, time_ms = Visitors(chance), [], START_MS
    waits = chance.randrange(4) > 0
    for one in range(chance.randrange(2, 30)):
        time_ms += chance.choice(STEPS_MS[:-3] * 4 + STEPS_MS)
        columns = visitor() | {"event_name": chance.choice(["action", "page_view"])}
        number = chance.randrange(one) if one and chance.randrange(12) == 0 else one
        line = line_of(time_ms, number, columns | {"page_title": chance.choice(["a", "", "b"])})
        order = chance.randrange(2**32) if waits else None
        stores, expires = chance.randrange(4) == 0, chance.randrange(8) == 0
        found.append(Happening(line, time_ms, [], stores, expires, reads_all=False, order=order))
    return found


def many_sessions(seed: int, size: int) -> tuple[list[Json], list[Happening]]:
    """More sessions of one person than are remembered at a target, and rules on each of them."""
    chance = Random(seed)
    groups = [group(Random(1), name, 1, key, LIVELY) for name, key in (("u", USER), ("s", SESSION))]
    criteria: list[Any] = [
        {"all": [{"attribute": "u:recent", "operator": ">", "value": 1}, actions(">", 1)]},
        {"all": [{"attribute": "s:title", "operator": "changed"}, actions("<", 3)]},
        {"any": [{"attribute": "u:title", "operator": "=", "value": "a"}, actions("=", 2)]},
    ]
    owner: Json = {"version": 1, "owner": "a@example.com", "is_published": True}
    ruled = [
        {**owner, "name": f"r{at}", "criteria": one, "target_attribute_keys": [USER]}
        for at, one in enumerate(criteria)
    ]
    found, time_ms = [], START_MS
    for one in range(size):
        time_ms += chance.choice([0, 1, 500, 1_000, 5_000])
        # Mostly the latest sessions, now and then any.
        newest = one // 3
        session = chance.choice([newest, newest, chance.randrange(newest + 1)])
        columns = {
            "domain_userid": "u1",
            "domain_sessionid": f"s{session}",
            "event_name": chance.choice(["action", "page_view"]),
            "page_title": chance.choice(["a", "", "b"]),
        }
        order = chance.randrange(2**32)
        line = line_of(time_ms, one, columns)
        found.append(Happening(line, time_ms, [], one % 7 == 0, one % 50 == 0, order=order))
    return groups + ruled, found


def actions(operator: str, value: int) -> Json:
    """The number of actions of the session compares so."""
    return {"attribute": "s:actions", "operator": operator, "value": value}


def any_cells(chance: Random, count: int) -> list[Cell]:
    """Some combinations of aggregation, span and operators."""
    return [chance.choice(CELLS) for _ in range(count)]

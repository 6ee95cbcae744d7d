"""How often rules across attribute keys fire otherwise than if all of an event came at once.

One visitor with sessions, and a user, a session and a network profile, each in a partition of its
own. What an event says to a profile, and what this says to the session that the rules target,
comes with its partition's next flush. Three ways to join the parts are held against an oracle that
joins all parts of an event at once, in the order of the events:

- kept: the last part of each key is kept; nothing is looked at until each key has been heard once.
- hasty: the same without that wait; what is not heard yet is unknown.
- stateless: the parts of one event are joined when all of them are there, and then forgotten.

A firing differs where an event and rule fire for one and not for the other, in percent of the
firings of the oracle. `flush/gap` is the time between flushes over the time between the events of
the visitor; in shuffled runs the events of the source too come to each partition in another order.

Run: python -m tests.benchmarks.joint_rules [runs]. Prints a table; nothing is timed or stored.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from tests.model.generated import START_MS, line_of
from tests.model.generated_cases import group_of
from tests.model.joint import Around, Part, Targets
from tests.model.messages import Firings, ProfileId
from tests.model.naive import Model

Json = dict[str, Any]
Firing = tuple[str, str]  # rule and event
KEYS = ("domain_userid", "domain_sessionid", "network_userid")
EVENTS, SESSION_EVENTS = 60, 8
GAP_MS = 10_000
FLUSHES_MS = (100, 1_000, 10_000, 60_000)
COUNTER: Json = {"type": "int32", "aggregation": "counter", "events": [], "default_value": 0}
VIEWS: Json = {**COUNTER, "name": "views", "events": [{"name": "view"}]}
RECENT: Json = {**COUNTER, "name": "recent", "period": "PT1M"}
TITLE: Json = {
    "name": "title",
    "type": "string",
    "aggregation": "last",
    "events": [],
    "property": {"type": "atomic", "name": "page_title"},
}


def leaf(attribute: str, operator: str, value: Any = None) -> Json:
    return {"attribute": attribute, "operator": operator, "value": value}


CRITERIA: dict[str, Json] = {
    "counts of two keys": {"all": [leaf("user:all", ">=", 5), leaf("session:views", ">=", 3)]},
    "a value and a count": {"all": [leaf("user:title", "=", "a"), leaf("session:all", ">=", 2)]},
    "windows of three keys": {
        "all": [
            leaf("user:recent", ">=", 4),
            leaf("session:recent", "<", 4),
            leaf("network:recent", ">=", 4),
        ]
    },
    "first event of a session": {
        "all": [leaf("user:all", ">=", 2), leaf("session:all", "=", 1)],
    },
    "either key": {"any": [leaf("user:recent", "=", 3), leaf("session:views", "=", 2)]},
    "a change": {"all": [leaf("user:title", "changed"), leaf("session:all", ">", 1)]},
}


def definitions() -> list[Json]:
    """Groups of the three keys, and the rules on them."""
    attributes = [{**COUNTER, "name": "all"}, VIEWS, RECENT, TITLE]
    groups = [
        {**group_of(name, attributes), "attribute_key": {"name": key}}
        for name, key in zip(("user", "session", "network"), KEYS, strict=True)
    ]
    target = [{"name": "domain_sessionid"}]
    rules = [
        {"name": name, "is_published": True, "criteria": one, "target_attribute_keys": target}
        for name, one in CRITERIA.items()
    ]
    return groups + rules


def visit(chance: Random) -> list[tuple[int, bytes]]:
    """The times and lines of events of one visitor, a session after the other."""
    found, time_ms = [], START_MS
    session = 0
    for number in range(EVENTS):
        time_ms += 1 + int(chance.expovariate(1 / GAP_MS))
        session += chance.randrange(SESSION_EVENTS) == 0
        columns = {
            **dict(zip(KEYS, ("u1", f"s{session}", "n1"), strict=True)),
            "event_name": chance.choice(["view", "action"]),
            "page_title": chance.choice(["a", "b", ""]),
        }
        found.append((time_ms, line_of(time_ms, number, columns)))
    return found


def at_once(model: Model, events: list[tuple[int, bytes]]) -> list[Part]:
    """The parts of events that are counted one after the other."""
    for offset, (_, line) in enumerate(events):
        model.apply(line, "enriched", 0, offset, list(model.contributions(line)))
    return model.sent


def in_flushes(
    model: Model, events: list[tuple[int, bytes]], chance: Random, flush_ms: int, *, shuffled: bool
) -> list[Part]:
    """The parts in the order in which the flushes of their senders bring them to their targets."""
    arrivals = []
    for offset, (time_ms, line) in enumerate(events):
        for owner in model.contributions(line):
            late_ms = chance.randrange(flush_ms) if shuffled else 0
            arrivals.append((time_ms + late_ms, offset, line, owner))
    phases: dict[ProfileId, int] = {}
    joins: list[tuple[int, int, Part]] = []
    for time_ms, offset, line, owner in sorted(arrivals):
        phase = phases.setdefault(owner, chance.randrange(flush_ms))
        flushed_ms = time_ms + (phase - time_ms) % flush_ms
        model.apply(line, "enriched", 0, offset, [owner])
        joins += [(flushed_ms, phase, part) for part in model.sent]
        model.sent.clear()
    joins.sort(key=lambda join: join[:2])
    return [part for _, _, part in joins]


def kept(parts: Iterable[Part]) -> set[Firing]:
    """What the model fires."""
    targets = Targets(Firings())
    return {(one.rule.id[0], one.event.event_id) for one in parts if targets.join(one)}


def hasty(parts: Iterable[Part]) -> set[Firing]:
    """What fires where the first parts do not wait for each other."""
    found = set()
    instances: dict[Any, dict[str, Part]] = {}
    for part in parts:
        last = instances.setdefault((part.rule.id, part.target, *part.ids.items()), {})
        last[part.key] = part
        unknown = {name: one.default for name, one in part.rule.reads.items()}
        before, after, earlier = dict(unknown), dict(unknown), dict(unknown)
        for one in last.values():
            same = one.event.event_id == part.event.event_id
            after |= one.after
            before |= one.before if one is part else one.after
            earlier |= one.before if same else one.after
        if Around(before, after, earlier, (before,)).fires(part.rule):
            found.add((part.rule.id[0], part.event.event_id))
    return found


def stateless(parts: Iterable[Part]) -> set[Firing]:
    """What fires where the parts of an event are joined among themselves."""
    found = set()
    events: dict[Any, list[Part]] = {}
    for part in parts:
        mine = events.setdefault((part.rule.id, part.target, part.event.event_id), [])
        mine.append(part)
        if len(mine) == len(part.ids):
            before = {name: one for each in mine for name, one in each.before.items()}
            after = {name: one for each in mine for name, one in each.after.items()}
            if Around(before, after, before, (before,)).fires(part.rule):
                found.add((part.rule.id[0], part.event.event_id))
    return found


JOINS: list[Callable[[Iterable[Part]], set[Firing]]] = [kept, hasty, stateless]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(f"{'events':9} {'flush/gap':>9} {'rule':26} {'oracle':>6}", end="")
    print("".join(f"{one.__name__ + ': missing':>20} more" for one in JOINS))
    for shuffled in (False, True):
        for flush_ms in FLUSHES_MS:
            show(runs, flush_ms, shuffled=shuffled)


def show(runs: int, flush_ms: int, *, shuffled: bool) -> None:
    """Print how often firings differ in all runs, for each rule and for all of them."""
    due, missing, more = Counter[str](), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for run in range(runs):
        chance = Random(f"{run} {flush_ms} {shuffled}")
        events = visit(chance)
        oracle = stateless(at_once(Model(definitions()), events))
        parts = in_flushes(Model(definitions()), events, chance, flush_ms, shuffled=shuffled)
        due.update(rule for rule, _ in oracle)
        for join in JOINS:
            fired = join(parts)
            missing.update((join.__name__, rule) for rule, _ in oracle - fired)
            more.update((join.__name__, rule) for rule, _ in fired - oracle)
    for counts in (missing, more):
        for (name, _), count in list(counts.items()):
            counts[name, "all"] += count
    due["all"] = due.total()
    for rule in (*CRITERIA, "all"):
        kind = "shuffled" if shuffled else "in order"
        print(f"{kind:9} {flush_ms / GAP_MS:9.2f} {rule:26} {due[rule]:6}", end="")
        for name in (join.__name__ for join in JOINS):
            shares = [100 * counts[name, rule] / due[rule] for counts in (missing, more)]
            print("{:18.1f} %{:5.1f}".format(*shares), end="")
        print()


if __name__ == "__main__":
    main()

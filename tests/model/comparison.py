"""The core and the naive model side by side, event by event, and what is left when they differ."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from processor.engine import Contribution, Part
from tests.model.core import PARTITION, TOPIC, Core, canonical, name_of, plan_of
from tests.model.enriched import NotAnEventError
from tests.model.generated import Happening
from tests.model.generated_definitions import Cell
from tests.model.generated_values import Json
from tests.model.joint import Part as ModelPart
from tests.model.naive import Model, ProfileId
from tests.model.published import leaves
from tests.model.values import agrees

Waiting = tuple[str, ...]
# Results of these are numbers of the attribute's type; others are values as they came, and so are
# points in time.
TYPED = {"counter", "sum", "mean", "min", "max", "time_since_last", "time_since_first"}


class DifferenceError(AssertionError):
    """Core and model do not agree."""


@dataclass
class Comparison:
    """The core and the model side by side.

    What events say to profiles, and these to targets, waits in the order of its sender until it is
    delivered.
    """

    definitions: list[Json]
    options: Json
    fired: list[Json] = field(default_factory=list)
    contributions: dict[Waiting, deque[tuple[Contribution, bytes]]] = field(default_factory=dict)
    parts: dict[Waiting, deque[tuple[list[Part], list[ModelPart]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.core = Core(plan_of(self.definitions, **self.options))
        known = {name: one for name, one in self.options.items() if name != "deduplication_ids"}
        self.model = Model(self.definitions, **known)
        if self.options.get("deduplication_ids") == 0:
            self.model.deduplication_horizon_ms = 0
        self.groups = [
            one for one in self.definitions if "attribute_key" in one and one["is_published"]
        ]

    def event(self, one: Happening, offset: int) -> None:
        """Both take the event, and in its order a part of all that waits."""
        line, arrival_ms = one.line, one.arrival_ms
        found = self.core.contributions(line, offset, arrival_ms)
        if one.order is not None and not isinstance(found, str):
            self._wait(found, line, arrival_ms)
            chance = Random(one.order)
            pace = chance.choice([0.5, 0.8, 0.95])
            while self.waiting and chance.random() < pace:
                self.deliver(chance.choice(self.waiting))
            return
        self.deliver_all(Random(offset))
        expected = self.model.apply(line, TOPIC, PARTITION, offset, arrival_ms=arrival_ms)
        if not isinstance(found, str):
            counted = [self.core.count(one) for one in found]
            fired = [message for messages, _ in counted for message in messages]
            parts = [part for _, several in counted for part in several]
            for part in sorted(parts, key=lambda one: (one.key, one.target_key)):
                fired += self.core.join(part)
            found = fired
        self._same_fired(found, expected)

    @property
    def waiting(self) -> list[Waiting]:
        """Who has something to be delivered."""
        return [*self.contributions, *self.parts]

    @property
    def waiting_ms(self) -> list[int]:
        """The times of the events of what waits, and when they arrived."""
        counted = [one for several in self.contributions.values() for one, _ in several]
        sent = [one for several in self.parts.values() for parts, _ in several for one in parts]
        triggers = [one.trigger for one in (*counted, *sent)]
        return [ms for one in triggers for ms in (one.time_ms, one.arrival_ms)]

    def deliver(self, one: Waiting) -> None:
        """Both count the next event of a profile, or join the next parts of a target."""
        if one in self.contributions:
            self._count(*taken(self.contributions, one))
        else:
            parts, expected = taken(self.parts, one)
            fired = [message for part in parts for message in self.core.join(part)]
            messages = [self.model.targets.join(part) for part in expected]
            self._same_fired(fired, [one for one in messages if one is not None])

    def deliver_all(self, chance: Random) -> None:
        """Nothing waits any longer."""
        while self.waiting:
            self.deliver(chance.choice(self.waiting))

    def expire(self, now_ms: int) -> None:
        """The core forgets what nothing that arrives from then on can see."""
        self.core.expire(now_ms)

    def _wait(self, found: list[Contribution], line: bytes, arrival_ms: int | None) -> None:
        owners = [(one.key, one.id) for one in found]
        self._same("owners", owners, list(self.model.contributions(line, arrival_ms)))
        for one in found:
            self.contributions.setdefault((one.key, one.id), deque()).append((one, line))

    def _count(self, one: Contribution, line: bytes) -> None:
        owner = (one.key, one.id)
        found, parts = self.core.count(one)
        place = TOPIC, PARTITION, one.trigger.offset
        expected = self.model.apply(line, *place, [owner], one.trigger.arrival_ms)
        self._same_fired(found, expected)
        sent, self.model.sent = self.model.sent, []
        targets = sorted((part.target_key, part.target_id) for part in parts)
        self._same("targets of parts", targets, sorted(part.target for part in sent))
        for target in dict.fromkeys(targets):
            mine = [one for one in parts if (one.target_key, one.target_id) == target]
            due = [one for one in sent if one.target == target]
            self.parts.setdefault((*owner, *target), deque()).append((mine, due))

    def _same_fired(self, found: list[Json] | str, expected: list[Json] | str) -> None:
        self.fired += expected if isinstance(expected, list) else []
        self._same("fired", *map(canonical, (found, expected)))

    def read(self, now_ms: int, owners: Iterable[ProfileId]) -> None:
        """Both give the same attributes, as exact and of such a type as their aggregation gives."""
        for owner in owners:
            for group in self.groups:
                if group["attribute_key"]["name"] == owner[0]:
                    self._read_group(now_ms, owner, group)

    def _read_group(self, now_ms: int, owner: ProfileId, group: Json) -> None:
        name, version = group["name"], group["version"]
        found = self.core.attributes(owner, group, now_ms)
        expected = self.model.attributes(*owner, name, version, now_ms)
        what = f"{owner} {name} v{version} at {now_ms}"
        self._same(what, sorted(found), sorted(expected))
        for attribute in self.model.attributes_of(name, version):
            value, due = found[attribute.id[2]], expected[attribute.id[2]]
            what = f"{owner} {attribute.id} at {now_ms}"
            if not agrees(attribute, value, due):
                self._same(what, canonical(value), canonical(due))
            default = attribute.definition.get("default_value")
            typed = attribute.definition["aggregation"] in TYPED
            if typed and attribute.definition["type"] != "unix_timestamp" and due != default:
                self._same(f"type of {what}", type(value), type(due))
            if isinstance(due, dict):
                self._same(f"order of {what}", pairs(value), pairs(due))

    def _same(self, what: str, found: Any, expected: Any) -> None:
        if found != expected:
            raise DifferenceError(f"{what}:\n  core  {found}\n  model {expected}")


def pairs(categories: Json) -> list[tuple[str, int]]:
    """Categories and their counts in the order in which they are given."""
    return [(name_of(key), count) for key, count in categories.items()]


def compare(definitions: list[Json], history: list[Happening], options: Json) -> Comparison:
    """Run a history on both; an expiry reaches as far as nothing that follows looks back."""
    both = Comparison(definitions, options)
    least_ms = [
        min([one.time_ms, *one.reads_ms, *([one.arrival_ms] if one.arrival_ms else [])])
        for one in history
    ]
    for offset, one in enumerate(history):
        both.event(one, offset)
        owners = both.model.profiles if one.reads_all else touched(both.model, one.line)
        for now_ms in one.reads_ms:
            both.read(now_ms, owners)
        if one.store:
            both.core.store()
        if one.expire:
            both.expire(min([*least_ms[offset + 1 :], *both.waiting_ms], default=one.time_ms))
    both.deliver_all(Random(0))
    return both


def taken(queues: dict[Waiting, deque[Any]], one: Waiting) -> Any:
    """The next of a queue."""
    found = queues[one].popleft()
    if not queues[one]:
        del queues[one]
    return found


def touched(model: Model, line: bytes) -> list[ProfileId]:
    """The profiles to which the event of the line contributes."""
    try:
        return [one for one in model.contributions(line) if one in model.profiles]
    except NotAnEventError:
        return []


def cells_met(both: Comparison) -> Counter[Cell]:
    """How often a rule was looked at because an attribute got something, by their combination."""
    found: Counter[Cell] = Counter()
    for rule in both.model.rules:
        for one in leaves(rule.definition["criteria"]):
            attribute = rule.reads[one["attribute"]]
            count = both.model.looked_at[(*rule.id, attribute.id)]
            lists = (attribute.definition.get("criteria") or {}).values()
            for operator in {each["operator"] for several in lists for each in several}:
                windowed = attribute.period_ms is not None
                kind = attribute.definition["aggregation"]
                found[Cell(kind, windowed, operator, one["operator"])] += count
    return found

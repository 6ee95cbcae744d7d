"""Rules across attribute keys in the naive model: parts of events, and what joins them at a target.

An event asks each profile whose attributes such a rule reads for a part: the attributes without and
with the event. Parts go to the target, where, in the order in which they come:

- those of the same rule and of the same ids of what it reads belong together, in an instance;
- until each of these ids has sent one, nothing is looked at; then the first attributes before count
  as those before, the last ones after as those after;
- from then on the parts of an event move their keys from before to after, while the others stay as
  they were told last;
- an attribute has changed if the last part of its key is of the part's event and it did there;
- an instance about which nothing arrived for an hour is over when its next part comes;
- an instance fires once for an event, and as often as the rule may for the target.

What an event has no id for is read as from a profile that nothing is known of.
"""

from collections import Counter
from dataclasses import dataclass, field

from tests.model.comparing import Value, deciding, is_met
from tests.model.messages import Entry, Firings, ProfileId, RuleId, message, reason
from tests.model.published import AttributeId, Json, Rule

INSTANCES_MAX = 64
KEPT_MS = 3_600_000
Ids = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Part:
    """The attributes of one key around an event, on their way to one target of a rule."""

    rule: Rule
    target: ProfileId
    key: str
    ids: dict[str, str]  # of what the rule reads, as far as the event has them
    event: Entry
    source: Json
    before: dict[str, Value]
    after: dict[str, Value]
    told: dict[AttributeId, Value]

    @property
    def sender(self) -> ProfileId:
        """The profile whose attributes they are."""
        return self.key, self.ids[self.key]


@dataclass(frozen=True)
class Around:
    """All attributes that a rule reads, before and after; `earlier` is what changes compare to.

    `lately` are those as they were to the last part alone, and those until it came: parts of
    several events can come mixed.
    """

    before: dict[str, Value]
    after: dict[str, Value]
    earlier: dict[str, Value]
    lately: tuple[dict[str, Value], ...]

    def fires(self, rule: Rule) -> bool:
        """Is the rule met, and was it not?"""
        criteria = rule.definition["criteria"]
        return (
            not is_met(criteria, self.before, None)
            and not all(is_met(criteria, one, None) for one in self.lately)
            and is_met(criteria, self.after, self.earlier)
        )


@dataclass
class Instance:
    """All parts that came of one rule and one set of ids, and the event that fired last."""

    parts: list[Part] = field(default_factory=list)
    fired: str = ""


class Targets:
    """What has come to each target."""

    def __init__(self, firings: Firings) -> None:
        self._firings = firings
        # Those of a rule and target are in the order of their last parts.
        self._instances: dict[tuple[ProfileId, RuleId], dict[Ids, Instance]] = {}
        # How often a rule was looked at because an attribute got something: for tests to count.
        self.looked_at: Counter[tuple[str, int, AttributeId]] = Counter()
        # How often instances were dropped because there are too many, or because they are old.
        self.dropped: Counter[str] = Counter()

    def join(self, part: Part) -> Json | None:
        """Add a part of one of several keys; the message, where the rule fires."""
        if not part.rule.needs_memory:
            return self._look(Instance([part]))
        instances = self._instances.setdefault((part.target, part.rule.id), {})
        ids = frozenset(part.ids.items())
        if ids in instances:
            arrived_ms = max(one.event.arrival_ms for one in instances[ids].parts)
            if part.event.arrival_ms - arrived_ms >= KEPT_MS:
                del instances[ids]
                self.dropped["old"] += 1
        instances[ids] = instances.pop(ids, Instance())
        instances[ids].parts.append(part)
        if len(instances) > INSTANCES_MAX:
            del instances[next(iter(instances))]
            self.dropped["many"] += 1
        return self._look(instances[ids])

    def _look(self, instance: Instance) -> Json | None:
        part = instance.parts[-1]
        rule, event = part.rule, part.event
        found = around(instance.parts)
        if found is None:
            return None
        read = {one.id for one in rule.reads.values() if one.key == part.key}
        self.looked_at.update((*rule.id, one) for one in read & event.values.keys())
        if not found.fires(rule) or instance.fired == event.event_id:
            return None
        if not self._firings.may_fire(rule, part.target, event.time_ms):
            return None
        instance.fired = event.event_id
        told = {name: value for one in instance.parts for name, value in one.told.items()}
        payload = {one.name: told.get(one.id, one.default) for one in rule.payload}
        decided = deciding(rule.definition["criteria"], found.after, found.earlier)
        because = [reason(leaf, rule, found.before, found.after) for leaf in decided]
        return message(rule, part.target, event, part.source, payload, because)


def around(parts: list[Part]) -> Around | None:
    """What the rule sees with the last of all parts of an instance; None while one is missing."""
    newest = parts[-1]
    complete = next((at for at in range(len(parts)) if heard(parts[: at + 1])), None)
    if complete is None:
        return None
    last = {one.key: one for one in parts}
    # What the last part of each key says about before: the first one, as long as they waited.
    first = {one.key: one.before for one in reversed(parts[: complete + 1])}
    befores = {**first, **{one.key: one.before for one in parts[complete + 1 :]}}
    counts = Counter(one.key for one in parts[: complete + 1])
    waited = {key for key, count in counts.items() if count > 1}
    unknown = {name: one.default for name, one in newest.rule.reads.items()}
    before = after = earlier = moved = heard_last = unknown
    before_it = {one.key: one for one in parts[:-1]}
    for key, one in last.items():
        after = after | one.after
        earlier = earlier | (befores[key] if same_event(one, newest) else one.after)
        alone = key not in waited or one in parts[complete + 1 :]
        moves = key == newest.key or complete == len(parts) - 1
        moves = moves or (same_event(one, newest) and alone)
        before = before | (befores[key] if moves else one.after)
        moved = moved | (one.before if one is newest else one.after)
        heard_last = heard_last | (before_it[key].after if key in before_it else one.before)
    if complete == len(parts) - 1:
        moved = heard_last = before
    return Around(before, after, earlier, (moved, heard_last))


def heard(parts: list[Part]) -> bool:
    """Has every id sent a part?"""
    return {one.key for one in parts} == parts[0].ids.keys()


def same_event(one: Part, other: Part) -> bool:
    """Are they parts of one event?"""
    return one.event.event_id == other.event.event_id

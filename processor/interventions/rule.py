"""A compiled rule: what it reads, when it fires, and what its message contains.

A rule is *local* if its criteria, message and targets all have the same attribute key: one profile
decides about it. Every other rule is *joint*: several profiles send their parts to its targets
(processor/engine/joint). Both are a `Rule`, which compares the values of its attributes before and
after an event, and builds the firing.

The id of an intervention is computed only from the rule and the event, so it is the same for every
target, and the same each time it is computed again.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from processor.aggregates import Result
from processor.events import Trigger
from processor.interventions.message import Because, Fired
from processor.interventions.tree import MustChange, Tree, Values

# Reads an attribute of a profile at a time in ms. Any: the profile's type is defined further up.
Reader = Callable[[Any, int], Result]
# For each limit, by name: the number of firings, and the event time of the last one.
Firings = MutableMapping[int, tuple[int, int]]

_NO_FIRINGS = (0, 0)


@dataclass(frozen=True, slots=True)
class FiringLimit:
    """How often a rule may fire for a target. `name` is the name of its count in the profile."""

    name: int
    cooldown_ms: int
    max_fires: int | None

    def allows(self, count: int, last_ms: int, time_ms: int) -> bool:
        """Return whether it may fire at `time_ms`, after `count` firings, the last at `last_ms`."""
        if self.max_fires is not None and count >= self.max_fires:
            return False
        return not self.cooldown_ms or time_ms >= last_ms + self.cooldown_ms

    def over(self, idle_ms: int) -> bool:
        """Return whether the count can be forgotten after `idle_ms` without contributions."""
        return self.max_fires is None and idle_ms >= self.cooldown_ms


@dataclass(frozen=True, slots=True)
class Rule:
    """A published rule.

    `changes` are the values of `tree` that the event must have changed. `limit` is None if firings
    are not limited.
    """

    name: str
    version: int
    tree: Tree
    changes: tuple[MustChange, ...]
    limit: FiringLimit | None

    def waits(self, before: Values) -> bool:
        """Return whether it can fire after these values; a rule that needs a change always can."""
        return bool(self.changes) or not self.tree.met(before)

    def met(self, since: Values, after: Values) -> bool:
        """Return whether `after` meets the criteria; what must change is compared with `since`."""
        return self.tree.met(after) and all(met(since[at], after[at]) for at, met in self.changes)

    def fires(self, before: Values, after: Values, since: Values) -> bool:
        """Return whether `after` meets the criteria and `before` does not.

        What must change is compared with `since`. Criteria that need a change count as not met
        before.
        """
        return self.met(since, after) and self.waits(before)

    def may_fire(self, firings: Firings, time_ms: int) -> bool:
        """Return whether the limit lets it fire at an event time; if so, count the firing.

        `firings` are the firings in the target's profile.
        """
        limit = self.limit
        if limit is None:
            return True
        count, last_ms = firings.get(limit.name, _NO_FIRINGS)
        if count and not limit.allows(count, last_ms, time_ms):
            return False
        firings[limit.name] = (count + 1, time_ms)
        return True

    def because(self, before: Values, after: Values) -> list[Because]:
        """Return the deciding criteria, given values that do not meet them and values that do."""
        return [
            Because(
                leaf.attribute,
                leaf.group_version,
                leaf.operator,
                leaf.value,
                before[leaf.position],
                after[leaf.position],
            )
            for leaf in self.tree.deciding(after)
        ]

    def fire(
        self,
        trigger: Trigger,
        target: tuple[str, str],
        attributes: dict[str, Result],
        because: list[Because],
        definitions_offset: int,
    ) -> Fired:
        """Return the firing for a target, which is an attribute key and an id.

        `attributes` are the message's attributes. `definitions_offset` is the offset of the
        definitions that were applied.
        """
        return Fired(
            name=self.name,
            version=self.version,
            intervention_id=intervention_id(self.name, self.version, trigger.event_id),
            target_key=target[0],
            target_id=target[1],
            attributes=attributes,
            trigger=trigger,
            because=because,
            definitions_offset=definitions_offset,
        )


@dataclass(frozen=True, slots=True)
class LocalRule(Rule):
    """A rule about which one profile decides alone.

    `series_ids` are the series that its criteria read; their greatest event time is its `now`.
    `told_ids` are the series that only its message contains.
    `timeless`: nothing that it reads depends on the time. `readers` read its attributes in the
    order of `tree`; `reads` are the series of each attribute, None if it has no series. `payload`
    are the labelled readers of the message's attributes.
    """

    target_key: str
    series_ids: tuple[int, ...]
    told_ids: tuple[int, ...]
    timeless: bool
    readers: tuple[Reader, ...]
    reads: tuple[int | None, ...]
    payload: tuple[tuple[str, Reader], ...]


@dataclass(frozen=True, slots=True)
class JointSide:
    """What a joint rule reads of one attribute key.

    `series_ids` are the series of the key that the criteria read; their greatest event time is the
    `now` of a part. `timeless`: nothing that is read depends on the time. `readers` read the values
    for `positions` in the tree; `told` read the values for the message.
    """

    series_ids: tuple[int, ...]
    timeless: bool
    positions: tuple[int, ...]
    readers: tuple[Reader, ...]
    told: tuple[Reader, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """An attribute of a joint rule's message: its place, and its value without a profile."""

    label: str
    key: str
    position: int
    unknown: Result


@dataclass(frozen=True, slots=True)
class JointRule(Rule):
    """A rule that reads or targets more than one attribute key.

    `rule_id` names the rule together with the attributes in its criteria and message: parts with
    the same id have the same values in the same places. `sides` are by attribute key, in order of
    name. `unknown` are the tree's values if no profile is known. `told_ids` are the series that
    only the message contains.
    """

    rule_id: int
    targets: tuple[str, ...]
    sides: Mapping[str, JointSide]
    unknown: tuple[Result, ...]
    payload: tuple[Told, ...]
    told_ids: tuple[int, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The attribute keys that it reads or targets."""
        return frozenset((*self.sides, *self.targets))


def intervention_id(name: str, version: int, event_id: str) -> str:
    """Return the UUID of the firing of a rule by an event."""
    text = f"{name}\n{version}\n{event_id}"
    digest = hashlib.sha256(text.encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))

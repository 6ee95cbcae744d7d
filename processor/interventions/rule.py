"""A rule compiled: what it reads, when it is met, and what it says when it fires.

The id of an intervention is made of the rule and the event alone, so that it is the same for every
target and every time that it is computed again.
"""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from processor.aggregates import Result
from processor.interventions.message import Because
from processor.interventions.tree import Tree, Values

# Reads an attribute of a profile at a time in ms. Any: the profile is known further up.
Reader = Callable[[Any, int], Result]


@dataclass(frozen=True, slots=True)
class FiringLimit:
    """How often a rule may fire for a target. `name` is that of its count in the profile."""

    name: int
    cooldown_ms: int
    max_fires: int | None

    def allows(self, count: int, last_ms: int, time_ms: int) -> bool:
        """Say whether it may fire at `time_ms`, after `count` firings, the last at `last_ms`."""
        if self.max_fires is not None and count >= self.max_fires:
            return False
        return not self.cooldown_ms or time_ms >= last_ms + self.cooldown_ms

    def over(self, last_ms: int, now_ms: int) -> bool:
        """Say whether the count can be forgotten: it limits no event at `now_ms` or later."""
        return self.max_fires is None and now_ms >= last_ms + self.cooldown_ms


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A published rule.

    `series_ids` are the series that its criteria read: their greatest event time is its `now`;
    `told_ids` those that only its message tells.
    `timeless`: nothing that it reads depends on the time. `readers` read its attributes in the
    order that `tree` knows them, and `reads` are the series of each, None for one that has none;
    `changes` are the positions of the attributes that must differ from what they were; `payload`
    are the labelled readers of the message's attributes. `limit` is None where firings are not
    limited.
    """

    name: str
    version: int
    target_key: str
    series_ids: tuple[int, ...]
    told_ids: tuple[int, ...]
    timeless: bool
    readers: tuple[Reader, ...]
    reads: tuple[int | None, ...]
    tree: Tree
    changes: tuple[int, ...]
    payload: tuple[tuple[str, Reader], ...]
    limit: FiringLimit | None

    def met(self, before: Values, after: Values) -> bool:
        """Say whether the criteria are met after an event; what must change is compared."""
        return self.tree.met(after) and all(before[at] != after[at] for at in self.changes)

    def because(self, before: Values, after: Values) -> list[Because]:
        """Return what decided, for values that do not meet the criteria and values that do."""
        return because(self.tree, before, after)


def because(tree: Tree, before: Values, after: Values) -> list[Because]:
    """Return which criteria decided, for values that do not meet a tree and values that do."""
    return [
        Because(
            leaf.attribute,
            leaf.group_version,
            leaf.operator,
            leaf.value,
            before[leaf.position],
            after[leaf.position],
        )
        for leaf in tree.deciding(after)
    ]


def intervention_id(name: str, version: int, event_id: str) -> str:
    """Return the UUID of a firing of the rule by the event."""
    text = f"{name}\n{version}\n{event_id}"
    digest = hashlib.sha256(text.encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))

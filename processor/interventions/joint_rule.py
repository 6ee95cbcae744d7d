"""A rule across attribute keys compiled: what it reads of each key, and when it fires."""

from collections.abc import Mapping
from dataclasses import dataclass

from processor.aggregates import Result
from processor.interventions.message import Because
from processor.interventions.rule import FiringLimit, Reader, because
from processor.interventions.tree import Tree, Values


@dataclass(frozen=True, slots=True)
class JointSide:
    """What a joint rule reads of one attribute key.

    `series_ids` are the series of the key that the criteria read: their greatest event time is the
    `now` of a part. `timeless`: nothing that is read depends on the time. `readers` read the
    values that stand at `positions` of the tree's, `told` those for the message.
    """

    series_ids: tuple[int, ...]
    timeless: bool
    positions: tuple[int, ...]
    readers: tuple[Reader, ...]
    told: tuple[Reader, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """An attribute of a joint rule's message: where its value stands, and that of no profile."""

    label: str
    key: str
    position: int
    unknown: Result


@dataclass(frozen=True, slots=True)
class JointRule:
    """A published rule that reads or targets more than one attribute key.

    `rule_id` names the rule with the attributes that it reads and tells: parts under one id have
    the same values at the same places. `sides` are by attribute key, in order of name. `unknown`
    are the tree's values where no profile is known; `changes` are the positions of attributes that
    must differ from what they were; `told_ids` are the series that only the message tells.
    """

    rule_id: int
    name: str
    version: int
    targets: tuple[str, ...]
    sides: Mapping[str, JointSide]
    tree: Tree
    changes: tuple[int, ...]
    unknown: tuple[Result, ...]
    payload: tuple[Told, ...]
    told_ids: tuple[int, ...]
    limit: FiringLimit | None

    @property
    def keys(self) -> frozenset[str]:
        """The attribute keys that it reads or targets."""
        return frozenset((*self.sides, *self.targets))

    def fires(self, before: Values, after: Values, since: Values) -> bool:
        """Say whether the criteria are met by `after` and were not by `before`.

        What must change is compared with `since`; criteria that ask for it count as not met before.
        """
        if not self.tree.met(after):
            return False
        if self.changes:
            return all(since[at] != after[at] for at in self.changes)
        return not self.tree.met(before)

    def because(self, before: Values, after: Values) -> list[Because]:
        """Return what decided, for values that do not meet the criteria and values that do."""
        return because(self.tree, before, after)

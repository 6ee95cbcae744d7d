"""Step 1: which profiles an event asks for joint rules, in addition to what it contributes.

An event concerns a joint rule if it contributes to a series that the criteria read. It then asks
all profiles that the rule reads, even those to which it contributes nothing. The rule's targets
combine the parts that these profiles send.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from processor.engine.contribution import Asks, Contribution
from processor.engine.identifiers import IdentifierReader
from processor.events import Event, Trigger
from processor.interventions import JointRule

# The joint rules whose criteria read a series, by its id.
JointsOf = Mapping[int, Sequence[JointRule]]


def joints_of(joints: Iterable[JointRule]) -> JointsOf:
    """Return the joint rules by the series that their criteria read."""
    found: dict[int, list[JointRule]] = {}
    for rule in joints:
        for side in rule.sides.values():
            for series_id in side.series_ids:
                found.setdefault(series_id, []).append(rule)
    return found


class Asking:
    """The joint rules that events of one kind can concern.

    `matched` are the attribute keys to which such events can contribute; their ids have already
    been read when `added` is called.
    """

    __slots__ = ("_joints", "_readers")

    def __init__(
        self, joints: JointsOf, readers: Mapping[str, IdentifierReader], matched: Collection[str]
    ) -> None:
        self._joints = joints
        keys = {key for rules in joints.values() for rule in rules for key in rule.keys}
        self._readers = {key: readers[key] for key in keys if key in readers and key not in matched}

    def added(
        self,
        event: Event,
        trigger: Trigger,
        contributions: list[Contribution],
        ids: dict[str, str],
        rejected: Counter[tuple[str, str]],
    ) -> list[Contribution]:
        """Return the contributions together with what the event asks, in order of key.

        `ids` are the event's ids for the matched keys.
        """
        rules = {
            rule.rule_id: rule
            for one in contributions
            for series_id, _ in one.values
            for rule in self._joints.get(series_id, ())
        }
        if not rules:
            return contributions
        for key in sorted({key for rule in rules.values() for key in rule.keys}):
            if key in self._readers:
                identifier = self._readers[key](event, rejected)
                if identifier is not None:
                    ids[key] = identifier
        found = {one.key: one for one in contributions}
        for rule_id in sorted(rules):
            _ask(rules[rule_id], trigger, ids, found)
        return [found[key] for key in sorted(found)]


def _ask(
    rule: JointRule, trigger: Trigger, ids: Mapping[str, str], found: dict[str, Contribution]
) -> None:
    """Ask every profile that the rule reads; `found` are the event's contributions by key."""
    if not any(target in ids for target in rule.targets):
        return
    mine = {key: ids[key] for key in (*rule.sides, *rule.targets) if key in ids}
    for key in rule.sides:
        if key not in ids:
            continue
        one = found.get(key)
        if one is None:
            one = found[key] = Contribution(trigger, key, ids[key], [])
        if one.asks is None:
            one.asks = Asks([rule.rule_id], dict(mine))
        else:
            one.asks.rules.append(rule.rule_id)
            one.asks.ids.update(mine)

"""Which profiles an event asks for joint rules, besides what it contributes.

An event concerns a joint rule when it contributes to a series that the criteria read. It then asks
all the profiles that the rule reads, also those to which it contributes nothing: the rule's targets
put together what they say.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from processor.engine.contribution import Asks, Contribution
from processor.engine.identifiers import identify
from processor.events import Event, PropertyReader
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

    `matched` are the attribute keys to which such events can contribute; their ids are known when
    it is asked for.
    """

    __slots__ = ("_joints", "_readers")

    def __init__(
        self, joints: JointsOf, readers: Mapping[str, PropertyReader], matched: Collection[str]
    ) -> None:
        self._joints = joints
        keys = {key for rules in joints.values() for rule in rules for key in rule.keys}
        self._readers = {key: readers[key] for key in keys if key in readers and key not in matched}

    def added(
        self,
        event: Event,
        offset: int,
        contributions: list[Contribution],
        ids: dict[str, str],
        rejected: Counter[tuple[str, str]],
    ) -> list[Contribution]:
        """Return the contributions with what the event asks, in order of key.

        `ids` are those that the event has of the keys matched.
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
                identifier = identify(key, self._readers[key](event), rejected)
                if identifier is not None:
                    ids[key] = identifier
        found = {one.key: one for one in contributions}
        for rule_id in sorted(rules):
            _ask(rules[rule_id], event, offset, ids, found)
        return [found[key] for key in sorted(found)]


def _ask(
    rule: JointRule,
    event: Event,
    offset: int,
    ids: Mapping[str, str],
    found: dict[str, Contribution],
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
            one = found[key] = Contribution(
                offset,
                key,
                ids[key],
                event.time_ms,
                event.event_id,
                event.event_name,
                event.derived_tstamp,
                [],
            )
        if one.asks is None:
            one.asks = Asks([rule.rule_id], dict(mine))
        else:
            one.asks.rules.append(rule.rule_id)
            one.asks.ids.update(mine)

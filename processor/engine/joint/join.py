"""Step 4: a part joined at its target, and whether the rule fires.

The target keeps the last part of each attribute key in an instance for each combination of ids, and
evaluates the rule with each new part.
"""

from collections.abc import Mapping, Sequence

from processor.aggregates import Result
from processor.engine.joint.instance import Heard, JointInstance, decode_heard, encode_heard
from processor.engine.joint.part import Part
from processor.engine.plan import Plan
from processor.engine.profile import Profile
from processor.interventions import Fired, JointRule, Values
from processor.limits import JOINT_BYTES_MAX, JOINT_INSTANCE_MS, JOINT_INSTANCES_MAX


def join(profile: Profile, part: Part, plan: Plan, arrived_ms: int = 0) -> Fired | None:
    """Join a part at its target, and return what fired.

    `arrived_ms` is the same as for `step`. `profile.changed` states whether there is something to
    write.
    """
    rule = plan.joints.get(part.rule)
    if rule is None or part.key not in rule.sides:
        return None
    head, trigger = profile.head, part.trigger
    head.arrival_ms = max(head.arrival_ms, trigger.arrival_ms, arrived_ms)
    mine = Heard(trigger.event_id, part.before, part.after, part.told)
    if len(rule.sides) == 1:
        return _fired(profile, rule, part, {part.key: mine}, part.before)
    instance = _instance(profile, part)
    heard = {key: decode_heard(data) for key, data in instance.heard.items()}
    known = heard.get(part.key)
    first = len(heard) < len(instance.ids)
    if first and known is not None:
        mine.before, mine.waited = known.before, True
    heard[part.key] = mine
    instance.heard[part.key] = encode_heard(mine)
    instance.time_ms = trigger.time_ms
    instance.arrival_ms = max(instance.arrival_ms, trigger.arrival_ms)
    profile.changed = True
    _drop_oldest(profile.head.joints[part.rule])
    if len(heard) < len(instance.ids) or instance.fired_event == trigger.event_id:
        return None
    before = {
        key: one.before
        if first or one is mine or (one.event_id == trigger.event_id and not one.waited)
        else one.after
        for key, one in heard.items()
    }
    lately = []
    if known is not None and not first:
        # Parts of several events can arrive interleaved: the rule must not have been met before
        # this part either, or not by the parts received until then.
        others = {key: one.after for key, one in heard.items()}
        lately = [_values(rule, {**others, part.key: one}) for one in (mine.before, known.after)]
    fired = _fired(profile, rule, part, heard, _values(rule, before), lately)
    if fired is not None:
        instance.fired_event = trigger.event_id
    return fired


def _instance(profile: Profile, part: Part) -> JointInstance:
    """Return the instance of a part, moved to the last place of its rule.

    An instance for which nothing arrived for JOINT_INSTANCE_MS has expired, whether or not a sweep
    has dropped it. A part does not expire other instances: its source partition may be ahead of
    theirs.
    """
    instances = profile.head.joints.setdefault(part.rule, [])
    found = None
    for at in range(len(instances) - 1, -1, -1):
        if instances[at].ids == part.ids:
            found = instances.pop(at)
            break
    over_ms = part.trigger.arrival_ms - JOINT_INSTANCE_MS
    if found is None or 0 <= found.arrival_ms <= over_ms:
        found = JointInstance(part.ids, {}, "", part.trigger.time_ms)
    instances.append(found)
    return found


def _drop_oldest(instances: list[JointInstance]) -> None:
    """Keep a bounded number of instances, and of bytes if they are large, but always the last."""
    del instances[:-JOINT_INSTANCES_MAX]
    if instances[-1].size > JOINT_BYTES_MAX // JOINT_INSTANCES_MAX:
        total = sum(one.size for one in instances)
        while total > JOINT_BYTES_MAX and len(instances) > 1:
            total -= instances.pop(0).size


def _values(rule: JointRule, sides: Mapping[str, Values]) -> list[Result]:
    """Return the values of the rule's tree; values of missing keys are unknown."""
    values = list(rule.unknown)
    for key, known in sides.items():
        for position, value in zip(rule.sides[key].positions, known, strict=True):
            values[position] = value
    return values


def _fired(
    profile: Profile,
    rule: JointRule,
    part: Part,
    heard: Mapping[str, Heard],
    before: Sequence[Result],
    lately: Sequence[Sequence[Result]] = (),
) -> Fired | None:
    """Return what fires if `before` did not meet the rule and the last parts now do.

    Nothing fires if all of `lately` met the rule.
    """
    after = _values(rule, {key: one.after for key, one in heard.items()})
    event = part.trigger.event_id
    since = {key: one.before if one.event_id == event else one.after for key, one in heard.items()}
    earlier = _values(rule, since) if rule.changes else after
    if not rule.fires(before, after, earlier):
        return None
    if lately and not any(rule.fires(one, after, earlier) for one in lately):
        return None
    if not rule.may_fire(profile.head.firings, part.trigger.time_ms):
        return None
    if rule.limit is not None:
        profile.changed = True
    attributes = {
        one.label: heard[one.key].told[one.position] if one.key in heard else one.unknown
        for one in rule.payload
    }
    because = rule.because(before, after)
    target = part.target_key, part.target_id
    return rule.fire(part.trigger, target, attributes, because, part.definitions_offset)

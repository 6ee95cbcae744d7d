"""What a profile says to the joint rules that an event asks it for."""

from collections.abc import Sequence

from processor.aggregates import Result
from processor.engine.contribution import Asks, Contribution, Source
from processor.engine.joint import Part
from processor.engine.plan import Plan
from processor.engine.profile import NEVER_MS, Profile
from processor.interventions import JointRule, JointSide

# A rule that is asked for, its side on the profile's key, its now there, and the values then.
Asked = tuple[JointRule, JointSide, int, list[Result]]


def read_before(
    profile: Profile, contribution: Contribution, asks: Asks, plan: Plan
) -> Sequence[Asked]:
    """Return the values of the rules asked for, before the contribution is applied."""
    seen = profile.head.seen
    asked: list[Asked] = []
    for rule_id in asks.rules:
        rule = plan.joints.get(rule_id)
        side = None if rule is None else rule.sides.get(contribution.key)
        if rule is None or side is None:
            continue
        now_ms = contribution.time_ms
        if not side.timeless:
            now_ms = max(now_ms, *(seen.get(one, NEVER_MS) for one in (*side.series_ids, 0)))
        asked.append((rule, side, now_ms, [read(profile, now_ms) for read in side.readers]))
    return asked


def make_parts(
    profile: Profile, contribution: Contribution, asked: Sequence[Asked], plan: Plan, source: Source
) -> list[Part]:
    """Return what the profile says, one part for each target, with the contribution applied.

    Of a rule that reads no other key, only what makes it fire.
    """
    parts: list[Part] = []
    asks = contribution.asks
    ids = {} if asks is None else asks.ids
    for rule, side, now_ms, before in asked:
        after = [read(profile, now_ms) for read in side.readers]
        if len(rule.sides) == 1 and not rule.fires(before, after, before):
            continue
        told = [read(profile, now_ms) for read in side.told]
        read_ids = {key: ids[key] for key in rule.sides if key in ids}
        parts += [
            Part(
                rule=rule.rule_id,
                target_key=target,
                target_id=ids[target],
                key=contribution.key,
                ids=read_ids,
                before=before,
                after=after,
                told=told,
                time_ms=contribution.time_ms,
                event_id=contribution.event_id,
                event_name=contribution.event_name,
                derived_tstamp=contribution.derived_tstamp,
                topic=source.topic,
                partition=source.partition,
                offset=contribution.offset,
                definitions_offset=plan.definitions_offset,
            )
            for target in rule.targets
            if target in ids
        ]
    return parts

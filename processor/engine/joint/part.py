"""Step 2: the part that one profile sends to a joint rule about one event.

It has the attributes that the rule reads from the profile, without the event and with it. The body
of a part's record (processor/formats.py) is the msgpack of the array [rule, target key, target id,
key, ids, before, after, told, event time, event id, event name, derived_tstamp, source topic,
source partition, source offset, definitions offset, arrival]. At format level 1, the last element
is missing.
"""

from collections.abc import Sequence

import msgspec
from xxhash import xxh3_64_hexdigest

from processor.aggregates import Result
from processor.engine.contribution import Asks, Contribution
from processor.engine.joint.instance import StoredValues, storable, stored_integer
from processor.engine.plan import Plan
from processor.engine.profile import NEVER_MS, Profile
from processor.events import Source, Trigger
from processor.formats import FIRST_LEVEL, Kind, RecordReader
from processor.interventions import JointRule, JointSide
from processor.limits import PART_BYTES_MAX

# Fields of the record at level 1.
_FIELDS_1 = 16
# A rule that is asked for, its side for the profile's key, its `now` there, and the values then.
Asked = tuple[JointRule, JointSide, int, list[Result]]


class Part(msgspec.Struct):
    """What the profile of `key` sends to a joint rule about one event, for one target.

    `rule` is the rule's id. `ids` are the event's ids for the keys that the rule reads. `before`
    and `after` are the rule's attributes of this key without the event and with it; `told` are the
    message's attributes with it. `definitions_offset` is the offset of the definitions applied.
    """

    rule: int
    target_key: str
    target_id: str
    key: str
    ids: dict[str, str]
    before: StoredValues
    after: StoredValues
    told: StoredValues
    trigger: Trigger
    definitions_offset: int


# --- what a profile sends -----------------------------------------------------------------------


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
        now_ms = contribution.trigger.time_ms
        if not side.timeless:
            now_ms = max(now_ms, *(seen.get(one, NEVER_MS) for one in (*side.series_ids, 0)))
        asked.append((rule, side, now_ms, [read(profile, now_ms) for read in side.readers]))
    return asked


def make_parts(
    profile: Profile, contribution: Contribution, asked: Sequence[Asked], plan: Plan
) -> list[Part]:
    """Return what the profile sends after the contribution is applied, one part for each target.

    For a rule that reads no other key, return only parts that make it fire.
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
                trigger=contribution.trigger,
                definitions_offset=plan.definitions_offset,
            )
            for target in rule.targets
            if target in ids
        ]
    return parts


# --- its bytes ----------------------------------------------------------------------------------


class _Stored(msgspec.Struct, array_like=True):
    """The record of a part."""

    rule: int
    target_key: str
    target_id: str
    key: str
    ids: dict[str, str]
    before: StoredValues
    after: StoredValues
    told: StoredValues
    time_ms: int
    event_id: str
    event_name: str
    derived_tstamp: str
    topic: str
    partition: int
    offset: int
    definitions_offset: int
    arrival_ms: int = 0


def encode_part(part: Part, level: int) -> bytes:
    """Return the message value of a part at a format level.

    If the part is larger than PART_BYTES_MAX, lists and maps are left out. For the criteria, which
    test only whether a value exists and whether it changed, a list of the value's hash replaces it.
    For the message, null replaces it.
    """
    encoded = _encoded(part, level)
    if len(encoded) <= PART_BYTES_MAX:
        return encoded
    return _encoded(
        msgspec.structs.replace(
            part,
            before=[_hashed(value) for value in part.before],
            after=[_hashed(value) for value in part.after],
            told=[None if isinstance(value, list | dict) else value for value in part.told],
        ),
        level,
    )


def _encoded(part: Part, level: int) -> bytes:
    try:
        return Kind.PART.seal(_encoder.encode(_fields(part, level)), level)
    except OverflowError:  # a sum of integers can be larger than 64 bits
        lists = {name: storable(getattr(part, name)) for name in ("before", "after", "told")}
        storable_part = msgspec.structs.replace(part, **lists)
        return Kind.PART.seal(_encoder.encode(_fields(storable_part, level)), level)


def _fields(part: Part, level: int) -> tuple[object, ...]:
    trigger = part.trigger
    fields = (
        part.rule, part.target_key, part.target_id, part.key, part.ids, part.before, part.after,
        part.told, trigger.time_ms, trigger.event_id, trigger.event_name, trigger.derived_tstamp,
        trigger.source.topic, trigger.source.partition, trigger.offset, part.definitions_offset,
        trigger.arrival_ms,
    )  # fmt: skip
    return fields[:_FIELDS_1] if level == FIRST_LEVEL else fields


def _hashed(value: Result) -> Result:
    if not isinstance(value, list | dict):
        return value
    return [xxh3_64_hexdigest(_encoder.encode(value))] if value else []


def decode_part(data: bytes) -> Part:
    """Return the part of a message value of any level.

    Raises:
        StateFormatError: wrong magic or format number, wrong checksum, or broken msgpack.
    """
    stored = _reader.read(data)
    return Part(
        stored.rule, stored.target_key, stored.target_id, stored.key, stored.ids,
        stored.before, stored.after, stored.told,
        Trigger(
            stored.event_id, stored.event_name, stored.derived_tstamp,
            Source(stored.topic, stored.partition), stored.offset, stored.time_ms,
            stored.arrival_ms,
        ),
        stored.definitions_offset,
    )  # fmt: skip


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored, ext_hook=stored_integer)
_reader = RecordReader({Kind.PART: _decoder.decode})

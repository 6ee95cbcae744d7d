"""Parts of joint rules, and how a target joins them.

A part is what one profile says to a rule about an event: the attributes that the rule reads of it,
without the event and with it. The target keeps the last part of each attribute key in an instance
for each combination of ids, and looks at the rule with each new one. Format of a part:

    1 byte   magic 0xA8
    1 byte   format number, now 1
    rest     msgpack: the array of the fields of Part
"""

from collections.abc import Mapping, Sequence

import msgspec
from xxhash import xxh3_64_hexdigest

from processor.aggregates import Result
from processor.engine.firings import may_fire
from processor.engine.joint_instance import (
    Heard,
    JointInstance,
    StoredValues,
    decode_heard,
    encode_heard,
    storable,
    stored_integer,
)
from processor.engine.plan import Plan
from processor.engine.profile import Profile
from processor.errors import StateFormatError
from processor.interventions import Fired, JointRule, Trigger, Values, intervention_id
from processor.limits import JOINT_BYTES_MAX, JOINT_INSTANCES_MAX, PART_BYTES_MAX

MAGIC = 0xA8
FORMAT = 1
_HEADER = bytes((MAGIC, FORMAT))


class Part(msgspec.Struct, array_like=True):
    """What the profile of `key` says to a joint rule about one event, for one target.

    `rule` is the rule's id; `ids` are those of the event for the keys that the rule reads. `before`
    and `after` are the rule's attributes of this key without the event and with it, `told` those of
    the message with it. The rest is the event's, and the offset of the definitions applied.
    """

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


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Part, ext_hook=stored_integer)


def encode_part(part: Part) -> bytes:
    """Return the message value of a part.

    Of one of more than PART_BYTES_MAX the lists and maps are left out: for the criteria, which ask
    only whether there is one and whether it changed, stands a list of its hash, and null for the
    message.
    """
    encoded = _encoded(part)
    if len(encoded) <= PART_BYTES_MAX:
        return encoded
    return _encoded(
        msgspec.structs.replace(
            part,
            before=[_hashed(value) for value in part.before],
            after=[_hashed(value) for value in part.after],
            told=[None if isinstance(value, list | dict) else value for value in part.told],
        )
    )


def _encoded(part: Part) -> bytes:
    try:
        return _HEADER + _encoder.encode(part)
    except OverflowError:  # a sum of integers can be larger than 64 bits
        lists = {name: storable(getattr(part, name)) for name in ("before", "after", "told")}
        return _HEADER + _encoder.encode(msgspec.structs.replace(part, **lists))


def _hashed(value: Result) -> Result:
    if not isinstance(value, list | dict):
        return value
    return [xxh3_64_hexdigest(_encoder.encode(value))] if value else []


def decode_part(data: bytes) -> Part:
    """Return the part of a message value.

    Raises:
        StateFormatError: another magic or format number, or broken msgpack.
    """
    if len(data) < len(_HEADER):
        message = f"a part of {len(data)} bytes is too short"
        raise StateFormatError(message)
    if data[: len(_HEADER)] != _HEADER:
        message = f"a part of format {data[0]:#04x}/{data[1]} is not {MAGIC:#04x}/{FORMAT}"
        raise StateFormatError(message, hint="was the topic written by a newer version?")
    try:
        return _decoder.decode(memoryview(data)[len(_HEADER) :])
    except (msgspec.DecodeError, ValueError) as error:
        message = "a part is not what its header says"
        raise StateFormatError(message, detail=str(error)) from error


def join(profile: Profile, part: Part, plan: Plan) -> Fired | None:
    """Take a part at its target, and return what fired.

    `profile.changed` says whether there is something to be written.
    """
    rule = plan.joints.get(part.rule)
    if rule is None or part.key not in rule.sides:
        return None
    mine = Heard(part.event_id, part.before, part.after, part.told)
    if len(rule.sides) == 1:
        return _fired(profile, rule, part, {part.key: mine}, part.before)
    instance = _instance(profile, part)
    heard = {key: decode_heard(data) for key, data in instance.heard.items()}
    known = heard.get(part.key)
    first = len(heard) < len(instance.ids)
    if first and known is not None:
        mine.before = known.before
    heard[part.key] = mine
    instance.heard[part.key] = encode_heard(mine)
    instance.time_ms = part.time_ms
    profile.changed = True
    _drop_oldest(profile.head.joints[part.rule])
    if len(heard) < len(instance.ids) or instance.fired_event == part.event_id:
        return None
    before = _values(
        rule, {key: one.before if first or one is mine else one.after for key, one in heard.items()}
    )
    fired = _fired(profile, rule, part, heard, before)
    if fired is not None:
        instance.fired_event = part.event_id
    return fired


def _instance(profile: Profile, part: Part) -> JointInstance:
    """Return the instance of a part, now the last of its rule."""
    instances = profile.head.joints.setdefault(part.rule, [])
    for at in range(len(instances) - 1, -1, -1):
        if instances[at].ids == part.ids:
            instance = instances.pop(at)
            break
    else:
        instance = JointInstance(part.ids, {}, "", part.time_ms)
    instances.append(instance)
    return instance


def _drop_oldest(instances: list[JointInstance]) -> None:
    """Keep so many instances, and of large ones so many bytes, and the last one in any case."""
    del instances[:-JOINT_INSTANCES_MAX]
    if instances[-1].size > JOINT_BYTES_MAX // JOINT_INSTANCES_MAX:
        total = sum(one.size for one in instances)
        while total > JOINT_BYTES_MAX and len(instances) > 1:
            total -= instances.pop(0).size


def _values(rule: JointRule, sides: Mapping[str, Values]) -> list[Result]:
    """Return the values of the rule's tree; those of keys that are not there are unknown."""
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
) -> Fired | None:
    """Return what fires if the rule was not met by `before` and is by what was heard last."""
    after = _values(rule, {key: one.after for key, one in heard.items()})
    event = part.event_id
    since = {key: one.before if one.event_id == event else one.after for key, one in heard.items()}
    if not rule.fires(before, after, _values(rule, since) if rule.changes else after):
        return None
    if not may_fire(profile.head, rule.limit, part.time_ms):
        return None
    if rule.limit is not None:
        profile.changed = True
    return Fired(
        name=rule.name,
        version=rule.version,
        intervention_id=intervention_id(rule.name, rule.version, event),
        target_key=part.target_key,
        target_id=part.target_id,
        attributes={
            one.label: heard[one.key].told[one.position] if one.key in heard else one.unknown
            for one in rule.payload
        },
        fired_at_ms=part.time_ms,
        trigger=Trigger(
            event,
            part.event_name,
            part.derived_tstamp,
            part.topic,
            part.partition,
            part.offset,
        ),
        because=rule.because(before, after),
        definitions_offset=part.definitions_offset,
    )

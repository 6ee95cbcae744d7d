"""The verifier follows the rules topic, and finds what is wrong with its parts."""

import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.model.joint import Part
from tests.model.messages import ProfileId
from tests.model.naive import Model
from tests.model.part_log import HEADER_1, HEADER_2, PartLog, SentPart, decode_part
from tests.model.test_joint import EVENTS, GROUPS, Run, joint, leaf
from tests.model.topic_reader import Record, Records
from tests.model.verifier import Evidence, Report, check

TOPIC = "enriched"
RULES = [
    joint(leaf("u:all", ">=", 2), leaf("s:views", "<", 9), name="first"),
    joint(leaf("u:title", "is null"), leaf("s:all", "=", 2), name="second"),
]
NUMBERS = {("first", 1): 2**62 + 1, ("second", 1): 5}
PARTITIONS = {"domain_userid": 0, "domain_sessionid": 1}
LINES = Run(RULES[0], EVENTS).lines


def new_model() -> Model:
    return Model([*GROUPS, *RULES])


def sent() -> list[Part]:
    """The parts of three events, the session's of each first."""
    model = new_model()
    for offset, line in enumerate(LINES):
        owners = list(model.contributions(line))
        model.apply(line, TOPIC, 0, offset, owners)
    return model.sent


def as_sent(part: Part) -> SentPart:
    event, source = part.event, part.source
    return SentPart(
        NUMBERS[part.rule.id],
        *part.target,
        part.key,
        part.ids,
        *([*values.values()] for values in (part.before, part.after, part.told)),
        *(event.time_ms, event.event_id, event.event_name, event.derived_tstamp),
        *(source["topic"], source["partition"], source["offset"]),
        definitions_offset=7,
    )


def topic_of(parts: list[SentPart]) -> Records:
    found: Records = {0: [], 1: []}
    for part in parts:
        records = found[PARTITIONS[part.target_key]]
        # Markers of transactions take offsets too.
        body = msgspec.msgpack.encode(part)
        header = HEADER_2.pack(0xA8, 2, zlib.crc32(body)) if len(records) % 2 else HEADER_1
        value = header + body
        records.append(Record(3 * len(records), part.target_id.encode(), value))
    return found


def fired(parts: list[Part]) -> list[Record]:
    """The messages of targets that get the parts in this order."""
    targets = new_model().targets
    messages = [targets.join(part) for part in parts]
    return [
        Record(offset, message["data"]["target_attribute_key"]["id"].encode(), with_offset(message))
        for offset, message in enumerate(one for one in messages if one is not None)
    ]


def with_offset(message: dict[str, Any]) -> bytes:
    data = message["data"] | {"definitions_offset": 3}
    return msgspec.json.encode({**message, "data": data})


def verified(
    order: Callable[[list[Part]], list[Part]] = list,
    change: Callable[[list[SentPart]], list[SentPart]] = list,
) -> Report:
    parts = order(sent())
    interventions = {0: fired(parts)}
    topic = topic_of(change([as_sent(one) for one in parts]))
    source = {0: [Record(offset, None, line) for offset, line in enumerate(LINES)]}
    return check(
        Evidence(TOPIC, source, interventions, parts=topic), new_model(), {}, read_now_ms=0
    )


def by_sender(parts: list[Part]) -> list[Part]:
    """First all parts of the user, then those of the session."""
    return sorted(parts, key=lambda one: one.key, reverse=True)


@pytest.mark.parametrize("order", [list, by_sender])
def test_a_right_run_has_no_differences(order: Callable[[list[Part]], list[Part]]) -> None:
    report = verified(order)
    assert report.differences == []
    assert (report.parts, report.joint_interventions) == (24, report.interventions)
    assert report.interventions >= 2


def test_the_order_of_parts_decides_what_fires() -> None:
    assert {str(one) for one in fired(sent())} != {str(one) for one in fired(by_sender(sent()))}


def replaced(number: int, **changes: Any) -> Callable[[list[SentPart]], list[SentPart]]:
    def change(parts: list[SentPart]) -> list[SentPart]:
        found = list(parts)
        found[number] = msgspec.structs.replace(found[number], **changes)
        return found

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts[:-1],
        lambda parts: [*parts, parts[-1]],
        replaced(20, after=[9]),
        replaced(20, told=[]),
        replaced(20, time_ms=5),
        replaced(20, topic="other"),
        replaced(20, offset=0),
        replaced(20, ids={"domain_userid": "u1", "domain_sessionid": "s2"}),
        replaced(20, rule=5 if sent()[20].rule.id == ("first", 1) else 2**62 + 1),
    ],
    ids=["missing", "twice", "after", "told", "time", "topic", "event", "ids", "rule"],
)
def test_a_wrong_part_is_found(change: Callable[[list[SentPart]], list[SentPart]]) -> None:
    assert any("part (0, " in one for one in verified(change=change).differences)


def test_a_target_in_two_partitions_is_found() -> None:
    parts = sent()
    topic = topic_of([as_sent(one) for one in parts])
    moved = topic[0].pop()
    topic[1].append(moved)
    log = PartLog(TOPIC, parts)
    assert len(list(log.read(topic))) == len(parts)
    target: ProfileId = ("domain_userid", "u1")
    assert log.problems == [f"{target} gets parts in 0 and 1"]


@pytest.mark.parametrize(
    "value", [b"", b"\xa8\x02\x90", b"\xa8\x03\x90", b"\xf7\x01\x90", b"\xa8\x01\x90"]
)
def test_bytes_that_are_no_part_are_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"part|array"):
        decode_part(value)

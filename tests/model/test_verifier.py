"""The verifier takes what counts from the frames, and finds what is wrong with a run."""

import json
import struct
import uuid
import zlib
from typing import Any

import msgspec
import pytest

from tests.model.contribution_log import ContributionLog, decode_frame
from tests.model.enriched import COLUMNS
from tests.model.naive import Model
from tests.model.topic_reader import Record
from tests.model.verifier import Evidence, Report, check

TOPIC, TOPIC_ID = "enriched", "gn7KJ0sXRyaMTBA1-Xq7bA"
MINUTE = "2026-01-01 00:00:"
MINUTE_MS = 1_767_225_600_000
# The view of the first second has just left the window of a minute.
NOW_MS = MINUTE_MS + 61_000
GROUP: dict[str, Any] = {
    "name": "views",
    "version": 1,
    "attribute_key": {"name": "domain_userid"},
    "is_published": True,
    "attributes": [
        {"name": "count", "type": "int32", "aggregation": "counter", "events": []},
        {
            "name": "recent",
            "type": "int32",
            "aggregation": "counter",
            "events": [],
            "period": "PT1M",
            "default_value": 0,
        },
    ],
}
RULE = {
    "name": "second_view",
    "version": 1,
    "is_published": True,
    "criteria": {"attribute": "views:count", "operator": ">=", "value": 2},
}


def line(number: int, user: str = "u1") -> bytes:
    columns = dict.fromkeys(COLUMNS, "")
    columns |= {"event_id": str(uuid.UUID(int=number)), "domain_userid": user}
    columns |= {"event_name": "page_view", "collector_tstamp": f"{MINUTE}{number:02d}.000"}
    return "\t".join(columns.values()).encode()


def contribution(offset: int, user: str = "u1", number: int | None = None) -> list[Any]:
    number = offset if number is None else number
    time_ms = MINUTE_MS + number * 1_000
    event_id = str(uuid.UUID(int=number))
    return [offset, "domain_userid", user, time_ms, event_id, "page_view", "", [[7, None]]]


def frame(*sections: list[Any]) -> bytes:
    body = msgspec.msgpack.encode(list(sections))
    return struct.pack(">BBI", 0xF7, 1, zlib.crc32(body)) + body


def section(
    sequence: int, *offsets: int, epoch: int = 10, partition: int = 0, user: str = "u1"
) -> list[Any]:
    contributions = [contribution(one, user) for one in offsets]
    return [TOPIC_ID, partition, 3, epoch, sequence, contributions]


def offsets_of(log: ContributionLog, *frames: bytes) -> list[tuple[int, int]]:
    return [(one.partition, it.offset) for value in frames for one, it in log.read(value)]


def test_sections_of_a_frame_are_applied_in_order() -> None:
    log = ContributionLog(0)
    found = offsets_of(
        log, frame(section(0, 4, 5), section(0, 1, partition=2)), frame(section(1, 9))
    )
    assert found == [(0, 4), (0, 5), (2, 1), (0, 9)]
    assert (log.applied, log.replayed, log.dropped, log.problems) == (4, 0, 0, [])


def test_replayed_offsets_of_a_newer_epoch_are_skipped() -> None:
    log = ContributionLog(0)
    found = offsets_of(log, frame(section(0, 1, 2)), frame(section(0, 1, 2, 3, epoch=11)))
    assert found == [(0, 1), (0, 2), (0, 3)]
    assert (log.applied, log.replayed, log.dropped, log.problems) == (3, 2, 0, [])


def test_sections_of_an_older_epoch_are_dropped() -> None:
    log = ContributionLog(0)
    found = offsets_of(
        log, frame(section(0, 1)), frame(section(0, 2, epoch=11)), frame(section(1, 3))
    )
    assert found == [(0, 1), (0, 2)]
    assert (log.applied, log.replayed, log.dropped, log.problems) == (2, 0, 1, [])


def test_an_older_epoch_of_another_source_partition_is_not_dropped() -> None:
    log = ContributionLog(0)
    assert offsets_of(log, frame(section(0, 1, epoch=11), section(0, 1, partition=1))) == [
        (0, 1),
        (1, 1),
    ]


def test_all_contributions_of_one_event_are_applied() -> None:
    both = section(0, 1)
    both[5].append(contribution(1, "u2"))
    log = ContributionLog(0)
    assert [it.id for _, it in log.read(frame(both))] == ["u1", "u2"]
    assert log.replayed == 0


@pytest.mark.parametrize(
    "sequences", [(1,), (0, 2), (0, 0)], ids=["not from zero", "a gap", "one number twice"]
)
def test_a_break_in_the_sequence_is_a_problem(sequences: tuple[int, ...]) -> None:
    log = ContributionLog(5)
    offsets_of(log, *(frame(section(one, 10 * at)) for at, one in enumerate(sequences)))
    assert len(log.problems) == 1
    assert "partition 5" in log.problems[0]


def test_a_new_epoch_counts_from_zero() -> None:
    log = ContributionLog(0)
    offsets_of(log, frame(section(0, 1)), frame(section(1, 2, epoch=11)))
    assert len(log.problems) == 1


def test_offsets_that_go_back_within_a_section_are_a_problem() -> None:
    log = ContributionLog(0)
    offsets_of(log, frame(section(0, 5, 4)))
    assert len(log.problems) == 1


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xf8" + frame(section(0, 1))[1:],
        b"\xf7\x03" + frame(section(0, 1))[2:],
        frame(section(0, 1))[:-1] + b"\x00",
    ],
    ids=["empty", "magic", "format", "checksum"],
)
def test_bytes_that_are_no_frame_are_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"frame|checksum"):
        decode_frame(value)


def test_a_contribution_of_format_2_has_the_time_of_its_arrival() -> None:
    newer = section(0, 1)
    newer[5][0] += [None, MINUTE_MS + 5]
    found = decode_frame(b"\xf7\x02" + frame(newer)[2:])
    assert found[0].contributions[0].arrival_ms == MINUTE_MS + 5
    assert decode_frame(frame(section(0, 1)))[0].contributions[0].arrival_ms is None


# --- whole runs -----------------------------------------------------------------------------------
# Source: u2 once, u1 three times, the last of them twice, and a line that is no event. The rule
# fires at u1's second view, whose id stands here as sha256sum gives it.

FIRED = {
    "schema": "iglu:io.processor/intervention/jsonschema/1-0-0",
    "data": {
        "intervention_id": "0a5222fc-26c4-54a2-9a49-ecb00a52ee5f",
        "name": "second_view",
        "version": 1,
        "origin": "rule",
        "target_attribute_key": {"name": "domain_userid", "id": "u1"},
        "attributes": {"views:count": 2, "views:recent": 2},
        "fired_at": "2026-01-01T00:00:02.000Z",
        "trigger": {
            "event_id": "00000000-0000-0000-0000-000000000002",
            "event_name": "page_view",
            "derived_tstamp": None,
            "topic": TOPIC,
            "partition": 0,
            "offset": 2,
        },
        "because": [
            {
                "attribute": "views:count",
                "group_version": 1,
                "operator": ">=",
                "value": 2,
                "before": 1,
                "after": 2,
            }
        ],
        "definitions_offset": 3,
    },
}
FRAMES = [
    frame(section(0, 0, user="u2"), section(1, 1, 2)),
    frame(section(0, 2, 3, epoch=11)),
    frame(section(2, 9)),
    frame([TOPIC_ID, 0, 3, 11, 1, [contribution(4, number=3)]]),
]


def records(*values: bytes, key: bytes | None = None) -> list[Record]:
    return [Record(offset, key, value) for offset, value in enumerate(values)]


def run(
    *,
    fired: list[Any] | None = None,
    attributes: dict[str, Any] | None = None,
    frames: dict[int, list[bytes]] | None = None,
    read_now_ms: int | tuple[int, int] = NOW_MS,
) -> Report:
    source = records(line(0, "u2"), line(1), line(2), line(3), line(3), b"no event")
    messages = [FIRED] if fired is None else fired
    sent = records(*(json.dumps(one).encode() for one in messages), key=b"u1")
    log = frames and {partition: records(*values) for partition, values in frames.items()}
    evidence = Evidence(TOPIC, {0: source}, {0: sent}, log, TOPIC_ID)
    found = {("domain_userid", "u1"): attributes or {"count": 3, "views_v1:recent": 2}}
    return check(evidence, Model([GROUP, RULE]), found, read_now_ms)


def with_data(**changes: Any) -> dict[str, Any]:
    return {**FIRED, "data": {**FIRED["data"], **changes}}


def test_a_right_run_has_no_differences_in_source_order() -> None:
    report = run()
    assert report.differences == []
    assert (report.events, report.malformed) == (6, {"column_count": 1})
    assert (report.profiles, report.applied, report.duplicates) == (2, 5, 1)
    assert (report.interventions, report.attributes_compared) == (1, 2)


def test_a_right_run_has_no_differences_in_the_order_of_contributions() -> None:
    report = run(frames={0: FRAMES})
    assert report.differences == []
    assert (report.applied, report.replayed, report.dropped, report.duplicates) == (5, 1, 1, 1)


@pytest.mark.parametrize(
    "attributes",
    [{"count": 4}, {"count": None}, {"count": True}, {"views_v1:recent": 3}, {"other": 1}],
    ids=str,
)
def test_a_wrong_attribute_is_found(attributes: dict[str, Any]) -> None:
    assert len(run(attributes=attributes).differences) == 1


def test_a_read_may_have_happened_at_any_moment_between_two_times() -> None:
    between = (NOW_MS, NOW_MS + 1_000)
    assert run(attributes={"recent": 1}, read_now_ms=between).differences == []
    assert run(attributes={"recent": 0}, read_now_ms=between).difference_count == 1
    assert run(attributes={"recent": 3}, read_now_ms=between).difference_count == 1


def test_a_time_since_an_event_may_have_grown_between_two_times() -> None:
    since = {"name": "idle", "type": "double", "aggregation": "time_since_last", "time_unit": "s"}
    model = Model([{**GROUP, "attributes": [{**since, "events": []}]}])
    source = {0: records(line(0))}

    def differences(value: float, read_now_ms: tuple[int, int]) -> int:
        found = {("domain_userid", "u1"): {"idle": value}}
        evidence = Evidence(TOPIC, source, {})
        return check(evidence, Model(model.definitions), found, read_now_ms).difference_count

    between = (NOW_MS, NOW_MS + 500)
    assert [differences(value, between) for value in (61.0, 61.25, 61.5)] == [0, 0, 0]
    assert [differences(value, between) for value in (60.999, 61.501)] == [1, 1]


@pytest.mark.parametrize(
    ("fired", "count"),
    [
        ([], 1),
        ([FIRED, FIRED], 1),
        ([FIRED, with_data(name="other")], 1),
        ([with_data(attributes={"views:count": 2})], 2),
        ([with_data(because=[])], 2),
        ([with_data(trigger={**FIRED["data"]["trigger"], "offset": 1})], 2),
        ([with_data(target_attribute_key={"name": "domain_userid", "id": "u2"})], 3),
    ],
    ids=["missing", "twice", "another", "attributes", "because", "trigger", "target and key"],
)
def test_a_wrong_intervention_is_found(fired: list[Any], count: int) -> None:
    assert run(fired=fired).difference_count == count


def test_the_offset_of_the_definitions_is_not_compared() -> None:
    assert run(fired=[with_data(definitions_offset=77)]).differences == []


def test_a_lost_contribution_is_found() -> None:
    report = run(frames={0: FRAMES[:3]})
    assert report.differences == ["contribution of (0, 4) to ('domain_userid', 'u1'): missing"]


def test_a_contribution_that_no_event_made_is_found() -> None:
    assert run(frames={0: [*FRAMES, frame(section(2, 8, epoch=11))]}).difference_count == 1


def test_a_contribution_with_a_wrong_time_is_found() -> None:
    wrong = contribution(4, number=3)
    wrong[3] += 1
    report = run(frames={0: [*FRAMES[:3], frame([TOPIC_ID, 0, 3, 11, 1, [wrong]])]})
    assert report.difference_count == 2


def test_a_contribution_of_another_topic_is_found() -> None:
    report = run(frames={0: [*FRAMES, frame(["other", 0, 3, 1, 0, [contribution(0, "u2")]])]})
    assert report.difference_count == 1


def test_a_profile_in_two_partitions_is_found() -> None:
    report = run(frames={0: FRAMES[:3], 1: [frame(section(0, 4))]})
    assert any("partitions 0 and 1" in one for one in report.differences)


def test_frames_that_were_deleted_before_they_were_read_are_found() -> None:
    source = {0: records(line(0))}
    late = {0: [Record(5, None, frame(section(0, 0)))]}
    evidence = Evidence(TOPIC, source, {}, late, TOPIC_ID)
    report = check(evidence, Model([GROUP, RULE]), {}, NOW_MS)
    assert any("first frame" in one for one in report.differences)


def test_the_order_of_contributions_decides_what_fires() -> None:
    source = {0: records(line(1)), 1: records(line(2))}
    evidence = Evidence(TOPIC, source, {}, {0: records(TWO_PARTITIONS)}, TOPIC_ID)
    report = check(evidence, Model([GROUP, RULE]), {}, NOW_MS)
    (missing,) = report.differences
    assert '"event_id": "00000000-0000-0000-0000-000000000001"' in missing


TWO_PARTITIONS = frame(
    [TOPIC_ID, 1, 3, 10, 0, [contribution(0, number=2)]],
    [TOPIC_ID, 0, 3, 10, 0, [contribution(0, number=1)]],
)


def test_source_order_needs_each_profile_in_one_partition() -> None:
    source = {0: records(line(1)), 1: records(line(2))}
    report = check(Evidence(TOPIC, source, {}), Model([GROUP]), {}, NOW_MS)
    assert any("unknown order" in one for one in report.differences)

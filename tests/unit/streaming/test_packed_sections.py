"""A packed record whose events contribute more to one target than fits a frame."""

import json
import struct
import uuid
from pathlib import Path
from typing import Any

import cramjam
import pytest
from msgspec.structs import replace

from definitions.catalog import Catalog
from definitions.records import from_record
from processor.engine import compile_plan, read_attributes
from processor.engine.counted_events import CountedEvents
from processor.events.columns import ATOMIC_COLUMNS
from processor.events.timestamp import timestamp_text
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.kafka.partitioner import Partitioner
from processor.limits import FRAME_BYTES_MAX
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.state import RocksDBStore
from processor.streaming.fetch.gates import Gate
from processor.streaming.fetch.group_look import GroupLook
from processor.streaming.messages.frames import Section, decode_frame, encode_frame, encode_section
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_stage import ProfileStage
from processor.streaming.profiles.profile_table import ProfileTable, record_prefix
from processor.streaming.slices import Slices
from processor.streaming.source.backlog import Backlog
from processor.streaming.source.source_partition import SourcePartition
from processor.streaming.source.source_stage import SourceStage
from tests.unit.streaming.fakes import FakeDefinitions, FakeSender, owned
from tests.unit.streaming.fakes import record as record_of

SETTINGS = Settings(_env_file=None)
DAY_MS = 86_400_000
NOW_MS = 1_790_000_000_000
SERIES = 20
EVENTS = 16_000
USERS = 5
GROUP = {
    "name": "g", "version": 1, "attribute_key": {"name": "user_id"}, "owner": "a@example.com",
    "is_published": True,
    "attributes": [
        {
            "name": f"a{number}", "type": "int32", "aggregation": "counter",
            "events": [{"name": "page_view"}],
            "criteria": {"all": [{
                "property": {"type": "atomic", "name": "page_urlpath"},
                "operator": "!=", "value": f"x{number}",
            }]},
        }
        for number in range(SERIES)
    ],
}  # fmt: skip
PLAN = compile_plan(
    Catalog.empty().with_objects([from_record("attribute_group/g/1", json.dumps(GROUP).encode())])
)


def event(number: int) -> bytes:
    columns = dict.fromkeys(ATOMIC_COLUMNS, "") | {
        "event_id": str(uuid.UUID(int=number)),
        "user_id": f"warehouse-{number % USERS}",
        "collector_tstamp": timestamp_text(NOW_MS),
        "event_vendor": "com.snowplowanalytics.snowplow",
        "event_name": "page_view",
        "page_urlpath": "/p",
        "event_format": "jsonschema",
        "event_version": "1-0-0",
    }
    return "\t".join(columns.values()).encode()


def packed(events: list[bytes]) -> bytes:
    body = b"\1\1" + b"".join(struct.pack(">I", len(one)) + one for one in events)
    return bytes(cramjam.zstd.compress(body))


async def sections_of(value: bytes, offset: int, level: int) -> tuple[list[Section], list[Any]]:
    """The sections, and the dead letters, that a stage writes of one record; it has one target."""
    sent = FakeSender()
    backlog = Backlog(SETTINGS, GroupLook(SETTINGS))
    stage = SourceStage(FakeDefinitions(PLAN), Partitioner(1), SETTINGS, sent, Slices(), backlog)
    gate = Gate("enriched", 0, 1, "m", level)
    gate.opens_at(offset)
    stage.partitions.running[0] = SourcePartition(gate, "t", 1, offset)
    fetched = record_of(offset, value, NOW_MS, 1)
    await stage.process(gate.run([fetched], offset + 1))
    stage._writer.send_all()
    frames = sent.values.get(SETTINGS.contributions_topic, [])
    letters = sent.values.get(SETTINGS.dead_letter_topic, [])
    assert all(len(frame) <= FRAME_BYTES_MAX for frame in frames)
    return [one for frame in frames for one in decode_frame(frame, "enriched")], letters


@pytest.fixture(scope="module")
def record() -> bytes:
    return packed([event(number) for number in range(EVENTS)])


async def test_its_events_are_cut_into_sections_and_none_is_lost(record: bytes) -> None:
    sections, letters = await sections_of(record, 7, NEWEST_LEVEL)
    assert not letters
    found = [one for section in sections for one in section.contributions]
    assert [one.trigger.event_id for one in found] == [str(uuid.UUID(int=n)) for n in range(EVENTS)]
    assert [section.sequence for section in sections] == list(range(len(sections)))
    assert [section.unfinished for section in sections] == [True] * (len(sections) - 1) + [False]
    assert len(sections) > 1


async def test_beside_a_worker_of_the_first_version_it_is_a_dead_letter(record: bytes) -> None:
    sections, letters = await sections_of(record, 7, FIRST_LEVEL)
    assert not sections
    assert [json.loads(one)["reason"] for one in letters] == ["too_large"]


class Target:
    """The partition of profiles to which all goes."""

    def __init__(self, path: Path) -> None:
        table = ProfileTable(RocksDBStore(path), Positions())
        table.counted = CountedEvents(DAY_MS, bytes_max=2**30)
        self.own = owned(table)
        self._stage = ProfileStage(SETTINGS, FakeDefinitions(PLAN), Partitioner(1))

    async def apply(self, sections: list[Section]) -> None:
        """Apply frames of one section each; how far it has come is stored and read after each."""
        table = self.own.table
        for section in sections:
            offset = table.positions.next_offsets[ProfileInput.CONTRIBUTIONS]
            value = encode_frame([encode_section(section, NEWEST_LEVEL)], NEWEST_LEVEL)
            frame = record_of(offset, value, NOW_MS)
            run = self.own.gates[ProfileInput.CONTRIBUTIONS].run([frame], offset + 1)
            await self._stage.apply(self.own, run)
            table.positions = Positions.decode(table.positions.encode(NEWEST_LEVEL))

    def counted(self) -> int:
        """How many events the profiles have counted."""
        attributes = PLAN.group_attributes("g")
        profiles = [
            self.own.table.profile(record_prefix("user_id", f"warehouse-{number}"))
            for number in range(USERS)
        ]
        return sum(
            sum(read_attributes(one, attributes, NOW_MS).values()) for one in profiles if one
        )


async def test_they_are_applied_once_wherever_the_source_starts_anew(
    record: bytes, tmp_path: Path
) -> None:
    """All of the record is sent again then; what was applied of it is known by its event ids."""
    sections, _ = await sections_of(record, 7, NEWEST_LEVEL)
    other, _ = await sections_of(packed([event(EVENTS + 1)]), 8, NEWEST_LEVEL)
    for stopped in range(len(sections) + 1):
        target = Target(tmp_path / str(stopped))
        await target.apply(sections[:stopped])
        again = [replace(one, epoch=2) for one in sections]
        await target.apply([*again, replace(other[0], epoch=2, sequence=len(again))])
        assert target.counted() == (EVENTS + 1) * SERIES
        assert (
            target.own.table.positions.next_offsets[ProfileInput.CONTRIBUTIONS]
            == stopped + len(again) + 1
        )

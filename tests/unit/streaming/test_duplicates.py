"""What is sent again counts once: frames applied to real partitions, whoever owns them, and when.

The inputs are of the kinds that trackers and collectors make: a batch whose answer was lost is sent
again, whole or in part, in another order, hours later, with old event times, to another partition
of the source.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from definitions.catalog import Catalog
from definitions.records import from_record
from processor.engine import Contribution, compile_plan, read_attributes
from processor.engine.counted_events import CountedEvents
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.kafka.partitioner import Partitioner
from processor.limits import HEAD_IDS_HORIZON_MS, MEMORY_BYTES_MIN
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.state import RocksDBStore
from processor.streaming.messages.frames import Section, encode_frame, encode_section
from processor.streaming.profiles.memory_budget import MemoryBudget
from processor.streaming.profiles.partition_memory import begin_memory
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_stage import ProfileStage
from processor.streaming.profiles.profile_table import ProfileTable, record_prefix, stored_positions
from tests.by_hand import contribution_of
from tests.unit.streaming.fakes import FakeDefinitions, flush, owned, profile_gates, record

NOW_MS = 1_795_340_000_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
KEY = "domain_userid"
VIEWS = {
    "name": "views",
    "type": "int32",
    "aggregation": "counter",
    "events": [{"name": "page_view"}],
}
GROUP = {
    "name": "g",
    "version": 1,
    "attribute_key": {"name": KEY},
    "owner": "a@example.com",
    "is_published": True,
    "attributes": [VIEWS, {**VIEWS, "name": "recent", "period": "P30D"}],
}
PLAN = compile_plan(
    Catalog.empty().with_objects([from_record("attribute_group/g/1", json.dumps(GROUP).encode())])
)
SERIES = PLAN.group_attributes("g")[0].series_id


class Partition:
    """A partition on a real store, from one owner to the next.

    `committed` is what its changelog would hold after compaction.
    """

    def __init__(self, path: Path, *, horizon_ms: int = DAY_MS) -> None:
        self.path = path
        self.horizon_ms = horizon_ms
        self.committed: dict[bytes, bytes] = {}
        self.owners = self.sent = self.frames = 0
        self.stage = ProfileStage(Settings(_env_file=None), FakeDefinitions(PLAN), Partitioner(1))
        self.take_over()

    def take_over(self, *, level: int = NEWEST_LEVEL, wipe: bool = False) -> None:
        if self.owners:
            self.store.close()
        self.owners += 1
        if wipe:
            self.path = self.path.with_name(f"{self.path.name}-{self.owners}")
        self.store = RocksDBStore(self.path)
        if wipe:
            self.store.write(self.committed.items())
        counted = CountedEvents(self.horizon_ms, bytes_max=2**26)
        positions = stored_positions(self.store) or Positions()
        memory = begin_memory(MemoryBudget(MEMORY_BYTES_MIN), counted)
        table = ProfileTable(self.store, positions, memory)
        for _ in table.load_counted():
            pass
        self.own = owned(
            table, profile_gates(generation=self.owners, level=level, at=positions.offsets)
        )
        self.own.begin(PLAN)
        self.frames = positions.next_offsets[ProfileInput.CONTRIBUTIONS]

    async def apply(self, *contributions: Contribution, source: int = 0) -> None:
        """Apply a frame with one section."""
        section = Section("t", source, -1, 1, self._sequence(source), list(contributions))
        value = encode_frame([encode_section(section, NEWEST_LEVEL)], NEWEST_LEVEL)
        made = record(self.frames, value, NOW_MS, 1)
        run = self.own.gates[ProfileInput.CONTRIBUTIONS].run([made], self.frames + 1)
        self.frames += 1
        await self.stage.apply(self.own, run)

    def _sequence(self, source: int) -> int:
        known = self.own.table.positions._sources.get(("t", source))
        return known.sequence if known else 0

    def flush(self) -> None:
        for key, value in flush(self.own).items():
            if value is None:
                self.committed.pop(key, None)
            else:
                self.committed[key] = value

    def views(self, user: str = "u") -> Any:
        profile = self.own.table.profile(record_prefix(KEY, user))
        values = read_attributes(profile, PLAN.group_attributes("g"), NOW_MS + DAY_MS)
        assert values["views"] == values["recent"]
        return values["views"]

    def view(
        self, number: int, *, user: str = "u", time_ms: int | None = None, arrival_ms: int = NOW_MS
    ) -> Contribution:
        """A page view of a user; each time that it comes it has the next offset in the source."""
        self.sent += 1
        time_ms = NOW_MS + number * 10 if time_ms is None else time_ms
        values: list[Any] = [(SERIES, None)]
        return contribution_of(
            self.sent, KEY, user, time_ms, f"e{number}", "page_view", "", values, None, arrival_ms
        )

    def views_of(self, numbers: Any, **fields: Any) -> list[Contribution]:
        return [self.view(number, **fields) for number in numbers]


@pytest.fixture
def partition(tmp_path: Path) -> Any:
    one = Partition(tmp_path / "s")
    yield one
    one.store.close()


async def settle(partition: Partition, between: str) -> None:
    """What happens between a batch and the same batch again."""
    if between != "nothing":
        partition.flush()
    if between == "another owner":
        partition.take_over()
    if between == "an owner with an empty directory":
        partition.take_over(wipe=True)


BETWEEN = ["nothing", "a flush", "another owner", "an owner with an empty directory"]


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("count", [1, 10, 63, 64, 65, 66, 100, 150, 300, 2_000])
async def test_a_batch_that_is_sent_again_counts_once(
    partition: Partition, count: int, between: str
) -> None:
    await partition.apply(*partition.views_of(range(count)))
    await settle(partition, between)
    await partition.apply(*partition.views_of(range(count)))
    assert partition.views() == count
    await settle(partition, between)
    await partition.apply(*partition.views_of(reversed(range(count))))
    assert partition.views() == count


async def test_a_batch_counts_once_in_whatever_pieces_and_order_it_comes_again(
    partition: Partition,
) -> None:
    chance = random.Random(6)
    await partition.apply(*partition.views_of(range(300)))
    for _ in range(20):
        some = chance.sample(range(300), chance.randrange(1, 300))
        await partition.apply(*partition.views_of(some), source=chance.randrange(3))
        if chance.random() < 0.3:
            partition.flush()
        if chance.random() < 0.3:
            partition.take_over(wipe=chance.random() < 0.5)
            await partition.apply(*partition.views_of(range(300)))
    assert partition.views() == 300


async def test_an_event_twice_in_one_frame_counts_once(partition: Partition) -> None:
    await partition.apply(*partition.views_of([1, 2, 1, 3, 1]))
    assert partition.views() == 3


@pytest.mark.parametrize("between", BETWEEN)
async def test_event_times_do_not_matter(partition: Partition, between: str) -> None:
    """A batch that spans days, or a year, or is about last year."""
    times_ms = [NOW_MS - number * 5 * DAY_MS for number in range(150)]
    numbers = list(enumerate(times_ms))
    await partition.apply(*(partition.view(one, time_ms=time_ms) for one, time_ms in numbers))
    await settle(partition, between)
    again = random.Random(1).sample(numbers, len(numbers))
    await partition.apply(*(partition.view(one, time_ms=time_ms) for one, time_ms in again))
    assert partition.own.table.profile(record_prefix(KEY, "u")) is not None
    profile = partition.own.table.profile(record_prefix(KEY, "u"))
    assert read_attributes(profile, PLAN.group_attributes("g"), NOW_MS)["views"] == 150


@pytest.mark.parametrize("between", BETWEEN)
async def test_who_shares_the_key_does_not_matter(partition: Partition, between: str) -> None:
    """Thousands of visitors have one id, and their batches are sent again between each other's."""
    batches = [range(first, first + 50) for first in range(0, 4_000, 50)]
    for batch in batches:
        await partition.apply(*partition.views_of(batch))
    await settle(partition, between)
    for batch in reversed(batches):
        await partition.apply(*partition.views_of(batch))
    assert partition.views() == 4_000


async def test_an_event_counts_once_for_each_profile(partition: Partition) -> None:
    for _ in range(2):
        for user in ("u", "v", ""):
            await partition.apply(*partition.views_of(range(100), user=user))
    assert [partition.views(user) for user in ("u", "v", "")] == [100, 100, 100]


@pytest.mark.parametrize("wait_ms", [0, HOUR_MS, DAY_MS])
async def test_it_is_known_for_a_day_of_arrival(partition: Partition, wait_ms: int) -> None:
    await partition.apply(*partition.views_of(range(100)))
    await partition.apply(*partition.views_of(range(100), arrival_ms=NOW_MS + wait_ms))
    assert partition.views() == 100


async def test_it_is_counted_anew_after_more_than_a_day(partition: Partition) -> None:
    await partition.apply(*partition.views_of(range(100)))
    later_ms = NOW_MS + DAY_MS + DAY_MS // 128 + 1
    await partition.apply(*partition.views_of(range(100), arrival_ms=later_ms))
    assert partition.views() == 200
    await partition.apply(*partition.views_of(range(100), arrival_ms=later_ms + DAY_MS))
    assert partition.views() == 200


async def test_what_was_not_flushed_is_counted_by_the_next_owner(partition: Partition) -> None:
    await partition.apply(*partition.views_of(range(50)))
    partition.flush()
    await partition.apply(*partition.views_of(range(50, 80)))
    partition.take_over()
    assert partition.views() == 50
    await partition.apply(*partition.views_of(range(100)))
    assert partition.views() == 100


async def test_what_is_counted_while_a_flush_commits_belongs_to_the_next(
    partition: Partition,
) -> None:
    await partition.apply(*partition.views_of(range(50)))
    for _ in partition.own.table.begin_flush(NEWEST_LEVEL):
        pass
    first = dict(partition.own.table.flush_records)
    await partition.apply(*partition.views_of(range(40, 70)))
    partition.own.table.publish()
    partition.own.table.write("topic", 1, 0)
    partition.own.table.end_flush()
    partition.committed.update({key: value for key, value in first.items() if value is not None})
    partition.take_over(wipe=True)
    assert partition.views() == 50
    await partition.apply(*partition.views_of(range(70)))
    assert partition.views() == 70


async def test_a_profile_that_is_gone_does_not_count_what_is_sent_again(
    partition: Partition,
) -> None:
    await partition.apply(*partition.views_of(range(100)))
    prefix = record_prefix(KEY, "u")
    profile = partition.own.table.profile(prefix)
    assert profile is not None
    for name in list(profile.head.windows):
        profile.drop_window(name)
    for name in list(profile.head.slots):
        profile.drop_slot(name)
    assert profile.empty
    profile.changed = True
    partition.own.table.changed(prefix, profile)
    partition.own.table.forget(prefix)
    partition.flush()
    await partition.apply(*partition.views_of(range(100)))
    assert partition.views() is None


async def test_a_horizon_of_zero_counts_everything(tmp_path: Path) -> None:
    partition = Partition(tmp_path / "s", horizon_ms=0)
    for _ in range(2):
        await partition.apply(*partition.views_of(range(10)))
    assert partition.views() == 20
    partition.flush()
    assert not any(key.startswith(b"\x04") for key in partition.committed)
    partition.store.close()


# --- beside older workers, and after them ---------------------------------------------------------


async def test_beside_workers_of_level_1_ids_stand_in_the_head_and_records_as_well(
    partition: Partition,
) -> None:
    partition.take_over(level=FIRST_LEVEL)
    await partition.apply(*partition.views_of(range(100)))
    partition.flush()
    profile = partition.own.table.profile(record_prefix(KEY, "u"))
    assert profile is not None
    assert len(profile.head.id_hashes) == 64 * 8
    assert any(key.startswith(b"\x04") for key in partition.committed)
    partition.take_over()
    await partition.apply(*partition.views_of(range(200)))
    assert partition.views() == 200
    assert len(profile.head.id_hashes) == 64 * 8


async def test_what_an_older_worker_counted_is_known_by_its_head_and_then_for_the_horizon(
    partition: Partition,
) -> None:
    """An older worker writes heads alone: it does not know the records, and leaves them there."""
    partition.take_over(level=FIRST_LEVEL)
    await partition.apply(*partition.views_of(range(30)))
    partition.flush()
    for key in [key for key in partition.committed if key.startswith(b"\x04")]:
        del partition.committed[key]
    partition.take_over(wipe=True)
    await partition.apply(*partition.views_of(range(30)))
    assert partition.views() == 30
    much_later_ms = NOW_MS + 3 * HEAD_IDS_HORIZON_MS
    await partition.apply(
        partition.view(1_000, time_ms=much_later_ms, arrival_ms=much_later_ms),
        *partition.views_of(range(30), arrival_ms=much_later_ms),
    )
    assert partition.views() == 31

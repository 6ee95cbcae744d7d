"""What is held decoded stays within the worker's memory, and changes are never let go."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from processor.engine import Profile
from processor.engine.counted_events import CountedEvents
from processor.engine.profile_weight import EMPTY_PROFILE_BYTES
from processor.formats import NEWEST_LEVEL
from processor.limits import MEMORY_CHANGES_SHARE, MEMORY_FREED_BYTES
from processor.metrics import REGISTRY
from processor.profile_inputs import ProfileInput
from processor.state import RocksDBStore
from processor.streaming.profiles.memory_budget import MemoryBudget
from processor.streaming.profiles.partition_memory import begin_memory
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import ProfileTable, record_prefix
from processor.streaming.profiles.worker_memory import WorkerMemory
from processor.windows import Chunk
from tests.unit.streaming.fakes import flush

MIB = 2**20
ENTRIES = 256
SUFFIX = b"a" * 12


def chunk() -> Chunk:
    return Chunk([10**12 + one for one in range(ENTRIES)], [one / 7 for one in range(ENTRIES)])


def with_parts(profile: Profile, count: int, *, changed: bool = False) -> Profile:
    """Let a profile have opened so many chunks, of 20 kB each, or have changed them."""
    for number in range(count):
        profile.parts.put(number.to_bytes(12), chunk())
    if not changed:
        profile.parts.take_changes()
    return profile


def partition(budget: MemoryBudget, path: Path) -> ProfileTable:
    memory = begin_memory(budget, CountedEvents(0, bytes_max=0))
    return ProfileTable(RocksDBStore(path), Positions(), memory)


def change(table: ProfileTable, number: int, *, chunks: int = 0) -> bytes:
    """Change a profile, so that it has something that a flush writes."""
    prefix = record_prefix("k", str(number))
    profile = table.profile(prefix) or table.new_profile(prefix)
    profile.head.slots[1] = "x" * 1000
    profile.changed = True
    with_parts(profile, chunks, changed=True)
    table.changed(prefix, profile)
    return prefix


def test_parts_go_first_then_profiles_and_never_changes(tmp_path: Path) -> None:
    budget = MemoryBudget(3 * MIB)
    table = partition(budget, tmp_path / "s")
    held = table.memory.profiles
    for number in range(10):
        change(table, number, chunks=5)
    assert budget.changes == budget.held > 10 * 5 * 10_000
    flush(table)
    assert held.change_bytes == held.flush_bytes == 0
    assert held.parts_bytes > 10 * 5 * 10_000
    budget.bytes_max = held.head_bytes + MEMORY_FREED_BYTES
    budget.make_room()
    assert held.parts_bytes == 0
    assert len(held) == 10
    budget.bytes_max = 0
    changed = change(table, 3, chunks=2)
    assert len(held) == 1
    assert budget.held == budget.changes > 2 * 10_000
    found = held.get(changed)
    assert found is not None
    assert found.parts.get((1).to_bytes(12)).times == chunk().times


def test_what_was_used_last_goes_last(tmp_path: Path) -> None:
    budget = MemoryBudget(100 * MIB)
    table = partition(budget, tmp_path / "s")
    prefixes = [change(table, number) for number in range(1000)]
    flush(table)
    table.profile(prefixes[0])
    budget.bytes_max = budget.held - 1
    budget.make_room()
    held = table.memory.profiles
    assert held.get(prefixes[0]) is not None
    assert held.get(prefixes[1]) is None
    assert held.get(prefixes[-1]) is not None


def test_the_partition_that_holds_the_most_gives_back_first(tmp_path: Path) -> None:
    budget = MemoryBudget(100 * MIB)
    large, small = partition(budget, tmp_path / "a"), partition(budget, tmp_path / "b")
    for number in range(20):
        change(large, number, chunks=10)
    change(small, 1, chunks=10)
    flush(large)
    flush(small)
    of_small = small.memory.profiles.parts_bytes
    budget.bytes_max = budget.held // 2
    budget.make_room()
    assert budget.held <= budget.bytes_max
    assert small.memory.profiles.parts_bytes == of_small
    assert large.memory.profiles.parts_bytes > 0


def test_what_is_let_go_is_read_again_with_all_that_was_committed(tmp_path: Path) -> None:
    budget = MemoryBudget(0)
    table = partition(budget, tmp_path / "s")
    prefixes = [change(table, number, chunks=3) for number in range(20)]
    flush(table)
    assert len(table.memory.profiles) == 0
    for prefix in prefixes:
        found = table.profile(prefix)
        assert found is not None
        assert found.head.slots[1] == "x" * 1000
        assert found.parts.get((2).to_bytes(12)).values == chunk().values


def test_a_partition_that_goes_takes_its_memory_along(tmp_path: Path) -> None:
    memory = WorkerMemory(100 * MIB)
    stays = ProfileTable(RocksDBStore(tmp_path / "a"), Positions(), memory.begin(0))
    goes = ProfileTable(RocksDBStore(tmp_path / "b"), Positions(), memory.begin(0))
    change(stays, 1, chunks=1)
    held, changes = memory.budget.held, memory.budget.changes
    change(goes, 2, chunks=3)
    flush(goes)
    change(goes, 3, chunks=3)
    goes.applied(1000)
    memory.end(goes.memory)
    assert (memory.budget.held, memory.budget.changes) == (held, changes)
    assert memory.budget.holders == [stays.memory.profiles, stays.memory.read]


def test_changes_of_all_partitions_together_make_the_worker_crowded(tmp_path: Path) -> None:
    budget = MemoryBudget(MIB)
    tables = [partition(budget, tmp_path / str(number)) for number in range(4)]
    number = 0
    while budget.changes <= MIB * MEMORY_CHANGES_SHARE:
        assert not any(table.crowded for table in tables)
        change(tables[number % 4], number)
        number += 1
    assert all(table.crowded for table in tables)
    for table in tables:
        flush(table)
    assert not any(table.crowded for table in tables)
    assert budget.changes == 0


def test_what_frames_bring_counts_until_it_is_flushed(tmp_path: Path) -> None:
    budget = MemoryBudget(MIB)
    table = partition(budget, tmp_path / "s")
    table.applied(2 * MIB)
    assert table.crowded
    table.positions.next_offsets[ProfileInput.CONTRIBUTIONS] += 1
    flush(table)
    assert not table.crowded
    assert budget.held == 0


def test_evicting_costs_the_same_however_much_waits_for_a_flush(tmp_path: Path) -> None:
    """Letting go looks only at what it lets go: so many changes are no work for it."""
    budget = MemoryBudget(0)
    table = partition(budget, tmp_path / "s")
    for number in range(3000):
        change(table, number)
    held = table.memory.profiles
    looked_at = []

    class Watched(dict[bytes, Profile]):
        def __iter__(self):  # type: ignore[no-untyped-def]  # as dict has it
            looked_at.append(len(self))
            return super().__iter__()

    held._changed = Watched(held._changed)
    for number in range(3000, 6000):
        change(table, number)
    assert held.changes == 6000
    assert not looked_at


def test_what_else_is_taken_leaves_less_for_profiles(tmp_path: Path) -> None:
    memory = WorkerMemory(10 * MIB, horizon_ms=1000, duplicates_bytes=MIB, prefetch_bytes=2 * MIB)
    memory.replay = lambda: 7 * MIB
    table = ProfileTable(RocksDBStore(tmp_path / "s"), Positions(), memory.begin(0))
    for number in range(10):
        change(table, number, chunks=10)
    flush(table)
    assert memory.budget.held > MIB
    memory.look()
    assert memory.budget.held <= MIB
    taken = {
        of: REGISTRY.get_sample_value("processor_memory_bytes", {"of": of})
        for of in ("profiles", "parts", "changes", "duplicates", "replay", "prefetch")
    }
    assert taken["replay"] == 7 * MIB
    assert taken["prefetch"] == 2 * MIB
    assert taken["duplicates"] == table.counted.bytes
    assert sum(taken.values()) <= 10 * MIB  # type: ignore[arg-type]  # all are there
    assert REGISTRY.get_sample_value("processor_memory_budget_bytes") == 10 * MIB


WORK = st.lists(
    st.tuples(
        st.sampled_from(
            ["change", "read", "flush", "begin", "end", "empty", "committed", "encode", "undo"]
        ),
        st.integers(0, 5),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(WORK, st.sampled_from([0, 60_000, 200_000, 100 * MIB]))
def test_what_is_counted_is_what_is_held(tmp_path_factory, work, bytes_max: int) -> None:
    budget = MemoryBudget(bytes_max)
    table = partition(budget, tmp_path_factory.mktemp("s"))
    flushing = False
    for what, number in work:
        prefix = record_prefix("k", str(number))
        profile = table.profile(prefix) if not flushing else None
        if what == "change":
            change(table, number, chunks=number)
        elif what == "read" and profile is not None:
            with_parts(profile, 0)
            profile.parts.remember((number, "f", 1, "x"), (1,), list(range(1000)))
            table.used(prefix, profile)
        elif what == "empty" and profile is not None:
            profile.head.slots.clear()
            profile.changed = True
            table.changed(prefix, profile)
            table.forget(prefix)
        elif what == "encode":
            table.encode(prefix, NEWEST_LEVEL)
        elif what == "undo":
            table.undo(prefix)
        elif what == "begin" and not flushing:
            for _ in table.begin_flush(NEWEST_LEVEL):
                pass
            flushing = True
        elif what in {"end", "flush"}:
            if not flushing:
                for _ in table.begin_flush(NEWEST_LEVEL):
                    pass
            table.publish()
            table.write("changelog", 1, 0)
            table.end_flush()
            flushing = False
        elif what == "committed":
            with table.committed_profile("k", str(number)):
                pass
        _check(table, budget)
        if budget.held > bytes_max + MIB:
            assert budget.held == budget.changes
    if not flushing:
        flush(table)
        assert budget.changes == 0
        assert budget.held <= bytes_max


def _check(table: ProfileTable, budget: MemoryBudget) -> None:
    held = table.memory.profiles
    clean, changed = held._clean, held._changed
    assert not clean.keys() & changed.keys()
    loose = [one.parts.bytes - one.parts.changed_bytes for one in [*clean.values()]]
    loose += [one.parts.bytes - one.parts.changed_bytes for one in changed.values()]
    assert held.parts_bytes >= sum(loose)
    assert held.head_bytes == sum(one.head_bytes for one in clean.values())
    assert held.change_bytes == sum(
        one.head_bytes + one.parts.changed_bytes for one in changed.values()
    )
    assert budget.changes == held.change_bytes + held.flush_bytes
    assert budget.held == (
        budget.changes + held.parts_bytes + held.head_bytes + table.memory.read.parts_bytes
    )


def test_an_empty_profile_has_a_weight(tmp_path: Path) -> None:
    budget = MemoryBudget(MIB)
    table = partition(budget, tmp_path / "s")
    for number in range(2000):  # of parts that change nothing, for targets that are not there
        table.new_profile(record_prefix("k", str(number)))
    assert EMPTY_PROFILE_BYTES <= budget.held <= MIB

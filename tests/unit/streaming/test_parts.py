"""Parts on their way out of one partition and into another, on a real store."""

from pathlib import Path

import pytest

from processor.engine import Part, encode_part
from processor.errors import StateError, StateFormatError
from processor.formats import NEWEST_LEVEL
from processor.limits import OUTGOING_BYTES_MAX, PROFILE_BYTES_MAX
from processor.profile_inputs import ProfileInput
from processor.state import RocksDBStore
from processor.streaming.fetch.gates import Run
from processor.streaming.messages.outgoing import Outgoing
from processor.streaming.profiles.joint_stage import JointStage
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import ProfileTable
from tests.by_hand import part_of
from tests.unit.streaming.fakes import FakeDefinitions, flush, offsets, owned, profile_gates, record

NO_RULE = 1


def part(user: str, *told: str) -> Part:
    return part_of(
        NO_RULE, "domain_userid", user, "domain_userid", {"domain_userid": user}, [], [],
        list(told), 0, f"{user}-0", "page_view", "", "enriched", 0, 0, -1,
    )  # fmt: skip


def partition(path: Path) -> Ownership:
    table = ProfileTable(RocksDBStore(path), Positions({}, offsets(5, 10)))
    own = owned(table, profile_gates(at=offsets(5, 10)))
    own.note(FakeDefinitions().plan)
    flush(own)
    return own


def run(own: Ownership, *users: str, end: int) -> Run:
    """The parts of users from offset 10 on, with nothing but markers from there to `end`."""
    records = [
        record(offset, encode_part(part(user), NEWEST_LEVEL))
        for offset, user in enumerate(users, start=10)
    ]
    return own.gates[ProfileInput.RULES].run(records, end)


def stage() -> JointStage:
    return JointStage(FakeDefinitions())


# --- coming in ------------------------------------------------------------------------------------


async def test_parts_move_the_position_behind_them_and_their_markers(tmp_path: Path) -> None:
    own = partition(tmp_path / "s")
    await stage().apply(own, run(own, "a", "b", end=14))
    assert own.table.positions.offsets == offsets(5, 14)
    assert own.has_changes
    flush(own)
    assert own.table.flushed == offsets(5, 14)


async def test_markers_alone_are_no_change(tmp_path: Path) -> None:
    own = partition(tmp_path / "s")
    await stage().apply(own, run(own, end=14))
    assert own.table.positions.offsets[ProfileInput.RULES] == 14
    assert not own.has_changes
    assert own.table.flushed[ProfileInput.RULES] == 10, (
        "nothing is removed that a takeover would look for"
    )


async def test_parts_of_a_dead_gate_are_dropped(tmp_path: Path) -> None:
    own = partition(tmp_path / "s")
    late = run(own, "a", end=11)
    own.gates.close()
    await stage().apply(own, late)
    assert own.table.positions.offsets[ProfileInput.RULES] == 10
    assert not own.has_changes


async def test_parts_of_an_earlier_gate_are_dropped(tmp_path: Path) -> None:
    own, earlier = partition(tmp_path / "s"), partition(tmp_path / "t")
    await stage().apply(own, run(earlier, "a", end=11))
    assert own.table.positions.offsets[ProfileInput.RULES] == 10


async def test_a_part_that_cannot_be_read_names_its_record(tmp_path: Path) -> None:
    own = partition(tmp_path / "s")
    broken = own.gates[ProfileInput.RULES].run([record(10, b"\xa8\x09")], 11)
    with pytest.raises(StateFormatError, match="rules-0 offset 10: a part of format 0xa8/9"):
        await stage().apply(own, broken)
    assert own.table.positions.offsets[ProfileInput.RULES] == 10


async def test_a_part_of_a_rule_that_is_not_published_makes_no_profile(tmp_path: Path) -> None:
    own = partition(tmp_path / "s")
    await stage().apply(own, run(own, "a", end=11))
    flush(own)
    with own.table.committed_profile("domain_userid", "a") as profile:
        assert profile is None


# --- going out ------------------------------------------------------------------------------------


def test_parts_are_kept_apart_by_partition_and_in_order() -> None:
    outgoing = Outgoing(NEWEST_LEVEL)
    for user, partition in (("a", 3), ("b", 1), ("c", 3)):
        outgoing.add((), [(partition, part(user))])
    assert outgoing.parts == {
        3: [
            (b"a", encode_part(part("a"), NEWEST_LEVEL)),
            (b"c", encode_part(part("c"), NEWEST_LEVEL)),
        ],
        1: [(b"b", encode_part(part("b"), NEWEST_LEVEL))],
    }


def test_nothing_more_is_applied_while_too_many_bytes_of_parts_wait(tmp_path: Path) -> None:
    own = partition(tmp_path / "s")
    large = part("a", "x" * (OUTGOING_BYTES_MAX // 16))
    for _ in range(15):
        own.outgoing.add((), [(0, large)])
    own.applied_some(1)
    assert own.room.is_set()
    own.outgoing.add((), [(0, large)])
    own.applied_some(1)
    assert not own.room.is_set()
    taken = own.take_outgoing()
    assert len(taken.parts[0]) == 16
    assert not own.outgoing.full


def test_a_part_that_no_message_holds_is_an_error_that_names_it() -> None:
    with pytest.raises(StateError, match="domain_userid for a rule at domain_userid"):
        Outgoing(NEWEST_LEVEL).add((), [(0, part("a", "x" * PROFILE_BYTES_MAX))])

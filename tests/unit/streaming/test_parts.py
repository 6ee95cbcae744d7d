"""Parts on their way out of one partition and into another, on a real store."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from definitions.catalog import Catalog
from processor.engine import Plan, compile_plan
from processor.engine.joint import Part, encode_part
from processor.errors import StateError, StateFormatError
from processor.limits import PARTS_BYTES_MAX, PROFILE_BYTES_MAX
from processor.state import RocksDBStore
from processor.streaming.gates import Gate, GatePair, Run
from processor.streaming.joint_stage import JointStage
from processor.streaming.outgoing import Outgoing
from processor.streaming.ownership import Ownership
from processor.streaming.positions import Offsets, Positions
from processor.streaming.profile_table import ProfileTable

NO_RULE = 1


class Definitions:
    """Definitions that are read up to any offset, and hold nothing."""

    plan: Plan = compile_plan(Catalog.empty())

    async def reach(self, _offset: int) -> bool:
        return True


@dataclass
class Record:
    offset: int
    value: bytes | None


def part(user: str, *told: str) -> Part:
    return Part(
        NO_RULE, "domain_userid", user, "domain_userid", {"domain_userid": user}, [], [],
        list(told), 0, f"{user}-0", "page_view", "", "enriched", 0, 0, -1,
    )  # fmt: skip


def owned(path: Path) -> Ownership:
    table = ProfileTable(RocksDBStore(path), Positions("c", 5, "r", 10))
    gates = GatePair(Gate("contributions", 0, 1, "member"), Gate("rules", 0, 1, "member"))
    gates.contributions.opens_at(5)
    gates.rules.opens_at(10)
    producer: Any = None  # nothing is committed here
    own = Ownership(gates, table, producer)
    own.note(Definitions.plan)
    flush(own)
    return own


def flush(own: Ownership) -> None:
    for _ in own.table.begin_flush():
        pass
    own.take_outgoing()
    own.table.write("t", 1, 0)
    own.table.end_flush()


def run(own: Ownership, *users: str, end: int) -> Run:
    """The parts of users from offset 10 on, with nothing but markers from there to `end`."""
    records = [
        Record(offset, encode_part(part(user))) for offset, user in enumerate(users, start=10)
    ]
    return own.gates.rules.run(records, end)


def stage() -> JointStage:
    definitions: Any = Definitions()
    return JointStage(definitions)


# --- coming in ------------------------------------------------------------------------------------


async def test_parts_move_the_position_behind_them_and_their_markers(tmp_path: Path) -> None:
    own = owned(tmp_path / "s")
    await stage().apply(own, run(own, "a", "b", end=14))
    assert own.table.positions.offsets == Offsets(contributions=5, rules=14)
    assert own.has_changes
    flush(own)
    assert own.table.flushed == Offsets(contributions=5, rules=14)


async def test_markers_alone_are_no_change(tmp_path: Path) -> None:
    own = owned(tmp_path / "s")
    await stage().apply(own, run(own, end=14))
    assert own.table.positions.offsets.rules == 14
    assert not own.has_changes
    assert own.table.flushed.rules == 10, "nothing is removed that a takeover would look for"


async def test_parts_of_a_dead_gate_are_dropped(tmp_path: Path) -> None:
    own = owned(tmp_path / "s")
    late = run(own, "a", end=11)
    own.gates.close()
    await stage().apply(own, late)
    assert own.table.positions.offsets.rules == 10
    assert not own.has_changes


async def test_parts_of_an_earlier_gate_are_dropped(tmp_path: Path) -> None:
    own, earlier = owned(tmp_path / "s"), owned(tmp_path / "t")
    await stage().apply(own, run(earlier, "a", end=11))
    assert own.table.positions.offsets.rules == 10


async def test_a_part_that_cannot_be_read_names_its_record(tmp_path: Path) -> None:
    own = owned(tmp_path / "s")
    broken = own.gates.rules.run([Record(10, b"\xa8\x09")], 11)
    with pytest.raises(StateFormatError, match="rules-0 offset 10: a part of format 0xa8/9"):
        await stage().apply(own, broken)
    assert own.table.positions.offsets.rules == 10


async def test_a_part_of_a_rule_that_is_not_published_makes_no_profile(tmp_path: Path) -> None:
    own = owned(tmp_path / "s")
    await stage().apply(own, run(own, "a", end=11))
    flush(own)
    with own.table.committed_profile("domain_userid", "a") as profile:
        assert profile is None


# --- going out ------------------------------------------------------------------------------------


def test_parts_are_kept_apart_by_partition_and_in_order() -> None:
    outgoing = Outgoing()
    for user, partition in (("a", 3), ("b", 1), ("c", 3)):
        outgoing.send(part(user), partition)
    assert outgoing.parts == {
        3: [(b"a", encode_part(part("a"))), (b"c", encode_part(part("c")))],
        1: [(b"b", encode_part(part("b")))],
    }


def test_nothing_more_is_applied_while_too_many_bytes_of_parts_wait(tmp_path: Path) -> None:
    own = owned(tmp_path / "s")
    large = part("a", "x" * (PARTS_BYTES_MAX // 16))
    for _ in range(15):
        own.outgoing.send(large, 0)
    own.applied_some(1)
    assert own.room.is_set()
    own.outgoing.send(large, 0)
    own.applied_some(1)
    assert not own.room.is_set()
    taken = own.take_outgoing()
    assert len(taken.parts[0]) == 16
    assert not own.outgoing.full


def test_a_part_that_no_message_holds_is_an_error_that_names_it() -> None:
    with pytest.raises(StateError, match="domain_userid says to a rule at domain_userid"):
        Outgoing().send(part("a", "x" * PROFILE_BYTES_MAX), 0)

"""A fault of data: what is before it is committed, so that moving past it loses nothing else."""

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from processor.engine import encode_part
from processor.errors import (
    MissingDefinitionsError,
    ProcessorError,
    SequenceError,
    StateFormatError,
)
from processor.formats import NEWEST_LEVEL
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.messages.frames import Section, encode_frame, encode_section
from processor.streaming.profiles import profile_stage
from processor.streaming.profiles.careful import HalfAppliedError
from processor.streaming.profiles.flush import Flusher, Flushing
from processor.streaming.profiles.joint_stage import JointStage
from processor.streaming.profiles.takeover import TakeoverPlace
from tests.unit.streaming.fakes import FakeConsumer, FakeDefinitions, record
from tests.unit.streaming.profiles.test_careful import PLAN, Partition, contributions
from tests.unit.streaming.test_parts import part

GOOD = 9


def frame(sequence: int) -> bytes:
    made = Section("source", 0, -1, 1, sequence, contributions(2, 2 * sequence))
    return encode_frame([encode_section(made, NEWEST_LEVEL)], NEWEST_LEVEL)


@pytest.fixture
def partition(tmp_path: Path) -> Partition:
    made = Partition(tmp_path / "s", careful_for=0)
    made.own.note(PLAN)
    made.flush()
    return made


async def met(partition: Partition, applying: Awaitable[None]) -> ProcessorError:
    """Apply, meet a fault, and let the flusher end; return the fault."""
    place = TakeoverPlace(Settings(), 3, "changelog", {})
    with ThreadPoolExecutor(1) as executor:
        flusher = Flusher(place, partition.own, FakeConsumer(), executor, Flushing())
        running = asyncio.create_task(flusher.run())
        await asyncio.sleep(0)
        with pytest.raises(ProcessorError) as caught:
            await applying
        partition.own.fail(caught.value)
        await asyncio.wait_for(running, 10)
    assert partition.own.failure is caught.value
    assert not partition.own.alive
    return caught.value


async def test_frames_before_a_damaged_one_are_committed(partition: Partition) -> None:
    frames = [frame(number) for number in range(GOOD)]
    records = [
        record(at, value) for at, value in enumerate([*frames, frames[-1][:-1], frame(GOOD)])
    ]
    run = partition.own.gates[ProfileInput.CONTRIBUTIONS].run(records, GOOD + 2)
    fault = await met(partition, partition.profiles.apply(partition.own, run))
    assert isinstance(fault, StateFormatError)
    assert f"--to {GOOD + 1} " in fault.hint
    assert partition.own.table.flushed[ProfileInput.CONTRIBUTIONS] == GOOD


async def test_a_frame_behind_a_gap_is_not_given_up(
    partition: Partition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_stage, "newer_epoch", lambda *_: None)
    records = [record(0, frame(0)), record(7, frame(3)), record(8, frame(4))]
    run = partition.own.gates[ProfileInput.CONTRIBUTIONS].run(records, 9)
    fault = await met(partition, partition.profiles.apply(partition.own, run))
    assert isinstance(fault, SequenceError)
    assert "without the missing ones: " in fault.hint
    assert "--to 7 " in fault.hint
    assert partition.own.table.flushed[ProfileInput.CONTRIBUTIONS] == 1


async def test_parts_before_a_damaged_one_are_committed(partition: Partition) -> None:
    parts = [encode_part(part(f"u{number}"), NEWEST_LEVEL) for number in range(GOOD)]
    records = [record(at, value) for at, value in enumerate([*parts, parts[-1][:-1], parts[0]])]
    run = partition.own.gates[ProfileInput.RULES].run(records, GOOD + 2)
    fault = await met(partition, partition.joints.apply(partition.own, run))
    assert isinstance(fault, StateFormatError)
    assert f"--to {GOOD + 1} " in fault.hint
    assert partition.own.table.flushed[ProfileInput.RULES] == GOOD


async def test_the_first_part_whose_definitions_are_missing_is_named(
    partition: Partition,
) -> None:
    parts = [part(f"u{number}") for number in range(5)]
    parts[2].definitions_offset = parts[4].definitions_offset = 99
    values = [encode_part(one, NEWEST_LEVEL) for one in parts]
    records = [record(at, one) for at, one in enumerate(values)]
    run = partition.own.gates[ProfileInput.RULES].run(records, 5)
    joints = JointStage(Behind())
    fault = await met(partition, joints.apply(partition.own, run))
    assert isinstance(fault, MissingDefinitionsError)
    assert "--to 3 " in fault.hint
    assert partition.own.table.flushed[ProfileInput.RULES] == 2


async def test_a_contribution_that_is_applied_by_half_is_not_committed(
    partition: Partition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of a profile is damaged: the fault is met in the middle of a contribution."""

    def damaged(*_: object, **__: object) -> None:
        raise StateFormatError("a chunk does not match its checksum")

    gate = partition.own.gates[ProfileInput.CONTRIBUTIONS]
    run = gate.run([record(0, frame(0)), record(1, frame(1))], 2)
    before = partition.own.table.flushed
    monkeypatch.setattr(profile_stage, "step", damaged)
    await met(partition, partition.profiles.apply(partition.own, run))
    assert partition.own.table.flushed == before


async def test_a_flush_that_waits_for_a_contribution_which_fails_by_half_commits_nothing(
    partition: Partition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began when the partition was sound; it must not encode what the fault has left."""
    real, flushes = profile_stage.step, []
    place = TakeoverPlace(Settings(), 3, "changelog", "c", "r")

    def step(profile: Any, contribution: Any, *rest: Any, **more: Any) -> Any:
        stepped = real(profile, contribution, *rest, **more)
        if contribution.trigger.offset == 2:
            raise ZeroDivisionError
        return stepped

    monkeypatch.setattr(profile_stage, "step", step)
    before = partition.own.table.flushed
    with ThreadPoolExecutor(1) as executor:
        flusher = Flusher(place, partition.own, FakeConsumer(), executor, Flushing())
        partition.own.applied_some(1)
        async with partition.own.work:
            applying = asyncio.create_task(partition.apply(contributions(3)))
            await asyncio.sleep(0)
            flushes.append(asyncio.create_task(flusher.flush()))
            await asyncio.sleep(0)
        with pytest.raises(HalfAppliedError):
            await applying
        assert await asyncio.wait_for(flushes[0], 10) is False
    assert partition.own.table.flushed == before
    assert partition.own.table.flush_records == {}


class Behind(FakeDefinitions):
    """Has read the definitions to offset 0, and never reads further."""

    async def require(self, offset: int, wanted: Any) -> None:
        if offset > 0:
            message = f"definitions of offset {offset} are needed"
            raise MissingDefinitionsError(message, offset=offset, hint="")

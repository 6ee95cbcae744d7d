"""What every stage of an input does alike, with one that only notes the values of its records."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from processor.errors import MissingDefinitionsError, ProcessorError, StateFormatError
from processor.kafka.record import Record
from processor.profile_inputs import ProfileInput
from processor.state import RocksDBStore
from processor.streaming.fetch.gates import Run
from processor.streaming.profiles.input_stage import InputStage
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import ProfileTable
from tests.unit.streaming.fakes import flush, offsets, owned, record

BROKEN, MISSING = b"broken", b"missing"


class Noting(InputStage[bytes]):
    """Notes the values, by slice, and whether each was applied under the partition's lock."""

    slice_records = 2

    def __init__(self, one: ProfileInput) -> None:
        self.input = one  # type: ignore[misc]  # each test has another
        self.slices: list[list[bytes]] = []
        self.ends_at: bytes | None = None

    def _decode(self, run: Run, record: Record) -> bytes:
        if record.value == BROKEN:
            raise StateFormatError("it is broken")
        return record.value or b""

    async def _ready(
        self, own: Ownership, run: Run, records: Sequence[Record], decoded: list[bytes]
    ) -> tuple[list[bytes], ProcessorError | None]:
        assert not own.work.locked(), "nothing may wait under the lock"
        if MISSING in decoded:
            return decoded[: decoded.index(MISSING)], MissingDefinitionsError(
                "not there", offset=7, hint="publish them"
            )
        return await super()._ready(own, run, records, decoded)

    async def _apply(
        self, own: Ownership, run: Run, records: Sequence[Record], ready: list[bytes]
    ) -> int:
        assert own.work.locked()
        self.slices.append(ready)
        if self.ends_at in ready:
            own.gates.close()
        return len(ready)


@pytest.fixture(params=ProfileInput)
def one(request: pytest.FixtureRequest) -> ProfileInput:
    found: ProfileInput = request.param
    return found


@pytest.fixture
def own(tmp_path: Path) -> Ownership:
    made = owned(ProfileTable(RocksDBStore(tmp_path / "s"), Positions()))
    flush(made)
    return made


def run(own: Ownership, one: ProfileInput, *values: bytes, end: int) -> Run:
    records = [record(offset, value) for offset, value in enumerate(values)]
    return own.gates[one].run(records, end)


def moved(one: ProfileInput, to: int) -> dict[ProfileInput, int]:
    return offsets() | {one: to}


async def test_a_run_is_applied_in_slices_and_moves_its_input_alone(
    own: Ownership, one: ProfileInput
) -> None:
    stage = Noting(one)
    await stage.apply(own, run(own, one, b"a", b"b", b"c", end=5))
    assert stage.slices == [[b"a", b"b"], [b"c"]]
    assert own.applied == 3
    assert own.table.positions.offsets == moved(one, 5), "past the markers after the last record"
    flush(own)
    assert own.table.flushed == moved(one, 5)


@pytest.mark.parametrize(
    ("values", "error", "applied"),
    [
        ([b"a", b"b", b"c", BROKEN, b"d"], StateFormatError, 3),
        ([b"a", b"b", b"c", MISSING, b"d"], MissingDefinitionsError, 3),
        ([BROKEN, b"a"], StateFormatError, 0),
        ([MISSING, BROKEN], MissingDefinitionsError, 0),
    ],
)
async def test_what_is_before_a_record_that_cannot_be_applied_is_applied(
    own: Ownership, one: ProfileInput, values: list[bytes], error: type[Exception], applied: int
) -> None:
    stage = Noting(one)
    with pytest.raises(error) as raised:
        await stage.apply(own, run(own, one, *values, end=9))
    assert [value for slice_ in stage.slices for value in slice_] == values[:applied]
    assert own.table.positions.offsets == moved(one, applied)
    if error is StateFormatError:
        assert str(raised.value).startswith(f"{one.title}-0 offset {applied}: it is broken")


async def test_nothing_of_a_run_is_applied_once_its_gate_is_dead(
    own: Ownership, one: ProfileInput
) -> None:
    stage = Noting(one)
    stage.ends_at = b"a"
    await stage.apply(own, run(own, one, b"a", b"b", b"c", end=5))
    assert stage.slices == [[b"a", b"b"]]
    assert own.table.positions.offsets == moved(one, 2)


async def test_a_run_of_another_ownership_is_dropped(
    own: Ownership, one: ProfileInput, tmp_path: Path
) -> None:
    earlier = owned(ProfileTable(RocksDBStore(tmp_path / "earlier"), Positions()))
    stage = Noting(one)
    await stage.apply(own, run(earlier, one, b"a", end=1))
    assert stage.slices == []
    assert own.table.positions.offsets == offsets()


async def test_a_run_waits_for_room_without_the_lock(own: Ownership, one: ProfileInput) -> None:
    stage = Noting(one)
    own.room.clear()
    applying = asyncio.create_task(stage.apply(own, run(own, one, b"a", end=1)))
    await asyncio.sleep(0.01)
    assert stage.slices == []
    assert not own.work.locked(), "the flush that makes room needs it"
    own.room.set()
    await applying
    assert stage.slices == [[b"a"]]

"""What the storm reads out of its broker's own files."""

import struct
from pathlib import Path

import pytest

from tests.storm.broker import StormBroker, aborts_in

CONTROL, PLAIN = 0x30, 0x10


def batch(attributes: int, record: bytes) -> bytes:
    """A record batch as a segment has it, with one record."""
    rest = struct.pack(">ibIhiqqqhii", 0, 2, 0, attributes, 0, 0, 0, 7, 0, -1, 1) + record
    return struct.pack(">qi", 0, len(rest)) + rest


def marker(kind: int) -> bytes:
    """The end of a transaction: key of version 0 and a type, value of version 0 and an epoch."""
    body = b"\x00\x00\x00\x08" + struct.pack(">hh", 0, kind) + b"\x0c" + struct.pack(">hi", 0, 3)
    return bytes([2 * len(body)]) + body + b"\x00"


@pytest.mark.parametrize(
    ("batches", "aborts"),
    [
        ([], 0),
        ([batch(PLAIN, b"\x20" + marker(0)[1:])], 0),
        ([batch(CONTROL, marker(1))], 0),
        ([batch(CONTROL, marker(0))], 1),
        ([batch(PLAIN, b"x" * 500), batch(CONTROL, marker(0)), batch(CONTROL, marker(0))], 2),
    ],
    ids=["nothing", "records", "a commit", "an abort", "two aborts behind records"],
)
def test_abort_markers_are_counted(tmp_path: Path, batches: list[bytes], aborts: int) -> None:
    segment = tmp_path / "0.log"
    segment.write_bytes(b"".join(batches))
    assert aborts_in(segment) == aborts


def test_a_segment_that_is_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    segment = tmp_path / "0.log"
    segment.write_bytes(batch(CONTROL, marker(0)) + batch(CONTROL, marker(0))[:30])
    assert aborts_in(segment) == 1


def test_rebalances_are_the_generations_of_the_group(tmp_path: Path) -> None:
    broker = StormBroker(tmp_path)
    assert broker.rebalances("storm") == 0
    line = "INFO x [GroupCoordinator id=1] Stabilized group {} generation {} with 2 members.\n"
    (tmp_path / "kafka.log.1").write_text(line.format("storm", 3))
    (tmp_path / "kafka.log").write_text(line.format("storm", 12) + line.format("other", 40))
    assert broker.rebalances("storm") == 12

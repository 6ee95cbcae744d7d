"""What an older version wrote is read as what it was, and what we write at its level is the same.

Golden files: tests/data/records-level-N.json (tests/golden/make.py).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from processor.engine import changed_records, decode_coverage, decode_part, decode_profile
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL, Kind
from processor.streaming.messages.frames import decode_frame
from processor.streaming.profiles.positions import Positions
from tests.golden import records
from tests.golden.first_version import unpack
from tests.golden.make import golden_file, written_by

LEVELS = range(FIRST_LEVEL, NEWEST_LEVEL + 1)


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def golden(level: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(golden_file(level).read_text())
    return found


def test_level_1_is_what_the_first_version_writes(tmp_path: Path) -> None:
    assert written_by(unpack(tmp_path)) == golden_file(FIRST_LEVEL).read_text()


def test_each_record_is_written_as_its_golden(level: int, golden: dict[str, Any]) -> None:
    assert records.all_records(level, level) == golden


def test_a_frame_is_read(level: int, golden: dict[str, Any]) -> None:
    assert decode_frame(bytes.fromhex(golden["frame"]), "enriched") == records.sections(level)


def test_positions_are_read(level: int, golden: dict[str, Any]) -> None:
    found, wanted = Positions.decode(bytes.fromhex(golden["positions"])), records.positions(level)
    assert vars(found) == vars(wanted)


def test_a_coverage_is_read(level: int, golden: dict[str, Any]) -> None:
    assert decode_coverage(bytes.fromhex(golden["coverage"])) == records.coverage(level)


def test_parts_are_read(level: int, golden: dict[str, Any]) -> None:
    found = [decode_part(bytes.fromhex(one)) for one in golden["parts"]]
    assert found == records.parts(level)


def test_a_profile_is_read(level: int, golden: dict[str, Any]) -> None:
    wanted = records.profile(level)
    stored = {
        bytes.fromhex(suffix): bytes.fromhex(record) for suffix, record in golden["profile"].items()
    }
    found = decode_profile(stored[b""], stored)
    assert found.head == wanted.head
    assert stored.keys() == records.profile_records().keys()
    for suffix in stored.keys() - {b""}:
        assert plain(found.parts.get(suffix)) == plain(wanted.parts.get(suffix))


def plain(part: Any) -> Any:
    return part.to_plain() if hasattr(part, "to_plain") else part


def test_the_golden_profile_has_every_kind_of_record(level: int, golden: dict[str, Any]) -> None:
    starts = {record[:4] for record in golden["profile"].values()}
    kinds = (Kind.HEAD, Kind.CHUNK, Kind.NODE, Kind.LIFETIME_STATE)
    assert starts == {start(kind, level) for kind in kinds}


def test_a_profile_of_one_level_goes_on_at_another(level: int) -> None:
    """A worker takes over what was written at one level, and writes at another what it changes."""
    stored = records.profile_records()
    profile = decode_profile(stored[b""], stored)
    changed, *_ = (suffix for suffix in stored if suffix)
    profile.changed = True
    profile.parts.put(changed, profile.parts.get(changed))
    mixed = stored | {
        suffix: record for suffix, record in changed_records(profile, level) if record is not None
    }
    assert mixed[b""][:2].hex() == start(Kind.HEAD, level)
    again = decode_profile(mixed[b""], mixed)
    assert again.head == profile.head
    for suffix in stored.keys() - {b""}:
        assert plain(again.parts.get(suffix)) == plain(profile.parts.get(suffix))


def start(kind: Kind, level: int) -> str:
    return kind.written[level - FIRST_LEVEL].start.hex()

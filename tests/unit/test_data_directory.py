import os
import stat
from pathlib import Path

import pytest

from processor.data_directory import lock_data_dir
from processor.errors import StateError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_a_new_directory_is_for_its_user_alone(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        os.close(lock_data_dir(tmp_path / "a" / "data"))
    finally:
        os.umask(before)
    assert mode(tmp_path / "a" / "data") == 0o700
    assert mode(tmp_path / "a" / "data" / "worker.lock") == 0o600


def test_two_workers_do_not_share_a_directory(tmp_path: Path) -> None:
    held = lock_data_dir(tmp_path)
    with pytest.raises(StateError, match="in use by another worker"):
        lock_data_dir(tmp_path)
    os.close(held)
    os.close(lock_data_dir(tmp_path))


def test_a_path_that_cannot_be_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="cannot use the data directory"):
        lock_data_dir(tmp_path / "file")

import os
import stat
from pathlib import Path

import pytest

from processor.private_directory import make_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("was", [0o755, 0o777, 0o770, 0o701, 0o700, 0o500])
def test_a_directory_that_is_there_becomes_so(tmp_path: Path, was: int) -> None:
    tmp_path.chmod(was)
    assert make_private(tmp_path)
    assert mode(tmp_path) == was & 0o700
    tmp_path.chmod(0o700)


def test_the_directory_of_somebody_else_stays_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    tmp_path.chmod(0o755)
    monkeypatch.setattr(os, "chmod", refuse)
    assert not make_private(tmp_path)
    assert mode(tmp_path) == 0o755

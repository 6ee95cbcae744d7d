"""Directories for data that no other user of a machine may read: profiles of visitors, events."""

from pathlib import Path
from typing import Final

_MINE: Final = 0o700


def make_private(directory: Path) -> bool:
    """Make a directory that only this user can access; return whether that succeeded.

    It does not succeed if the directory belongs to another user.

    Raises:
        OSError: the directory cannot be made.
    """
    directory.mkdir(mode=_MINE, parents=True, exist_ok=True)
    mode = directory.stat().st_mode & 0o777
    if mode == mode & _MINE:
        return True
    try:
        directory.chmod(mode & _MINE)
    except PermissionError:
        return False
    return True

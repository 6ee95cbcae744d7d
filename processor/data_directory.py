"""The data directory of a worker: at most one process uses it, and only its user reads it."""

import fcntl
import os
from pathlib import Path

import structlog

from processor.errors import StateError
from processor.private_directory import make_private

log = structlog.get_logger(__name__)


def lock_data_dir(data_dir: Path) -> int:
    """Lock the data directory for this process; the lock ends with the process.

    Only this user may read the directory, because it contains visitors' data.

    Raises:
        StateError: another worker uses it, or it is not writable.
    """
    try:
        if not make_private(data_dir):
            hint = (
                "other users may read profiles: make the worker's user the owner of the directory"
            )
            log.warning("data_dir_is_not_private", path=str(data_dir), hint=hint)
        handle = os.open(data_dir / "worker.lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        message = f"cannot use the data directory {str(data_dir)!r}"
        raise StateError(
            message, detail=str(error), hint="set PROCESSOR_DATA_DIR to a writable directory"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        message = f"the data directory {str(data_dir)!r} is in use by another worker"
        raise StateError(
            message, hint="give each worker a PROCESSOR_DATA_DIR of its own"
        ) from error
    return handle

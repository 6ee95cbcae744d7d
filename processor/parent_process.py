"""Makes a child process end with its parent, in whatever way the parent ends."""

import ctypes
import os
import signal
import sys
import threading
import time

# How late the parent's end is noticed if the kernel sends no signal.
_POLL_S = 0.2
# prctl(2): the signal that a process gets when its parent ends.
_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Arrange that this process is killed when the process `parent` ends.

    Killing a worker does no harm at any moment, so there is no graceful end.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _check(parent)
    else:
        threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _check(parent: int) -> None:
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while True:
        _check(parent)
        time.sleep(_POLL_S)

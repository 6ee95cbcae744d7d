"""A child process that does not outlive the one that started it, however that one ends."""

import ctypes
import os
import signal
import sys
import threading
import time

# How late the parent's end is noticed where the kernel does not tell.
_POLL_S = 0.2
# prctl(2): the signal that a process gets when its parent ends.
_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Arrange that this process is killed when the process `parent` ends.

    A worker may be killed at any moment without harm, so nothing is asked to end in order.
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

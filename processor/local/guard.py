"""Ends Kafka's Java process when the process that started it ends, in whatever way.

Run as a separate script: `python guard.py LOCK_FD COMMAND...`. It runs between owner and Java:

 1. standard input is a pipe that only the owner writes to: it ends when the owner closes it (a
    graceful stop) and when the owner dies, even by SIGKILL
 2. if a child of the owner holds the pipe open, the guard's parent id changes instead
 3. if the guard itself is killed, the kernel ends Java with it (Linux)

The kernel sends its parent-death signal when the *thread* that started the child ends. The guard
has one thread, which lives as long as the guard. The owner could not use that signal, because it
may start the broker from any thread. LOCK_FD is the lock of the data directory: Java inherits it,
so that the directory is free only after Java has released it.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable

# How long Java may take to write its state and end before it is killed.
TERMINATE_TIMEOUT_S = 10.0
# How late the end of Java, or of an owner whose pipe is still open, is noticed.
POLL_S = 0.1
# An exit status above this one is a signal's.
SIGNAL_STATUS = 128
# prctl(2): the signal that a process gets when its parent ends.
_PR_SET_PDEATHSIG = 1


def _death_signal() -> Callable[[], None] | None:
    """Return what a child runs to be killed with this process; None if there is no such call."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def _end(java: "subprocess.Popen[bytes]") -> int:
    java.terminate()
    try:
        return java.wait(TERMINATE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        java.kill()
        return java.wait()


def main(lock_fd: int, command: list[str]) -> int:
    """Run `command` until it ends or the owner does.

    Returns:
        Its exit status; as in a shell, SIGNAL_STATUS and the number of the signal that killed it.
    """
    owner = os.getppid()
    java = subprocess.Popen(  # noqa: S603 - the owner's command
        command, stdin=subprocess.DEVNULL, pass_fds=(lock_fd,), preexec_fn=_death_signal()
    )
    while java.poll() is None:
        ended, _, _ = select.select([sys.stdin], [], [], POLL_S)
        if ended or os.getppid() != owner:
            return _end(java)
    return java.returncode if java.returncode >= 0 else SIGNAL_STATUS - java.returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))

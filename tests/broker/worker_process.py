"""A worker as `processor worker` runs it, that can end itself between the steps of a flush.

CRASH_AFTER="STEP:COUNT" kills the process (SIGKILL) when it has done that step of a flush (see
processor/streaming/flush.py) for the COUNTth time. FREEZE_AFTER does the same with SIGSTOP.
TRIM_EVERY_S is the time between two removals of what is applied.
"""

import os
import signal

import uvloop

from processor.app import configure_logging, run_worker
from processor.settings import Settings
from processor.streaming import trimming


class SignalAt:
    """Sends this process a signal after a step was done so many times."""

    def __init__(self, where: str, number: int) -> None:
        self._step, self._left = (int(part) for part in where.split(":"))
        self._number = number

    def __call__(self, step: int) -> None:
        if step == self._step:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._number)


def main() -> None:
    settings = Settings()
    configure_logging(settings)
    trimming.INTERVAL_S = float(os.environ.get("TRIM_EVERY_S", trimming.INTERVAL_S))
    crash, freeze = os.environ.get("CRASH_AFTER"), os.environ.get("FREEZE_AFTER")
    if crash:
        uvloop.run(run_worker(settings, hook=SignalAt(crash, signal.SIGKILL)))
    elif freeze:
        uvloop.run(run_worker(settings, hook=SignalAt(freeze, signal.SIGSTOP)))
    else:
        uvloop.run(run_worker(settings))


if __name__ == "__main__":
    main()

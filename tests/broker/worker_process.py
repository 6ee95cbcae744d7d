"""A worker as `processor worker` runs it, that can end itself between the steps of a flush.

CRASH_AFTER="STEP:COUNT" kills the process (SIGKILL) when it has done that step of a flush (see
processor/streaming/profiles/flush.py) for the COUNTth time. FREEZE_AFTER does the same with
SIGSTOP. TRIM_EVERY_S is the time between two removals of what is applied. FAILS_FOR is in the ids
of events that meet a fault of ours when they are applied: half of what they change is changed then.
Metrics are never older than the request for them; METRICS_AGE_S sets another age.
"""

import os
import signal
from typing import Any

import uvloop

from processor import request_limits
from processor.app import run_and_end, run_worker
from processor.logs import configure_logging
from processor.settings import Settings
from processor.streaming.profiles import profile_stage, trimming


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


def plant_fault(wanted: str) -> None:
    """Let the step fail for some events behind its changes."""
    real = profile_stage.step

    def faulty(profile: Any, contribution: Any, *rest: Any, **more: Any) -> Any:
        stepped = real(profile, contribution, *rest, **more)
        if wanted in contribution.trigger.event_id:
            raise ZeroDivisionError(wanted)
        return stepped

    profile_stage.step = faulty


def main() -> None:
    settings = Settings()
    configure_logging(settings)
    request_limits.METRICS_AGE_S = float(os.environ.get("METRICS_AGE_S", "0"))
    if "TRIM_EVERY_S" in os.environ:
        trimming.INTERVAL_S, trimming.BEHIND_S = float(os.environ["TRIM_EVERY_S"]), 0.0
    if wanted := os.environ.get("FAILS_FOR"):
        plant_fault(wanted)
    crash, freeze = os.environ.get("CRASH_AFTER"), os.environ.get("FREEZE_AFTER")
    if crash:
        uvloop.run(run_and_end(run_worker(settings, hook=SignalAt(crash, signal.SIGKILL))))
    elif freeze:
        uvloop.run(run_and_end(run_worker(settings, hook=SignalAt(freeze, signal.SIGSTOP))))
    else:
        uvloop.run(run_and_end(run_worker(settings)))


if __name__ == "__main__":
    main()

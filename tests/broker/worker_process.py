"""A worker as `processor worker` runs it, that can end itself between the steps of a flush.

It differs from the product's in two ways: whichever of its processes ends, the worker ends in the
same way (RESTARTS=1: it is started again, as in the product), and CRASH_AFTER="STEP:COUNT" kills
the process of the profile stage (SIGKILL) when it has done that step of a flush (see
processor/streaming/profiles/flush.py) for the COUNTth time. FREEZE_AFTER does the same with
SIGSTOP. TRIM_EVERY_S is the time between two removals of what is applied. FAILS_FOR is in the ids
of events that meet a fault of ours when they are applied: half of what they change is changed then.
Metrics are never older than the request for them; METRICS_AGE_S sets another age. STAGES is one
stage alone; PAIRS is the number of processes of each.
"""

import os
import signal
import sys
from typing import Any

from processor import request_limits
from processor.errors import ProcessorError
from processor.logs import configure_logging
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.profiles import profile_stage, trimming
from processor.streaming.profiles.flush import StepHook, no_hook
from processor.supervisor import Supervisor
from processor.worker_processes import worker_processes

_KILLED = 128


class SignalAt:
    """Sends this process a signal after a step was done so many times."""

    def __init__(self, where: str, number: int) -> None:
        self._step, self._left = (int(part) for part in where.split(":"))
        self._number = number

    def __call__(self, step: int) -> None:
        if step == self._step:
            self._left -= 1
            if self._left == 0:
                if self._number == signal.SIGSTOP:  # all of it, as a machine freezes
                    os.killpg(0, signal.SIGSTOP)
                else:
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


def hook() -> StepHook:
    if "CRASH_AFTER" in os.environ:
        return SignalAt(os.environ["CRASH_AFTER"], signal.SIGKILL)
    if "FREEZE_AFTER" in os.environ:
        return SignalAt(os.environ["FREEZE_AFTER"], signal.SIGSTOP)
    return no_hook


def main() -> None:
    settings = Settings()
    configure_logging(settings)
    request_limits.METRICS_AGE_S = float(os.environ.get("METRICS_AGE_S", "0"))
    if "TRIM_EVERY_S" in os.environ:
        trimming.INTERVAL_S, trimming.BEHIND_S = float(os.environ["TRIM_EVERY_S"]), 0.0
    if wanted := os.environ.get("FAILS_FOR"):
        plant_fault(wanted)
    stages = tuple(Stage(one) for one in os.environ.get("STAGES", "source,profiles").split(","))
    children = worker_processes(settings, stages, int(os.environ.get("PAIRS", "1")), hook=hook())
    try:
        status = Supervisor(children, lambda: None, restarts="RESTARTS" in os.environ).run()
    except ProcessorError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 1
    if status > _KILLED:
        os.kill(os.getpid(), status - _KILLED)
    sys.exit(status)


if __name__ == "__main__":
    main()

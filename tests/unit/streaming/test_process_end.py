import os
import subprocess
import sys

import pytest

from processor.errors import StateError
from processor.streaming import process_end
from processor.streaming.process_end import EXIT_FATAL, end_process

FULL, OURS = StateError("full", hint="free space"), KeyError("ours")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (FULL, {"error": str(FULL), "exc_info": None}),
        (OURS, {"error": repr(OURS), "exc_info": OURS}),
    ],
)
def test_it_logs_the_error_and_ends_the_process(
    error: Exception, line: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[int] = []
    lines: list[dict[str, object]] = []

    class Log:
        def error(self, _event: str, **values: object) -> None:
            lines.append(values)

    monkeypatch.setattr(os, "_exit", ends.append)
    monkeypatch.setattr(process_end, "log", Log())
    end_process(error)
    assert ends == [EXIT_FATAL]
    assert lines[0]["error"] == line["error"]


STOPS = {
    "in time": "pass",
    "blocks the event loop": "__import__('time').sleep(60)",
    "is not cancelled": """
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass
    """,
    "fails": "raise KeyError",
}


@pytest.mark.parametrize(
    ("stop", "status", "line"),
    [
        ("in time", 7, False),
        ("blocks the event loop", 0, True),
        ("is not cancelled", 0, True),
        ("fails", 1, False),
    ],
)
def test_a_stop_that_takes_too_long_ends_the_process(stop: str, status: int, line: bool) -> None:
    program = f"""
import asyncio, sys
from processor.streaming.process_end import stop_deadline

async def stop():
    with stop_deadline(1.0):
        {STOPS[stop].strip()}

asyncio.run(stop())
sys.exit(7)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == status, done.stderr
    assert ("stopped_without_kafka" in done.stdout) == line

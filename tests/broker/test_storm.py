"""A short storm: whatever happens to workers and Kafka, what comes out equals the naive model."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storm.parts import NAMES

pytestmark = [pytest.mark.broker, pytest.mark.storm, pytest.mark.timeout(600)]

SECONDS = 45
SEED = os.environ.get("STORM_SEED", "7")


def test_a_storm_changes_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.storm",
            "--seconds", str(SECONDS), "--seed", SEED, "--directory", str(tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-5_000:]}"
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(", ".join(rf"\d+ {name}" for name in NAMES), last), last
    counts = dict(zip(NAMES, map(int, re.findall(r"\d+", last)), strict=True))
    assert counts["events"] > 2_000
    assert counts["kills"] >= 2  # the storm goes by the clock: a slow machine sees fewer of each
    assert counts["zombies"] >= 1
    assert counts["broker kills"] >= 1
    assert counts["rebalances"] >= 2

"""What a profile is said to take in memory, against what a process takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# The estimate is never much less than what is taken. It is more where states share texts, each of
# which counts them.
LEAST, MOST = 0.85, 2.5


@pytest.mark.parametrize(
    "shape",
    ["lifetimes", "few entries", "inline entries", "numbers", "texts", "distinct texts"],
)
def test_the_weight_of_profiles_is_about_what_a_process_takes_for_them(shape: str) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.profile_weights", shape]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    told = json.loads(done.stdout)
    assert LEAST <= told["weight"] / told["taken"] <= MOST, told

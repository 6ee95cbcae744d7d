"""A process with many profiles of large windows stays near its budget, by what the system says."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROFILES, ENTRIES = 300, 3000
BUDGET_MIB = 64
MIB = 2**20


def measured(budget_mib: int) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.benchmarks.memory"]
    command += [str(one) for one in (PROFILES, budget_mib, ENTRIES)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    found: dict[str, int] = json.loads(done.stdout)
    return found


def test_many_profiles_with_large_windows_take_no_more_than_twice_the_budget() -> None:
    found = measured(BUDGET_MIB)
    assert found["counted_peak"] <= BUDGET_MIB * MIB
    assert found["rss_peak"] - found["rss_before"] <= 2 * BUDGET_MIB * MIB, found


def test_without_the_bound_they_would_take_far_more() -> None:
    found = measured(4096)
    assert found["rss_peak"] - found["rss_before"] > 3 * BUDGET_MIB * MIB, found

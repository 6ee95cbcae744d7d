"""What processes use is counted, also of children, and of those that have ended."""

import subprocess
import sys
import time

from tests.benchmarks.bench.process_tree import ProcessTree

WORK = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {WORK + 'input()'!r}])"


def until(tree: ProcessTree, cpu_s: float) -> None:
    deadline = time.monotonic() + 30
    while tree.cpu_s < cpu_s:
        assert time.monotonic() < deadline, f"{tree.cpu_s} s"
        tree.look()
        time.sleep(0.02)


def test_children_count_and_what_ended_stays_counted() -> None:
    process = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE)
    tree = ProcessTree([process.pid])
    until(tree, 0.3)
    assert tree.memory > 1_000_000
    before = tree.cpu_s
    process.communicate(b"\n")
    tree.look()
    assert tree.cpu_s == before
    assert tree.memory == 0

"""How Python itself runs in a worker: its garbage collector, and its lock between threads."""

import gc
import sys

# Cycles are rare here and profiles live long: the garbage collector checks young objects seldom and
# old ones hardly ever. With Python's own thresholds it took a twelfth of the time. Everything
# else waits while it runs: it took 30 ms for 50,000 young objects.
GC_THRESHOLDS = (5_000, 200, 100)
# Two threads work all the time: the agents' and aiokafka's. At 5 ms, Python's own interval, passing
# the lock back and forth cost a sixth of the throughput. A thread that waits for input releases the
# lock anyway.
SWITCH_INTERVAL_S = 0.02


def tune_interpreter() -> None:
    """Set both, and let the garbage collector leave out what is loaded by now."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)

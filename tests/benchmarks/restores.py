"""How late an event loop is while a worker restores many partitions at once.

The broker is left out: each reader gives batches as quickly as they are asked for. The stores are
RocksDB, the threads and what is set of Python those of a worker. A loop wakes up every 10 ms
meanwhile, as that of the API does for requests; late is what it is beyond that.

Run: python -m tests.benchmarks.restores [PARTITIONS [SECONDS [VALUE_BYTES]]]. Prints JSON: lateness
in ms, without restores and with them, and how much was restored.
"""

import asyncio
import gc
import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from processor.clock import monotonic_s
from processor.interpreter import GC_THRESHOLDS, SWITCH_INTERVAL_S
from processor.kafka.record import FetchedRecord
from processor.limits import PARTITIONS_PER_WORKER_MAX
from processor.settings import Settings
from processor.state import RocksDBStore
from processor.streaming.profiles import takeover
from processor.streaming.profiles.restore_turns import RestoreTurns
from processor.streaming.profiles.takeover import TakeoverPlace, restore

LOOK_S = 0.01
BATCH = 1_000
BLOB = os.urandom(1 << 22)


class Reader:
    """A changelog that is read as quickly as Python takes it, for some time."""

    reading = True
    value_bytes = 800
    restored = 0

    def __init__(self, *_place: Any) -> None:
        self.offset = 0

    def bounds(self) -> tuple[int, int]:
        return 0, 10**9

    def read(self, _start: int | None, _progress: Any = None) -> Iterator[list[FetchedRecord]]:
        while Reader.reading:
            yield [self._record() for _ in range(BATCH)]
            Reader.restored += BATCH * Reader.value_bytes

    def _record(self) -> FetchedRecord:
        self.offset += 1
        at = self.offset * 997 % (len(BLOB) - Reader.value_bytes)
        key = b"\x02%016x" % (self.offset * 2654435761 % 2**64)
        value = BLOB[at : at + Reader.value_bytes]
        return FetchedRecord("changelog", 0, self.offset, 0, 0, key, value)

    def close(self) -> None:
        pass


async def lateness(seconds: float) -> list[float]:
    """Return by how many ms each wake-up was late."""
    found = []
    ends_at = monotonic_s() + seconds
    while (begun := monotonic_s()) < ends_at:
        await asyncio.sleep(LOOK_S)
        found.append((monotonic_s() - begun - LOOK_S) * 1000)
    return found


def told(late: list[float]) -> dict[str, float]:
    cuts = quantiles(late, n=100)
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1), "max": round(max(late), 1)}


def measure(partitions: int, seconds: float, directory: Path) -> dict[str, Any]:
    """Return lateness alone and beside restores, and MB a second that were restored."""
    executor = ThreadPoolExecutor(PARTITIONS_PER_WORKER_MAX)
    alone = asyncio.run(lateness(seconds / 4))
    turns = RestoreTurns()

    def take(number: int) -> None:
        """Open a store and restore it, as a takeover does."""
        place = TakeoverPlace(Settings(), number, "changelog", {}, turns)
        with turns.work():
            store = RocksDBStore(directory / str(number))
        restore(place, store, lambda _: None, lambda: True)
        store.close()

    restores = [executor.submit(take, number) for number in range(partitions)]
    beside = asyncio.run(lateness(seconds))
    written = Reader.restored
    Reader.reading = False
    for one in restores:
        one.result()
    return {
        "partitions": partitions, "late_ms_alone": told(alone), "late_ms": told(beside),
        "mb_per_s": round(written / seconds / 1e6, 1), "threads": threading.active_count(),
    }  # fmt: skip


if __name__ == "__main__":
    asked = [int(one) for one in sys.argv[1:]]
    count, length, Reader.value_bytes = [*asked, *(64, 20, 800)[len(asked) :]]
    takeover.PartitionReader = Reader  # type: ignore[misc, assignment]  # the broker is left out
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    with TemporaryDirectory() as place:
        print(json.dumps(measure(count, length, Path(place))))
    os._exit(0)

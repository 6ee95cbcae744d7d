"""What a worker takes for profiles with large windows, however many there are.

The records of one profile, of 12 windowed attributes over ENTRIES entries with a rule on each, are
written into a store under many ids. Then each profile gets EVENTS events, as frames that the
profile stage applies and the flusher writes; Kafka is left out.

Run: python -m tests.benchmarks.memory [PROFILES [BUDGET_MIB [ENTRIES]]]. By default 5,000 profiles
of 20,000 entries within 1,024 MiB, which takes 7 GB of disk and some minutes. Prints JSON: bytes
of the process before and at its peak, and what was counted. With 100 profiles and a large budget
it shows what each takes where there is room.
"""

import asyncio
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import psutil

from processor.engine import Contribution, Plan
from processor.formats import NEWEST_LEVEL
from processor.kafka.partitioner import Partitioner
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.state import RocksDBStore
from processor.streaming.fetch.gates import Gate, ProfileGates
from processor.streaming.messages.frames import Section, encode_frame, encode_section
from processor.streaming.profiles.flush import Flusher, Flushing
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_stage import ProfileStage
from processor.streaming.profiles.profile_table import ProfileTable, record_prefix
from processor.streaming.profiles.takeover import TakeoverPlace
from processor.streaming.profiles.worker_memory import WorkerMemory
from tests.benchmarks.profile_weights import ALL, Shape, events, plan_of, stored
from tests.by_hand import contribution_of
from tests.unit.streaming.fakes import FakeConsumer

MIB = 2**20
KEY = "domain_userid"
EVENTS = 3
PROFILES_PER_FRAME = 20
COPIES_AT_ONCE = 4


@dataclass
class Record:
    """A frame as it comes from Kafka."""

    offset: int
    value: bytes
    timestamp: int = 0
    timestamp_type: int = 1


class Producer:
    """Takes each transaction at once."""

    committed = 0

    def send_all(self, records: Any, outgoing: Any) -> None:
        """Look at all records, as encoding them does."""
        assert all(key for key, _ in records)

    def commit(self) -> int:
        """Return the last offset."""
        self.committed += 1
        return self.committed


def peak_bytes() -> int:
    """Return the most memory this process had; `ru_maxrss` would count that of its parent, too."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])  # type: ignore[index]


class Definitions:
    """One plan, that everybody has."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    async def require(self, _offset: int, _wanted: Any) -> None:
        """Return at once."""


class Run:
    """One partition with many copies of a profile, within a budget."""

    def __init__(self, path: Path, shape: Shape, profiles: int, budget_bytes: int) -> None:
        self.ids = [f"user-{number:06d}" for number in range(profiles)]
        self.plan = plan_of(shape, rules=True)
        self.shape = shape
        store = RocksDBStore(path)
        copies = [*stored(shape).items()]
        for start in range(0, profiles, COPIES_AT_ONCE):
            prefixes = [record_prefix(KEY, one) for one in self.ids[start : start + COPIES_AT_ONCE]]
            store.write((prefix + suffix, value) for prefix in prefixes for suffix, value in copies)
        self.memory = WorkerMemory(budget_bytes)
        table = ProfileTable(store, Positions(), self.memory.begin(0))
        gates = ProfileGates(
            {one: Gate(one.title, 0, 1, "m", NEWEST_LEVEL) for one in ProfileInput}
        )
        for gate in gates.all:
            gate.opens_at(0)
        producer: Any = Producer()
        definitions: Any = Definitions(self.plan)
        self.own = Ownership(gates, table, producer)
        self.own.begin(self.plan)
        self.stage = ProfileStage(Settings(), definitions, Partitioner(1))

    async def apply_all(self) -> dict[str, Any]:
        """Give each profile its events; return what was measured."""
        process = psutil.Process()
        before = process.memory_info().rss
        executor: Any = None
        flusher = Flusher(
            TakeoverPlace(Settings(), 0, "changelog", {}),
            self.own,
            FakeConsumer(),
            executor,
            Flushing(),
        )
        flushing = asyncio.create_task(flusher.run())
        later = events(self.plan, self.shape, self.shape.events, EVENTS)
        begun = process_time()
        counted = 0
        for number, start in enumerate(range(0, len(self.ids), PROFILES_PER_FRAME)):
            frame = self._frame(number, self.ids[start : start + PROFILES_PER_FRAME], later)
            await self.stage.apply(self.own, frame)
            self.memory.look()
            counted = max(counted, self.memory.budget.held)
        while self.own.has_changes:
            await flusher.flush()
        flushing.cancel()
        return {
            "profiles": len(self.ids), "entries": self.shape.events,
            "budget": self.memory.budget.bytes_max, "counted_peak": counted,
            "rss_before": before, "rss_after": process.memory_info().rss,
            "rss_peak": peak_bytes(),
            "cpu_ms_per_profile": (process_time() - begun) / len(self.ids) * 1e3,
        }  # fmt: skip

    def _frame(self, number: int, ids: list[str], later: list[Contribution]) -> Any:
        contributions = [
            contribution_of(
                number * EVENTS * len(ids) + at, KEY, one, event.trigger.time_ms,
                f"{one}-{event.trigger.event_id}", event.trigger.event_name, "", event.values,
            )
            for at, (one, event) in enumerate((one, event) for one in ids for event in later)
        ]  # fmt: skip
        section = Section("enriched", 0, self.plan.definitions_offset, 1, number, contributions)
        value = encode_frame([encode_section(section, NEWEST_LEVEL)], NEWEST_LEVEL)
        return self.own.gates[ProfileInput.CONTRIBUTIONS].run([Record(number, value)], number + 1)


def measure(profiles: int, budget_mib: int, entries: int) -> dict[str, Any]:
    """Return what was measured over some profiles of so many entries."""
    with TemporaryDirectory() as directory:
        shape = Shape(ALL, (7, 1, 0.25), entries, 1, 300)
        run = Run(Path(directory) / "s", shape, profiles, budget_mib * MIB)
        found = asyncio.run(run.apply_all())
        run.own.table.store.close()
    return found


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    print(json.dumps(measure(*[*given, *(5_000, 1_024, 20_000)[len(given) :]])))

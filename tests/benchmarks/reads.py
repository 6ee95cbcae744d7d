"""What a read of 20 windowed attributes over 10,000 entries costs the worker that owns the profile.

The profile is in a table over RocksDB, and is read as the API reads it: for the first time, again
a moment later, and after each flush of one more event (5 % come late, anywhere in the window).

Run: python -m tests.benchmarks.reads. Prints a table of ms of CPU time; nothing is compared.
"""

import random
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from definitions import Attribute, StreamAttributeGroup, domain_userid
from definitions.catalog import Catalog
from processor.engine import Plan, compile_plan, read_values, step
from processor.formats import NEWEST_LEVEL
from processor.state import RocksDBStore
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import ProfileTable, record_prefix
from tests.benchmarks.windows import (
    AGGREGATIONS,
    CATEGORIES,
    LATE,
    OWNER,
    START_MS,
    STEP_MS,
)
from tests.by_hand import contribution_of

ENTRIES = 10_000
READS = 200
KEY = "domain_userid"
PREFIX = record_prefix(KEY, "u")


def plan_of(periods: list[int]) -> Plan:
    """Five aggregations over each of some periods, in entries."""
    attributes = [
        Attribute(
            name=f"{name}_{number}", type=kind, events=[], aggregation=name, property=prop,
            period=timedelta(milliseconds=entries * STEP_MS),
        )
        for number, entries in enumerate(periods)
        for name, (kind, prop) in AGGREGATIONS.items()
    ]  # fmt: skip
    group = StreamAttributeGroup(
        name="g", attribute_key=domain_userid, attributes=attributes, owner=OWNER, is_published=True
    )
    return compile_plan(Catalog.empty().with_objects([group]))


class Run:
    """One profile of a table."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self.table = ProfileTable(RocksDBStore(directory), Positions())
        self.profile = self.table.new_profile(PREFIX)
        self.plan = plan
        self.attributes = plan.group_attributes("g")
        self.series = {one.name.split("_")[0]: one.series_id for one in self.attributes}
        self.random = random.Random(1)
        self.now_ms = START_MS
        self.number = 0

    def event(self) -> None:
        self.number += 1
        self.now_ms += STEP_MS
        late = self.random.random() < LATE
        text = f"/shop/category/{self.random.randrange(CATEGORIES)}"
        values: dict[int, Any] = {
            self.series["counter"]: None,
            self.series["sum"]: self.random.randrange(10_000) / 100,
            self.series["unique"]: text,
        }
        contribution = contribution_of(
            self.number, KEY, "u",
            self.now_ms - (self.random.randrange(ENTRIES * STEP_MS) if late else 0),
            f"event-{self.number}", "page_view", "", list(values.items()),
        )  # fmt: skip
        step(self.profile, contribution, self.plan)
        self.table.changed(PREFIX, self.profile)

    def flush(self) -> None:
        for _ in self.table.begin_flush(NEWEST_LEVEL):
            pass
        self.table.publish()
        self.table.write("changelog", self.number, 0)
        self.table.end_flush()

    def read(self) -> float:
        begun = process_time()
        with self.table.committed_profile(KEY, "u") as profile:
            values = read_values(profile, self.attributes, self.now_ms)
        took_ms = (process_time() - begun) * 1e3
        assert len(values) == len(self.attributes)
        return took_ms


def measure(label: str, periods: list[int]) -> None:
    with TemporaryDirectory() as directory:
        run = Run(Path(directory), plan_of(periods))
        for _ in range(ENTRIES * 5 // 4):
            run.event()
            if run.number % 8 == 0:
                run.flush()
        run.flush()
        first = run.read()
        again = []
        for _ in range(READS):
            run.now_ms += 10
            again.append(run.read())
        after = []
        for _ in range(READS):
            run.event()
            run.flush()
            after.append(run.read())
        print(
            f"{label}: first {first:.2f}, again {median(again):.2f} "
            f"(p99 {quantiles(again, n=100)[98]:.2f}), after a flush {median(after):.2f} "
            f"(p99 {quantiles(after, n=100)[98]:.2f}) ms"
        )
        run.table.store.close()


if __name__ == "__main__":
    measure("20 attributes, 1 period", [ENTRIES] * 4)
    measure("20 attributes, 4 periods", [ENTRIES, ENTRIES * 9 // 10, ENTRIES // 3, ENTRIES // 20])

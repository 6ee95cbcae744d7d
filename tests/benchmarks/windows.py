"""What an event costs a profile with many entries in its windows, against one with few.

Five aggregations over one period with a rule on each, in a steady state: as many entries leave as
enter, 5 % of the events come late, anywhere in the window. The profile is written to RocksDB every
FLUSH events. Reads are measured in tests/benchmarks/reads.py.

Run: python -m tests.benchmarks.windows [entries ...]. Prints a table; nothing is compared.
"""

import random
import re
import sys
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from definitions import (
    AtomicProperty,
    Attribute,
    InterventionCriterion,
    RuleIntervention,
    StreamAttributeGroup,
    domain_userid,
)
from definitions.catalog import Catalog
from processor.engine import (
    Plan,
    Profile,
    Source,
    changed_records,
    compile_plan,
    decode_profile,
    new_profile,
    step,
)
from processor.formats import NEWEST_LEVEL
from processor.state import RocksDBStore
from tests.by_hand import contribution_of

OWNER = "shop@example.com"
START_MS = 1_760_000_000_000
STEP_MS = 10_000
FLUSH = 1
LATE = 0.05
# The sizes are measured in turns, so that what else the machine does hits all of them.
TURN = 500
TURNS = 40
CATEGORIES = 50
SOURCE = Source("enriched", 0)
NUMBER = AtomicProperty(name="se_value")
TEXT = AtomicProperty(name="page_urlpath")
AGGREGATIONS = {
    "counter": ("int64", None),
    "sum": ("double", NUMBER),
    "min": ("double", NUMBER),
    "unique_list": ("string_list", TEXT),
    "category_count": ("dict", TEXT),
}


def plan_of(entries: int, *, rules: bool) -> Plan:
    period = timedelta(milliseconds=entries * STEP_MS)
    attributes = [
        Attribute(name=name, type=kind, events=[], aggregation=name, property=prop, period=period)
        for name, (kind, prop) in AGGREGATIONS.items()
    ]
    objects: list[object] = [
        StreamAttributeGroup(
            name="g", attribute_key=domain_userid, attributes=attributes, owner=OWNER,
            is_published=True,
        )
    ]  # fmt: skip
    for name in AGGREGATIONS if rules else ():
        listed = name in {"unique_list", "category_count"}
        criterion = InterventionCriterion(
            attribute=f"g:{name}",
            operator="is null" if listed else "<",
            value=None if listed else -1_000_000,
        )
        objects.append(
            RuleIntervention(name=name, criteria=criterion, owner=OWNER, is_published=True)
        )
    return compile_plan(Catalog.empty().with_objects(objects))


class Run:
    """A profile, first over a dictionary, then over RocksDB, and what was written."""

    def __init__(self, entries: int, directory: Path) -> None:
        self.entries = entries
        self.random = random.Random(entries)
        self.span_ms = entries * STEP_MS
        self.now_ms = START_MS
        self.number = 0
        self.directory = directory
        self.memory: dict[bytes, bytes] = {}
        self.store: RocksDBStore | None = None
        self.written = 0
        self.records = 0
        self.micros: list[float] = []
        self.rocksdb = 0
        self.profile: Profile = new_profile(self.memory)

    def move_to_disk(self) -> None:
        """Go on over RocksDB."""
        self.store = RocksDBStore(self.directory / str(self.entries))
        self.store.write([*self.memory.items()])
        self.profile = decode_profile(self.memory[b""], self.store)

    def events(self, plan: Plan, count: int) -> None:
        attributes = plan.group_attributes("g")
        series = {one.name: one.series_id for one in attributes}
        for _ in range(count):
            self.number += 1
            self.now_ms += STEP_MS
            late_ms = self.random.randrange(self.span_ms) if self.random.random() < LATE else 0
            text = f"/shop/category/{self.random.randrange(CATEGORIES)}"
            number = self.random.randrange(10_000) / 100
            values = {
                "counter": None, "sum": number, "min": number,
                "unique_list": text, "category_count": text,
            }  # fmt: skip
            by_series = {series[name]: value for name, value in values.items()}
            contribution = contribution_of(
                self.number, "domain_userid", "u", self.now_ms - late_ms, f"event-{self.number}",
                "page_view", "", [(one, value) for one, value in by_series.items() if one],
            )  # fmt: skip
            step(self.profile, contribution, plan)
            if self.number % FLUSH == 0:
                self.flush()

    def flush(self) -> None:
        records = changed_records(self.profile, NEWEST_LEVEL)
        self.records += len(records)
        self.written += sum(len(suffix) + len(record or b"") for suffix, record in records)
        if self.store is not None:
            self.store.write(records)
            return
        for suffix, record in records:
            if record is None:
                self.memory.pop(suffix, None)
            else:
                self.memory[suffix] = record

    def turn(self, plan: Plan) -> None:
        """Measure a part of the events."""
        bytes_before = bytes_written()
        begun = process_time()
        self.events(plan, TURN)
        self.micros.append((process_time() - begun) / TURN * 1e6)
        self.rocksdb += bytes_written() - bytes_before

    def report(self) -> None:
        events = TURN * TURNS
        assert self.store is not None
        head = self.store.get(b"")
        stored = sum(len(record) for _, record in self.store.scan())
        print(
            f"{self.entries:>9} entries  {min(self.micros):5.0f} us/event at best, "
            f"{median(self.micros):5.0f} in the middle  {self.written / events:6.0f} B changelog, "
            f"{self.rocksdb / events:6.0f} B RocksDB, {self.records / events:.2f} records per "
            f"event  head {len(head or b''):6d} B  {stored / (self.entries * 5):5.1f} B/entry"
        )


def bytes_written() -> int:
    """What this process has written to files, RocksDB's log and compaction included."""
    return int(re.search(r"wchar: (\d+)", Path("/proc/self/io").read_text())[1])  # type: ignore[index]  # it is always there


def measure(sizes: list[int], directory: Path) -> None:
    runs = [Run(entries, directory) for entries in sizes]
    plans = [plan_of(run.entries, rules=True) for run in runs]
    for run, plan in zip(runs, plans, strict=True):
        run.events(plan_of(run.entries, rules=False), run.entries + run.entries // 4)
        run.move_to_disk()
        run.events(plan, 500)
        run.written = run.records = 0
    for _ in range(TURNS):
        for run, plan in zip(runs, plans, strict=True):
            run.turn(plan)
    for run in runs:
        run.report()


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        measure([int(one) for one in sys.argv[1:]] or [100, 10_000, 1_000_000], Path(place))

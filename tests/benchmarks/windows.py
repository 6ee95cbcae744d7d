"""What an event costs a profile with many entries in its windows, against one with few.

Five aggregations over one period with a rule on each, in a steady state: as many entries leave as
enter, 5 % of the events come late, anywhere in the window. The profile is written every FLUSH
events, and decoded anew for the cold read.

Run: python -m tests.benchmarks.windows [entries ...]. Prints a table; nothing is compared.
"""

import random
import sys
from datetime import timedelta
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
    Contribution,
    Plan,
    Profile,
    Source,
    changed_records,
    compile_plan,
    decode_profile,
    new_profile,
    read_attributes,
    step,
)

OWNER = "shop@example.com"
START_MS = 1_760_000_000_000
STEP_MS = 10_000
FLUSH = 1
LATE = 0.05
EVENTS = 5_000
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
    """A profile over a dictionary, and what was written."""

    def __init__(self, entries: int) -> None:
        self.random = random.Random(entries)
        self.span_ms = entries * STEP_MS
        self.now_ms = START_MS
        self.number = 0
        self.store: dict[bytes, bytes] = {}
        self.written = 0
        self.records = 0
        self.profile: Profile = new_profile(self.store.get)

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
            contribution = Contribution(
                self.number, "domain_userid", "u", self.now_ms - late_ms, f"event-{self.number}",
                "page_view", "", [(one, value) for one, value in by_series.items() if one],
            )  # fmt: skip
            step(self.profile, contribution, plan, SOURCE)
            if self.number % FLUSH == 0:
                self.flush()

    def flush(self) -> None:
        for suffix, record in changed_records(self.profile):
            self.records += 1
            self.written += len(suffix) + len(record or b"")
            if record is None:
                self.store.pop(suffix, None)
            else:
                self.store[suffix] = record


def measure(entries: int) -> None:
    run = Run(entries)
    run.events(plan_of(entries, rules=False), entries + entries // 4)
    plan = plan_of(entries, rules=True)
    run.events(plan, 200)
    run.written = run.records = 0
    begun = process_time()
    run.events(plan, EVENTS)
    micros = (process_time() - begun) / EVENTS * 1e6
    stored = sum(map(len, run.store.values()))
    attributes = plan.group_attributes("g")
    begun = process_time()
    read_attributes(run.profile, attributes, run.now_ms)
    warm = (process_time() - begun) * 1e6
    run.flush()
    begun = process_time()
    profile = decode_profile(run.store[b""], run.store.get)
    read_attributes(profile, attributes, run.now_ms)
    cold = (process_time() - begun) * 1e6
    print(
        f"{entries:>9} entries  {micros:7.0f} us/event  {run.written / EVENTS:7.0f} B/event  "
        f"{run.records / EVENTS:5.2f} records/event  head {len(run.store[b'']):6d} B  "
        f"{stored / (entries * 5):5.1f} B/entry  read of 5: {warm:5.0f} us, cold {cold:5.0f} us"
    )


if __name__ == "__main__":
    for size in [int(one) for one in sys.argv[1:]] or [100, 10_000, 1_000_000]:
        measure(size)

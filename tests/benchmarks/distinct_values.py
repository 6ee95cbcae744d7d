"""What an event costs a rule over the frequencies of many distinct values, against few.

A window in a steady state: each event brings a value and another leaves, 5 % of the events come
late, and a rule reads the window before and after each. The profile is written every FLUSH events
and stays decoded; a reader reads it after each flush. `decoded anew` is the first event after that.

Run: python -m tests.benchmarks.distinct_values [values ...]. Prints a table; nothing is compared.
"""

import random
import sys
from datetime import timedelta
from statistics import median
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
    read_attributes,
    step,
)
from processor.engine.profile_codec import renew_profile
from processor.formats import NEWEST_LEVEL
from tests.by_hand import contribution_of

OWNER = "shop@example.com"
START_MS = 1_760_000_000_000
STEP_MS = 1_000
FLUSH = 20
LATE = 0.05
EVENTS = 2_000
SOURCE = Source("enriched", 0)
TEXT = AtomicProperty(name="page_urlpath")
KINDS = {"most_frequent": "string", "least_frequent": "string", "category_count": "dict"}


def plan_of(aggregation: str, values: int) -> Plan:
    attribute = Attribute(
        name="a", type=KINDS[aggregation], aggregation=aggregation, property=TEXT, events=[],
        period=timedelta(milliseconds=values * STEP_MS),
    )  # fmt: skip
    group = StreamAttributeGroup(
        name="g", attribute_key=domain_userid, attributes=[attribute], owner=OWNER,
        is_published=True,
    )  # fmt: skip
    rule = RuleIntervention(
        name="r", criteria=InterventionCriterion(attribute="g:a", operator="is null"),
        owner=OWNER, is_published=True,
    )  # fmt: skip
    return compile_plan(Catalog.empty().with_objects([group, rule]))


class Run:
    """A writer's profile and a reader's, above one dictionary."""

    def __init__(self, plan: Plan, values: int) -> None:
        self.plan = plan
        self.values = values
        self.random = random.Random(values)
        self.attributes = plan.group_attributes("g")
        self.stored: dict[bytes, bytes] = {}
        self.profile: Profile = new_profile(self.stored)
        self.reader: Profile | None = None
        self.number = 0

    def event(self) -> None:
        self.number += 1
        late = self.random.randrange(self.values) if self.random.random() < LATE else 0
        time_ms = START_MS + (self.number - late) * STEP_MS
        values = [(self.attributes[0].series_id, f"/shop/product/{self.number}/details")]
        step(
            self.profile,
            contribution_of(
                self.number, "domain_userid", "u", time_ms, f"e{self.number}", "page_view", "",
                values,
            ),
            self.plan,
        )  # fmt: skip

    def flush(self) -> list[bytes]:
        records = changed_records(self.profile, NEWEST_LEVEL)
        for suffix, record in records:
            if record is None:
                self.stored.pop(suffix, None)
            else:
                self.stored[suffix] = record
        return [suffix for suffix, _ in records]

    def read(self, written: list[bytes]) -> None:
        if self.reader is None:
            self.reader = decode_profile(self.stored[b""], self.stored)
        renew_profile(self.reader, written, self.stored)
        read_attributes(self.reader, self.attributes, START_MS + self.number * STEP_MS)


def measure(aggregation: str, values: int) -> None:
    run = Run(plan_of(aggregation, values), values)
    for _ in range(values + values // 8):
        run.event()
    run.flush()
    begun = process_time()
    run.profile = decode_profile(run.stored[b""], run.stored)
    run.event()
    anew_ms = (process_time() - begun) * 1000
    run.read(run.flush())
    events, reads = [], []
    for _ in range(EVENTS // FLUSH):
        begun = process_time()
        for _ in range(FLUSH):
            run.event()
        events.append((process_time() - begun) / FLUSH * 1e6)
        written = run.flush()
        begun = process_time()
        run.read(written)
        reads.append((process_time() - begun) * 1e6)
    print(
        f"{aggregation:15} {values:>8} values  {median(events):6.0f} us/event "
        f"({sum(events) / len(events):.0f} on average)  {median(reads):6.0f} us/read  "
        f"decoded anew {anew_ms:6.1f} ms",
        flush=True,
    )


if __name__ == "__main__":
    for name in KINDS:
        for size in [int(one) for one in sys.argv[1:]] or [1_000, 10_000, 100_000]:
            measure(name, size)

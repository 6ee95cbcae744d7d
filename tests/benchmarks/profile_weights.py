"""What decoded profiles take in memory, against their weight (processor/windows/weight.py).

Profiles of one shape are written as records, decoded many times, and have some more events, which
open parts and remember states. Taken is what the process has grown by.

Run: python -m tests.benchmarks.profile_weights SHAPE. Prints JSON. A process measures one shape:
the next one would take what the first has given back.
"""

import gc
import json
import sys
from datetime import timedelta
from typing import Any, NamedTuple

import psutil

from definitions import (
    AtomicProperty,
    Attribute,
    InterventionCriterion,
    RuleIntervention,
    StreamAttributeGroup,
    domain_userid,
)
from definitions.catalog import Catalog
from processor.aggregates import Value
from processor.engine import (
    Contribution,
    Plan,
    Profile,
    Source,
    changed_records,
    compile_plan,
    decode_profile,
    new_profile,
    step,
)
from processor.engine.profile_weight import head_weight
from processor.formats import NEWEST_LEVEL
from tests.by_hand import contribution_of

OWNER = "shop@example.com"
START_MS = 1_760_000_000_000
SOURCE = Source("enriched", 0)
WEEK_MS = 7 * 86_400_000
KINDS = {
    "counter": ("int64", None),
    "sum": ("double", "se_value"),
    "unique_list": ("string_list", "page_urlpath"),
    "category_count": ("dict", "page_urlpath"),
}
ALL = tuple(KINDS)


class Shape(NamedTuple):
    """Aggregations over each of some days (0: a lifetime), events, copies, distinct texts."""

    aggregations: tuple[str, ...]
    days: tuple[float, ...]
    events: int
    copies: int
    texts: int = 10
    text: str = "/shop/category/{}"


SHAPES = {
    "lifetimes": Shape(ALL, (0,), 20, 3000),
    "few entries": Shape(ALL, (7,), 5, 3000),
    "inline entries": Shape(ALL, (7, 1, 0.25), 30, 2000),
    "numbers": Shape(("sum",), (7, 1, 0.25), 5_000, 300),
    "texts": Shape(ALL, (7, 1, 0.25), 5_000, 50, 300),
    "distinct texts": Shape(ALL, (7, 1, 0.25), 5_000, 30, 5_000, "/shop/product/of/a/kind/{}"),
}


def plan_of(shape: Shape, *, rules: bool) -> Plan:
    """The attributes of a shape, and a rule that reads each."""
    attributes = [
        Attribute(
            name=f"{name}_{number}", type=KINDS[name][0], aggregation=name, events=[],
            property=AtomicProperty(name=KINDS[name][1]) if KINDS[name][1] else None,
            period=timedelta(days=days) if days else None,
        )
        for number, days in enumerate(shape.days)
        for name in shape.aggregations
    ]  # fmt: skip
    objects: list[object] = [
        StreamAttributeGroup(
            name="g", attribute_key=domain_userid, attributes=attributes, owner=OWNER,
            is_published=True,
        )
    ]  # fmt: skip
    for one in attributes if rules else ():
        listed = one.type in {"string_list", "dict"}
        criterion = InterventionCriterion(
            attribute=f"g:{one.name}", operator="is null" if listed else "<",
            value=None if listed else -1,
        )  # fmt: skip
        objects.append(
            RuleIntervention(name=one.name, criteria=criterion, owner=OWNER, is_published=True)
        )
    return compile_plan(Catalog.empty().with_objects(objects))


def events(plan: Plan, shape: Shape, start: int, count: int) -> list[Contribution]:
    """Events that are spread evenly over a week."""
    series = {one.series_id: one.name for one in plan.group_attributes("g")}
    made = []
    for number in range(start, start + count):
        values: list[tuple[int, Value]] = []
        for one, name in series.items():
            value: Value = shape.text.format(number % shape.texts)
            if name.startswith("counter"):
                value = None
            elif name.startswith("sum"):
                value = number * 37 % 1000 / 100
            values.append((one, value))
        at_ms = START_MS + number * (WEEK_MS // shape.events)
        made.append(
            contribution_of(number, "domain_userid", "u", at_ms, f"e{number}", "view", "", values)
        )
    return made


def stored(shape: Shape) -> dict[bytes, bytes]:
    """The records of one profile after the events of a shape."""
    plan = plan_of(shape, rules=False)
    records: dict[bytes, bytes] = {}
    profile = new_profile(records)
    for number, contribution in enumerate(events(plan, shape, 0, shape.events)):
        step(profile, contribution, plan)
        if number % 500 == 0:
            write(profile, records)
    write(profile, records)
    return records


def write(profile: Profile, records: dict[bytes, bytes]) -> None:
    """Write what changed as a flush does."""
    for suffix, record in changed_records(profile, NEWEST_LEVEL):
        if record is None:
            records.pop(suffix, None)
        else:
            records[suffix] = record


def measure(shape: Shape) -> dict[str, Any]:
    """Return bytes of each profile: taken, and said."""
    records = stored(shape)
    ruled = plan_of(shape, rules=True)
    later = events(ruled, shape, shape.events, 3)
    kept = []
    gc.collect()
    before = psutil.Process().memory_info().rss
    for _ in range(shape.copies):
        profile = decode_profile(records[b""], records)
        for contribution in later:
            step(profile, contribution, ruled)
        changed_records(profile, NEWEST_LEVEL)
        kept.append(profile)
    gc.collect()
    taken = (psutil.Process().memory_info().rss - before) // len(kept)
    weight = sum(head_weight(one.head) + one.parts.bytes for one in kept) // len(kept)
    return {"taken": taken, "weight": weight, "stored": sum(map(len, records.values()))}


if __name__ == "__main__":
    print(json.dumps({"shape": sys.argv[1], **measure(SHAPES[sys.argv[1]])}))

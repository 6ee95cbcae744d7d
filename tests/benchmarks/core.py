"""Microseconds per operation of the core, for the definitions of an ecommerce shop.

Run: python -m tests.benchmarks.core [operations]. Prints a table; nothing is compared or stored.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from time import process_time

from definitions import (
    Attribute,
    Criteria,
    Criterion,
    EntityProperty,
    Event,
    EventProperty,
    InterventionCriteriaAll,
    InterventionCriterion,
    RuleIntervention,
    StreamAttributeGroup,
    domain_userid,
)
from definitions.catalog import Catalog
from processor.engine import Source, step
from processor.engine.contribution import Contribution
from processor.engine.plan import Plan, compile_plan
from processor.engine.profile import Profile
from processor.engine.profile_codec import changed_records, decode_profile
from processor.engine.read import read_attributes
from processor.events import ATOMIC_COLUMNS, parse_event
from processor.formats import NEWEST_LEVEL
from tests.by_hand import contribution_of

OWNER = "shop@example.com"
VENDOR = "com.snowplowanalytics.snowplow.ecommerce"
START_MS = 1_760_000_000_000
SOURCE = Source("enriched", 0)
PRICES = (19.99, 5.25, 129.5, 7.1)


def action(kind: str) -> Criteria:
    where = EventProperty(
        vendor=VENDOR, name="snowplow_ecommerce_action", major_version=1, path="type"
    )
    return Criteria(all=[Criterion.eq(property=where, value=kind)])


def group(period: timedelta | None) -> StreamAttributeGroup:
    events = [Event(name="snowplow_ecommerce_action")]
    price = EntityProperty(vendor=VENDOR, name="product", major_version=1, path="price")
    attributes = [
        Attribute(
            name="count_product_views",
            type="int32",
            events=events,
            criteria=action("product_view"),
            aggregation="counter",
            period=period,
        ),
        Attribute(
            name="count_add_to_cart",
            type="int32",
            events=events,
            criteria=action("add_to_cart"),
            aggregation="counter",
            period=period,
        ),
        Attribute(
            name="total_cart_value",
            type="double",
            events=events,
            criteria=action("add_to_cart"),
            property=price,
            aggregation="sum",
            period=period,
        ),
    ]
    return StreamAttributeGroup(
        name="ecom",
        attribute_key=domain_userid,
        attributes=attributes,
        owner=OWNER,
        is_published=True,
    )


def rule() -> RuleIntervention:
    criteria = InterventionCriteriaAll(
        all=[
            InterventionCriterion(attribute="ecom:count_product_views", operator=">=", value=3),
            InterventionCriterion(
                attribute="ecom:total_cart_value", operator=">", value=1_000_000_000
            ),
        ]
    )
    return RuleIntervention(name="nudge", criteria=criteria, owner=OWNER, is_published=True)


def line(kind: str, *, name: str = "snowplow_ecommerce_action") -> bytes:
    data = (
        '{"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0","data":'
        '{"schema":"iglu:%s/snowplow_ecommerce_action/jsonschema/1-0-2","data":{"type":"%s"}}}'
    )
    product = (
        f'{{"schema":"iglu:{VENDOR}/product/jsonschema/1-0-0","data":{{"id":"SKU-1","name":"Shoe",'
        '"category":"shoes","price":19.99,"currency":"EUR","quantity":1}}'
    )
    page = (
        '{"schema":"iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0",'
        '"data":{"id":"5f2a5e8e-6f0f-4c6e-9d2c-0d7cf0a3b111"}}'
    )
    contexts = (
        '{"schema":"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0","data":[%s,%s]}'
    )
    values = {
        "app_id": "shop",
        "collector_tstamp": "2026-11-22 10:00:00.123",
        "derived_tstamp": "2026-11-22 10:00:00.100",
        "event_id": "0b6b5c6a-9a4f-4c0e-8f4f-6f6f3a1c2d3e",
        "domain_userid": "8b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        "page_url": "https://shop.example.com/shoes/" + "x" * 200,
        "useragent": "Mozilla/5.0 (X11; Linux x86_64) " + "y" * 400,
        "unstruct_event": data % (VENDOR, kind),
        "contexts": contexts % (page, product),
        "event_vendor": VENDOR,
        "event_name": name,
        "event_version": "1-0-2",
    }
    return "\t".join(values.get(column, "") for column in ATOMIC_COLUMNS).encode()


def measure(label: str, operations: int, work: Callable[[], None]) -> None:
    best = min(_timed(work) for _ in range(3))
    print(f"{label:<58} {best / operations * 1e6:8.2f} us")


def _timed(work: Callable[[], None]) -> float:
    begun = process_time()
    work()
    return process_time() - begun


def measure_source(plan: Plan, operations: int) -> None:
    for label, value in (
        ("contributions: matches nothing", line("x", name="page_view")),
        ("contributions: selected, criteria not met", line("x")),
        ("contributions: product_view (1 series)", line("product_view")),
        ("contributions: add_to_cart (2 series)", line("add_to_cart")),
    ):
        events = [parse_event(value) for _ in range(operations)]
        batches = iter([events, [parse_event(value) for _ in range(operations)], events])

        def work(batches: object = batches) -> None:
            for event in next(batches):  # type: ignore[call-overload]
                plan.contributions(event, SOURCE, 1)

        measure(label, operations, work)


def contribution(plan: Plan, kind: str, number: int) -> Contribution:
    template = plan.contributions(parse_event(line(kind)), SOURCE, number)[0]
    values = [
        (series, PRICES[number % len(PRICES)] if isinstance(value, float) else value)
        for series, value in template.values
    ]
    return contribution_of(
        number,
        template.key,
        template.id,
        START_MS + number * 1_000,
        f"{number:08d}-9a4f-4c0e-8f4f-6f6f3a1c2d3e",
        template.trigger.event_name,
        template.trigger.derived_tstamp,
        values,
    )


def measure_step(label: str, plan: Plan, contributions: Sequence[Contribution]) -> None:
    def work() -> None:
        stored: dict[bytes, bytes | None] = {}
        profile = Profile()
        for number, one in enumerate(contributions):
            step(profile, one, plan)
            if number % 100 == 99:
                stored.update(changed_records(profile, NEWEST_LEVEL))

    measure(label, len(contributions), work)


def measure_codec(label: str, plan: Plan, contributions: Sequence[Contribution]) -> None:
    profile = Profile()
    for one in contributions:
        step(profile, one, plan)
    records = dict(changed_records(profile, NEWEST_LEVEL))
    head = records[b""] or b""
    operations = 20_000

    def decode() -> None:
        for _ in range(operations):
            decode_profile(head, records)

    def encode() -> None:
        for _ in range(operations):
            profile.changed = True
            changed_records(profile, NEWEST_LEVEL)

    measure(f"decode: {label}, {len(head)} bytes", operations, decode)
    measure(f"encode: {label}", operations, encode)
    attributes = plan.group_attributes("ecom")
    now_ms = contributions[-1].trigger.time_ms

    def read() -> None:
        for _ in range(operations):
            read_attributes(profile, attributes, now_ms)

    measure(f"read 3 attributes: {label}", operations, read)


def main(operations: int) -> None:
    for label, period in (
        ("lifetime", None),
        ("window 15 s", timedelta(seconds=15)),
        ("window 1 h", timedelta(hours=1)),
        ("window 7 d", timedelta(days=7)),
    ):
        catalog = Catalog.empty().with_objects([group(period), rule()])
        plan = compile_plan(catalog)
        if period is None:
            measure_source(plan, operations)
        carts = [contribution(plan, "add_to_cart", number) for number in range(operations)]
        views = [contribution(plan, "product_view", number) for number in range(operations)]
        measure_step(f"step: {label}, 1 series, 1 rule", plan, views)
        measure_step(f"step: {label}, 2 series, 1 rule", plan, carts)
        few = [contribution(plan, "add_to_cart", number) for number in range(5)]
        measure_codec(f"{label}, 5 events", plan, few)
        measure_codec(f"{label}, {operations} events", plan, carts)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

"""Microseconds of CPU per event: parsing, and reading one property of each kind.

Run: .venv/bin/python -m tests.benchmarks.parse_event [EVENTS]

Each line but the first says what one event costs on top of parsing it. The first column between the
two ends of the line costs its splitting too, and JSON is decoded once per event: the last lines say
what a second property costs.
"""

import itertools
import sys
import time
from collections.abc import Callable, Sequence

from definitions import AtomicProperty, CalculatedProperty, EntityProperty, EventProperty
from processor.events import Event, compile_property, parse_event
from processor.local.shop import Shop

ECOMMERCE = "com.snowplowanalytics.snowplow.ecommerce"
START_MS = 1_795_341_600_000
REPEATS = 5
RUN_RECORDS = 200


def best_us(work: Callable[[Sequence[bytes]], float], values: Sequence[bytes]) -> float:
    """The least CPU time of several runs, per event."""
    return min(work(values) for _ in range(REPEATS)) / len(values) * 1e6


def parsing(values: Sequence[bytes]) -> float:
    started = time.process_time()
    for value in values:
        parse_event(value)
    return time.process_time() - started


def reading(*reads: Callable[[Event], object]) -> Callable[[Sequence[bytes]], float]:
    def work(values: Sequence[bytes]) -> float:
        spent = 0.0
        # Few events at a time, as in a worker: they are read while they are in the cache.
        for first in range(0, len(values), RUN_RECORDS):
            events = [parse_event(value) for value in values[first : first + RUN_RECORDS]]
            started = time.process_time()
            for event in events:
                for read in reads:
                    read(event)
            spent += time.process_time() - started
        return spent

    return work


def entity(name: str, path: str) -> Callable[[Event], object]:
    return compile_property(EntityProperty(vendor=ECOMMERCE, name=name, major_version=1, path=path))


def main(count: int) -> None:
    shop = Shop(1, 20_000, start_ms=START_MS)
    started = time.process_time()
    values = [generated.value for generated in itertools.islice(shop, count)]
    spent = time.process_time() - started
    size = sum(map(len, values)) / count
    print(f"{count} events of {size:.0f} bytes, generated at {count / spent:,.0f} a second")
    action = {"vendor": ECOMMERCE, "name": "snowplow_ecommerce_action", "major_version": 1}
    price = entity("product", "price")
    rows: list[tuple[str, Callable[[Sequence[bytes]], float]]] = [
        ("parse_event", parsing),
        ("+ schema (vendor, name, version)", reading(
            lambda event: (event.event_vendor, event.event_name, event.event_version)
        )),
        ("+ string column", reading(compile_property(AtomicProperty(name="domain_userid")))),
        ("+ int column", reading(compile_property(AtomicProperty(name="domain_sessionidx")))),
        ("+ double column", reading(compile_property(AtomicProperty(name="geo_latitude")))),
        ("+ bool column", reading(compile_property(AtomicProperty(name="dvce_ismobile")))),
        ("+ timestamp column", reading(compile_property(AtomicProperty(name="derived_tstamp")))),
        ("+ date part of a column", reading(
            compile_property(AtomicProperty(name="derived_tstamp", date_part="active_day"))
        )),
        ("+ concat of two columns", reading(compile_property(CalculatedProperty(
            operation="concat",
            properties=[AtomicProperty(name="app_id"), AtomicProperty(name="platform")],
        )))),
        ("+ event property", reading(compile_property(EventProperty(**action, path="type")))),
        ("+ entity property", reading(price)),
        ("+ entity property of an absent schema", reading(entity("refund", "amount"))),
        ("+ two of one entity", reading(price, entity("product", "quantity"))),
        ("+ two of different entities", reading(price, entity("cart", "total_value"))),
    ]  # fmt: skip
    for name, work in rows:
        print(f"{best_us(work, values):8.2f} µs  {name}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)

"""Microseconds of CPU per event in the source stage: native code and Python in turns.

Run: python -m tests.benchmarks.source_stage [EVENTS]. Events of a shop, definitions of the demo,
from records to frames, without Kafka. Native code has to be built (make test).
"""

import asyncio
import statistics
import sys
import time
from itertools import islice
from pathlib import Path

from definitions.catalog import Catalog
from definitions.records import objects_from_file
from processor.engine import Plan, compile_plan
from processor.formats import NEWEST_LEVEL
from processor.kafka.partitioner import Partitioner
from processor.kafka.record import FetchedRecord
from processor.limits import RUN_RECORDS_MAX
from processor.local.shop import Shop
from processor.settings import Settings
from processor.streaming.fetch.gates import Gate
from processor.streaming.fetch.group_look import GroupLook
from processor.streaming.slices import Slices
from processor.streaming.source import native_code
from processor.streaming.source.backlog import Backlog
from processor.streaming.source.source_partition import SourcePartition
from processor.streaming.source.source_stage import SourceStage
from tests.unit.streaming.fakes import FakeDefinitions, FakeSender

EXAMPLES = Path(__file__).parents[2] / "definitions" / "examples" / "ecommerce.py"
START_MS = 1_795_341_600_000
ROUNDS = 5
PARTITIONS = 8


async def spent_us(plan: Plan, records: list[FetchedRecord]) -> tuple[float, list[bytes]]:
    """CPU per event, and the frames."""
    sent = FakeSender()
    settings = Settings(_env_file=None)
    stage = SourceStage(
        FakeDefinitions(plan), Partitioner(PARTITIONS), settings, sent, Slices(),
        Backlog(settings, GroupLook(settings)),
    )  # fmt: skip
    gate = Gate("enriched", 0, 1, "m", NEWEST_LEVEL)
    gate.opens_at(0)
    stage.partitions.running[0] = SourcePartition(gate, "t", 1, 0)
    started = time.process_time()
    for first in range(0, len(records), RUN_RECORDS_MAX):
        run = records[first : first + RUN_RECORDS_MAX]
        await stage.process(gate.run(run, run[-1].offset + 1))
        stage._writer.send_all()
    spent_s = time.process_time() - started
    return spent_s / len(records) * 1e6, sent.values["processor-contributions"]


def main(count: int) -> None:
    assert native_code.code_in_use() == "native", "build native code first: make test"
    objects = [
        one.model_copy(update={"is_published": True}) if hasattr(one, "is_published") else one
        for one in objects_from_file(EXAMPLES)
    ]
    plan = compile_plan(Catalog.empty().with_objects(objects))
    values = [one.value for one in islice(Shop(1, 20_000, start_ms=START_MS), count)]
    records = [
        FetchedRecord("enriched", 0, at, START_MS, 1, None, value)
        for at, value in enumerate(values)
    ]
    found: dict[str, list[float]] = {"python": [], "native": []}
    table = native_code._Table
    for _ in range(ROUNDS):
        frames = []
        for code, costs in found.items():
            native_code._Table = table if code == "native" else None
            cost_us, sent = asyncio.run(spent_us(plan, records))
            costs.append(cost_us)
            frames.append(sent)
        assert frames[0] == frames[1], "the frames differ"
    for code, costs in found.items():
        print(f"{code:<8} {statistics.median(costs):6.2f} us ({min(costs):.2f}-{max(costs):.2f})")
    ratios = [one / other for one, other in zip(found["native"], found["python"], strict=True)]
    print(f"native / python: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)

"""Native code makes the same bytes as Python, and leaves to Python what it must.

NATIVE_SCALE multiplies the number of generated cases.
"""

import os
import struct
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import cramjam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from definitions.catalog import Catalog
from definitions.records import objects_from_file
from processor.engine import Contribution, Plan, compile_plan
from processor.errors import MalformedEventError
from processor.events import Event, Source, parse_event
from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from processor.kafka.partitioner import Partitioner
from processor.local.shop import Shop
from processor.metrics import (
    EVENTS,
    EVENTS_AHEAD,
    EVENTS_BY_CODE,
    EVENTS_FUTURE,
    EVENTS_MATCHED,
    EVENTS_UNDATED,
)
from processor.settings import Settings
from processor.streaming.fetch.gates import Gate
from processor.streaming.fetch.group_look import GroupLook
from processor.streaming.messages.frames import (
    EncodedContributions,
    Part,
    Section,
    encode_section,
    join_section,
)
from processor.streaming.slices import Slices
from processor.streaming.source import native_code
from processor.streaming.source.backlog import Backlog
from processor.streaming.source.native_code import NativeCode, code_in_use, tell_code_in_use
from processor.streaming.source.source_partition import SourcePartition
from processor.streaming.source.source_stage import SourceStage
from tests.model.core import plan_of
from tests.model.generated import START_MS, UUIDS, line_of
from tests.model.generated_definitions import group
from tests.unit.streaming.fakes import FakeDefinitions, FakeSender, record
from tests.unit.streaming.source.odd_events import definitions, lines

SCALE = int(os.environ.get("NATIVE_SCALE", "1"))
EXAMPLES = Path(__file__).parents[4] / "definitions" / "examples" / "ecommerce.py"
SOURCE = Source("enriched", 3)
SETTINGS = Settings(_env_file=None)
COUNTED = [EVENTS, EVENTS_AHEAD, EVENTS_FUTURE, EVENTS_MATCHED, EVENTS_UNDATED]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"app_ids": ("shop", "")},
    {"uuid_keys": ("domain_userid", "user"), "nobody_ids": ("5", UUIDS[1])},
    {"nobody_ids": ("gold", "null"), "uuid_keys": ("tier", "width")},
]
built = pytest.mark.skipif(
    code_in_use() == "python", reason="native code is built only where cargo is at hand"
)
chances = st.randoms(use_true_random=False)


class Expected(NamedTuple):
    """What Python makes of a record; no event if it is refused or packed."""

    event: Event | None
    contributions: list[Contribution]
    rejected: bool


def expected(plan: Plan, value: bytes, offset: int, arrival_ms: int) -> Expected:
    try:
        event = parse_event(value, arrival_ms)
        contributions = plan.contributions(event, SOURCE, offset)
    except MalformedEventError:
        plan.take_rejected()
        return Expected(None, [], rejected=False)
    return Expected(event, contributions, bool(plan.take_rejected()))


def section(contributions: list[Contribution]) -> Section:
    return Section("topic-id", 3, 41, 1_700_000_000_001, 5, contributions)


def differences(plan: Plan, values: list[bytes], partitions: int, chance: Random) -> int:
    """Compare everything that a stage does with a run; return how many records Python has read."""
    table = NativeCode().table(plan, NEWEST_LEVEL)
    assert table is not None
    offsets = [chance.choice([0, 1_000, 2**33]) + at for at in range(len(values))]
    arrivals_ms = [START_MS + chance.randrange(-10_000, 10_000_000) for _ in values]
    wanted = list(map(expected, [plan] * len(values), values, offsets, arrivals_ms))
    *counts, stretches = table.collect(values, offsets, arrivals_ms, partitions)
    partition_of = Partitioner(partitions).partition
    found: dict[int, list[Part]] = {}
    usual = set(range(len(values)))
    for encoded, first, end in stretches:
        for target, count, data in encoded:
            found.setdefault(target, []).append(EncodedContributions(count, data))
        for at in range(first, end):
            usual.discard(at)
            for one in wanted[at].contributions:
                found.setdefault(partition_of(one.key, one.id), []).append(one)
    right: dict[int, list[Contribution]] = {}
    for one in (one for each in wanted for one in each.contributions):
        right.setdefault(partition_of(one.key, one.id), []).append(one)
    assert list(found) == list(right)
    for target, parts in found.items():
        assert join_section(section([]), parts) == encode_section(
            section(right[target]), NEWEST_LEVEL
        )
    events = [wanted[at].event for at in usual]
    assert all(one is not None and not one.undated for one in events)
    assert not any(wanted[at].rejected for at in usual)
    assert counts == [
        sum(bool(wanted[at].contributions) for at in usual),
        sum(one.future for one in events if one is not None),
        sum(one.ahead for one in events if one is not None),
    ]
    return len(values) - len(usual)


@built
@given(chance=chances)
@settings(
    max_examples=200 * SCALE,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_native_code_and_python_make_the_same_bytes_of_any_events(chance: Random) -> None:
    plan = plan_of(definitions(chance), **chance.choice(OPTIONS))
    differences(plan, lines(chance, 40), chance.choice([1, 3, 8]), chance)


@built
@pytest.mark.parametrize("seed", range(20 * SCALE))
def test_native_code_and_python_make_the_same_bytes_of_long_runs(seed: int) -> None:
    chance = Random(seed)
    plan = plan_of(definitions(chance), **chance.choice(OPTIONS))
    differences(plan, lines(chance, 400), 8, chance)


@built
def test_native_code_reads_the_events_of_a_shop_alone() -> None:
    plan = compile_plan(Catalog.empty().with_objects(_published(EXAMPLES)))
    values = [one.value for one in islice(Shop(1, 500, start_ms=START_MS), 5_000)]
    assert differences(plan, values, 8, Random(1)) == 0


def _published(path: Path) -> list[Any]:
    return [
        one.model_copy(update={"is_published": True}) if hasattr(one, "is_published") else one
        for one in objects_from_file(path)
    ]


async def sent_of(plan: Plan, values: list[bytes], level: int, partitions: int) -> Any:
    """What a stage writes of one run: frames and dead letters in order, and how far it counts."""
    sent = FakeSender()
    backlog = Backlog(SETTINGS, GroupLook(SETTINGS))
    stage = SourceStage(
        FakeDefinitions(plan), Partitioner(partitions), SETTINGS, sent, Slices(), backlog
    )
    gate = Gate("enriched", 0, 1, "m", level)
    gate.opens_at(0)
    own = stage.partitions.running[0] = SourcePartition(gate, "t", 1, 0)
    records = [record(at, value, START_MS, 1) for at, value in enumerate(values)]
    before = [one._value.get() for one in COUNTED]
    await stage.process(gate.run(records, len(records)))
    stage._writer.send_all()
    counts = [one._value.get() - old for one, old in zip(COUNTED, before, strict=True)]
    return sent.values, own.sequences, own.progress(0), counts


@built
@pytest.mark.parametrize("level", [FIRST_LEVEL, NEWEST_LEVEL])
@pytest.mark.parametrize("seed", range(6))
async def test_a_stage_writes_the_same_frames_and_dead_letters(
    seed: int, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(seed)
    plan = plan_of(definitions(chance))
    values = lines(chance, 500)
    for at in range(0, 500, 50):
        values[at] = packed(lines(chance, chance.choice([1, 3, 60])))
    with_native = await sent_of(plan, values, level, 2)
    monkeypatch.setattr(native_code, "_Table", None)
    assert await sent_of(plan, values, level, 2) == with_native


@built
async def test_a_large_run_is_cut_into_the_same_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    title = {"type": "atomic", "name": "page_title"}
    attributes = [
        {"name": f"a{at}", "type": "string", "aggregation": "last", "events": [], "property": title,
         "criteria": {"all": [{"property": title, "operator": "!=", "value": f"x{at}"}]}}
        for at in range(8)
    ]  # fmt: skip
    plan = plan_of([group(Random(1), "g", 1, {"name": "domain_userid"}, attributes)])
    titles = ["t" * 4_000, "t"]
    values = [
        line_of(START_MS + at, at, {"domain_userid": "u", "page_title": titles[at % 2]})
        for at in range(300)
    ]
    values[7] = packed(values[:250])
    with_native = await sent_of(plan, values, NEWEST_LEVEL, 1)
    assert with_native[1][0] > 10
    monkeypatch.setattr(native_code, "_Table", None)
    assert await sent_of(plan, values, NEWEST_LEVEL, 1) == with_native


def packed(values: list[bytes]) -> bytes:
    body = b"\1\1" + b"".join(struct.pack(">I", len(one)) + one for one in values)
    return bytes(cramjam.zstd.compress(body))


@built
def test_a_table_is_made_once_for_a_plan_and_only_for_the_level_that_it_encodes() -> None:
    code, plan = NativeCode(), compile_plan(Catalog.empty())
    assert code.table(plan, FIRST_LEVEL) is None
    table = code.table(plan, NEWEST_LEVEL)
    assert table is not None
    assert code.table(plan, NEWEST_LEVEL) is table
    assert code.table(compile_plan(Catalog.empty()), NEWEST_LEVEL) is not table


def test_without_native_code_there_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_code, "_Table", None)
    assert NativeCode().table(compile_plan(Catalog.empty()), NEWEST_LEVEL) is None
    assert code_in_use() == "python"


def test_the_code_in_use_is_told_before_the_first_event() -> None:
    tell_code_in_use()
    samples = [one for metric in EVENTS_BY_CODE.collect() for one in metric.samples]
    assert code_in_use() in {one.labels["code"] for one in samples}

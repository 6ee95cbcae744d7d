"""An exception of ours in one contribution: a second try, then a dead letter, never half of it."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from definitions.catalog import Catalog
from definitions.records import from_record
from processor.engine import Contribution, Part, compile_plan, encode_part
from processor.errors import StateError
from processor.formats import NEWEST_LEVEL
from processor.kafka.partitioner import Partitioner
from processor.limits import CAREFUL_MAX
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.state import RocksDBStore
from processor.streaming.messages.frames import Section, decode_frame, encode_frame, encode_section
from processor.streaming.profiles import careful, joint_stage, profile_stage
from processor.streaming.profiles.careful import HalfAppliedError
from processor.streaming.profiles.joint_stage import JointStage
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_stage import ProfileStage
from processor.streaming.profiles.profile_table import PROFILE_TAG, ProfileTable
from tests.by_hand import contribution_of, part_of
from tests.unit.streaming.fakes import FakeDefinitions, flush, owned, profile_gates, record

KEY = "domain_userid"
VIEWS = [{"name": "page_view"}]
GROUP: dict[str, Any] = {
    "name": "g",
    "version": 1,
    "attribute_key": {"name": KEY},
    "owner": "a@example.com",
    "is_published": True,
    "attributes": [
        {"name": "views", "type": "int32", "aggregation": "counter", "events": VIEWS},
        {
            "name": "recent",
            "type": "int32",
            "aggregation": "counter",
            "events": VIEWS,
            "period": "P30D",
        },
    ],
}
RULE: dict[str, Any] = {
    "name": "often",
    "version": 1,
    "owner": "a@example.com",
    "is_published": True,
    "criteria": {"attribute": "g:views", "operator": ">=", "value": 2},
    "target_attribute_keys": [{"name": KEY}],
}
PLAN = compile_plan(
    Catalog.empty().with_objects(
        [
            from_record("attribute_group/g/1", json.dumps(GROUP).encode()),
            from_record("intervention/often/1", json.dumps(RULE).encode()),
        ]
    )
)
SERIES = sorted({attribute.series_id for attribute in PLAN.group_attributes("g")})
START_MS = 1_760_000_000_000


class Partition:
    """A partition, what is applied to it, and what a flush would write."""

    def __init__(self, path: Path, careful_for: int = CAREFUL_MAX) -> None:
        definitions = FakeDefinitions(PLAN)
        table = ProfileTable(RocksDBStore(path), Positions())
        self.own = owned(table, profile_gates("app-", partition=3))
        self.own.careful = careful_for
        self.own.watermark.all_ms = START_MS  # else the clock says when something arrived
        self.profiles = ProfileStage(Settings(), definitions, Partitioner(1))
        self.joints = JointStage(definitions)
        self._sequence = 0

    async def apply(self, contributions: list[Contribution]) -> None:
        section = Section("source", 0, -1, 1, self._sequence, contributions)
        frame = encode_frame([encode_section(section, NEWEST_LEVEL)], NEWEST_LEVEL)
        gate = self.own.gates[ProfileInput.CONTRIBUTIONS]
        run = gate.run([record(self._sequence, frame)], self._sequence + 1)
        self._sequence += 1
        await self.profiles.apply(self.own, run)

    async def join(self, parts: list[Part]) -> None:
        records = [record(at, encode_part(part, NEWEST_LEVEL)) for at, part in enumerate(parts)]
        gate = self.own.gates[ProfileInput.RULES]
        await self.joints.apply(self.own, gate.run(records, len(records)))

    def flush(self) -> dict[bytes, Any]:
        """The records of profiles that a flush writes, and so the store."""
        written = flush(self.own.table)  # what goes out stays to be looked at
        return {key: value for key, value in written.items() if key.startswith(PROFILE_TAG)}


def contributions(count: int, first: int = 0) -> list[Contribution]:
    """Page views of two users, in turn."""
    return [
        contribution_of(
            offset, KEY, f"u{offset % 2}", START_MS + offset, f"e{offset}", "page_view", "",
            [(series, None) for series in SERIES], arrival_ms=START_MS,
        )
        for offset in range(first, first + count)
    ]  # fmt: skip


def before(real: Callable[..., Any], profile: Any, *rest: Any, **more: Any) -> Any:
    raise KeyError("nothing is changed yet")


def between(real: Callable[..., Any], profile: Any, *rest: Any, **more: Any) -> Any:
    profile.head.slots.clear()
    profile.head.latest_ms = 7
    raise RuntimeError("half of it is changed")


def behind(real: Callable[..., Any], profile: Any, *rest: Any, **more: Any) -> Any:
    real(profile, *rest, **more)
    raise ZeroDivisionError("all of it is changed")


FAULTS = {"before": before, "between": between, "behind": behind}


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return FAULTS[request.param]


def plant(
    monkeypatch: pytest.MonkeyPatch, fault: Callable[..., Any], bad: set[str], times: int = 10**9
) -> list[str]:
    """Let the step fail for these events, that many times; returns the events that met it."""
    real = profile_stage.step
    met: list[str] = []

    def faulty(profile: Any, contribution: Contribution, *rest: Any, **more: Any) -> Any:
        if contribution.trigger.event_id in bad and len(met) < times:
            met.append(contribution.trigger.event_id)
            return fault(real, profile, contribution, *rest, **more)
        return real(profile, contribution, *rest, **more)

    monkeypatch.setattr(profile_stage, "step", faulty)
    return met


async def test_a_contribution_that_fails_leaves_no_trace_but_a_dead_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., Any]
) -> None:
    good = Partition(tmp_path / "good")
    await good.apply([one for one in contributions(40) if one.trigger.offset not in (3, 20, 21)])
    tried = plant(monkeypatch, fault, {"e3", "e20", "e21"})
    made = Partition(tmp_path / "made")
    await made.apply(contributions(40))
    assert tried == ["e3"] * 2 + ["e20"] * 2 + ["e21"] * 2, "each is tried a second time"
    assert made.flush() == good.flush()
    assert made.own.outgoing.interventions == good.own.outgoing.interventions
    assert [key for key, _ in made.own.outgoing.dead_letters] == [
        b"app-contributions-3-0-3", b"app-contributions-3-0-20", b"app-contributions-3-0-21",
    ]  # fmt: skip


async def test_the_dead_letter_holds_the_contribution_as_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, before, {"e5"})
    made = Partition(tmp_path / "made")
    await made.apply(contributions(3))
    await made.apply(contributions(7, 3))
    ((key, value),) = made.own.outgoing.dead_letters
    letter = json.loads(value)
    assert key == b"app-contributions-3-1-2"
    assert (letter["reason"], letter["topic"], letter["partition"], letter["offset"]) == (
        "unexpected", "app-contributions", 3, 1,
    )  # fmt: skip
    assert "KeyError" in letter["detail"]
    assert "e5" in letter["detail"]
    (section,) = decode_frame(base64.b64decode(letter["value_base64"]), "enriched")
    assert [one.trigger.event_id for one in section.contributions] == ["e5"]


async def test_a_second_try_that_comes_through_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., Any]
) -> None:
    good = Partition(tmp_path / "good")
    await good.apply(contributions(40))
    plant(monkeypatch, fault, {"e20"}, times=1)
    made = Partition(tmp_path / "made")
    await made.apply(contributions(40))
    assert made.flush() == good.flush()
    assert made.own.outgoing.dead_letters == []


async def test_a_fault_behind_a_flush_keeps_what_was_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., Any]
) -> None:
    good, made = Partition(tmp_path / "good"), Partition(tmp_path / "made")
    plant(monkeypatch, fault, {"e11"})
    for partition in (good, made):
        await partition.apply(contributions(10))
        partition.flush()
    await good.apply([contributions(1, 10)[0]])
    await made.apply(contributions(2, 10))
    assert made.flush() == good.flush()


async def test_without_care_the_first_failure_drops_what_is_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., Any]
) -> None:
    plant(monkeypatch, fault, {"e5"})
    made = Partition(tmp_path / "made", careful_for=0)
    with pytest.raises(HalfAppliedError, match="e5"):
        await made.apply(contributions(10))


async def test_what_is_no_fault_of_the_contribution_is_no_dead_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in (StateError("the disk is gone"), MemoryError()):

        def failing(*_: Any, error: BaseException = error, **__: Any) -> Any:
            raise error

        monkeypatch.setattr(profile_stage, "step", failing)
        for careful_for in (0, CAREFUL_MAX):
            name = f"{type(error).__name__}{careful_for}"
            made = Partition(tmp_path / name, careful_for=careful_for)
            with pytest.raises(type(error)):
                await made.apply(contributions(10))
            assert made.own.outgoing.dead_letters == []


async def test_care_ends_after_enough_that_came_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(careful, "CAREFUL_MAX", 5)
    plant(monkeypatch, before, {"e2"})
    made = Partition(tmp_path / "made", careful_for=5)
    await made.apply(contributions(7))
    assert made.own.careful == 1
    await made.apply(contributions(3, 7))
    assert made.own.careful == 0
    good = Partition(tmp_path / "good")
    await good.apply([one for one in contributions(10) if one.trigger.offset != 2])
    assert made.flush() == good.flush()


def parts(count: int) -> list[Part]:
    return [
        part_of(1, KEY, f"t{at % 2}", KEY, {KEY: "u"}, [], [], [], START_MS, f"e{at}", "page_view",
                "", "enriched", 0, at, -1, START_MS)
        for at in range(count)
    ]  # fmt: skip


async def test_a_part_that_fails_leaves_no_trace_but_a_dead_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = joint_stage.join

    def counts(profile: Any, part: Part, *rest: Any) -> Any:
        """No rule of the plan is joint: the part is noted where it shows."""
        profile.head.firings[part.trigger.offset] = (1, part.trigger.time_ms)
        profile.changed = True
        if part.trigger.event_id in bad:
            raise KeyError(part.trigger.event_id)
        return real(profile, part, *rest)

    monkeypatch.setattr(joint_stage, "join", counts)
    bad: set[str] = set()
    good = Partition(tmp_path / "good")
    await good.join([part for part in parts(10) if part.trigger.offset != 4])
    bad = {"e4"}
    made = Partition(tmp_path / "made")
    await made.join(parts(10))
    assert made.flush() == good.flush()
    ((key, value),) = made.own.outgoing.dead_letters
    assert key == b"app-rules-3-4"
    assert msgspec.json.decode(value)["reason"] == "unexpected"
    with pytest.raises(HalfAppliedError, match="e4"):
        await Partition(tmp_path / "careless", careful_for=0).join(parts(10))

"""The core computes and fires what the naive model does, after every event of generated histories.

By default the same examples every time. MODEL_EXAMPLES=N tries N new ones in each test instead of
400, and takes its time to make a failing one small; MODEL_SEEDS=N runs N long histories, not 4.
"""

import json
import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from definitions.catalog import Catalog
from definitions.records import from_record
from processor.engine import (
    Plan,
    Profile,
    Source,
    changed_records,
    compile_plan,
    decode_profile,
    expire,
    read_attributes,
    step,
)
from processor.errors import MalformedEventError
from processor.events import parse_event
from processor.interventions.message import encode_message
from tests.model.enriched import COLUMNS
from tests.model.focused_cases import (
    COUNTERS,
    long_catalog,
    long_history,
    repeated,
    repeats,
    ruled,
    ruled_catalogs,
    ruled_steps,
    value_cases,
)
from tests.model.generated_definitions import Json
from tests.model.generated_histories import START_MS, Happening, cases, line_of
from tests.model.naive import Model, ProfileId

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "400"))
SEEDS = int(os.environ.get("MODEL_SEEDS", "4"))
TOPIC, PARTITION = "enriched", 3


def record_key(one: Json) -> str:
    kind = "attribute_group" if "attribute_key" in one else "intervention"
    return f"{kind}/{one['name']}/{one['version']}"


def plan_of(definitions: list[Json], **options: Any) -> Plan:
    objects = [from_record(record_key(one), json.dumps(one).encode()) for one in definitions]
    catalog = Catalog.empty().with_objects(objects)
    live = catalog.published()
    assert len(live.interventions) == sum("criteria" in one for one in definitions)
    assert [str(one) for one in catalog.problems()] == []
    return compile_plan(catalog, **options)


@dataclass
class Core:
    """The core over a dict in place of a store; profiles are encoded and decoded now and then."""

    plan: Plan
    profiles: dict[ProfileId, Profile] = field(default_factory=dict)
    records: dict[ProfileId, dict[bytes, bytes]] = field(default_factory=dict)
    emptied: int = 0

    def apply(self, line: bytes, offset: int) -> list[Json] | str:
        """What fired, as messages without the offset of the definitions; or why it is no event."""
        try:
            contributions = self.plan.contributions(parse_event(line), offset)
        except MalformedEventError as error:
            return error.reason.value
        found = []
        for one in contributions:
            profile = self._profile((one.key, one.id))
            if profile is None:
                profile = self.profiles[one.key, one.id] = Profile()
            for fired in step(profile, one, self.plan, Source(TOPIC, PARTITION)) or ():
                message = json.loads(encode_message(fired))
                assert message["data"].pop("definitions_offset") == -1
                found.append(message)
        return found

    def attributes(self, owner: ProfileId, group: Json, now_ms: int) -> Json:
        attributes = self.plan.group_attributes(group["name"], group["version"], owner[0])
        values = read_attributes(self._profile(owner), attributes, now_ms)
        return {name.rpartition(":")[2]: value for name, value in values.items()}

    def store(self) -> None:
        """Write what changed and forget what is decoded."""
        for owner, profile in self.profiles.items():
            records = self.records.setdefault(owner, {})
            for suffix, value in changed_records(profile):
                if value is None:
                    records.pop(suffix, None)
                else:
                    records[suffix] = value
            assert changed_records(profile) == []
            assert b"" in records or not records
        self.profiles.clear()

    def expire(self, now_ms: int) -> None:
        """Drop what left every window or outlived its time to live."""
        for owner in list(self.profiles.keys() | self.records.keys()):
            profile = self._profile(owner)
            if profile is not None:
                self.emptied += expire(profile, self.plan, now_ms).empty

    def _profile(self, owner: ProfileId) -> Profile | None:
        if owner not in self.profiles and self.records.get(owner):
            records = self.records[owner]
            self.profiles[owner] = decode_profile(records[b""], records.get)
        return self.profiles.get(owner)


@dataclass
class Comparison:
    """The core and the model side by side."""

    definitions: list[Json]
    options: Json
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.core = Core(plan_of(self.definitions, **self.options))
        self.model = Model(self.definitions, **self.options)

    def event(self, line: bytes, offset: int) -> None:
        shown = dict(zip(COLUMNS, line.decode().split("\t"), strict=True))
        self.done.append(f"event {offset} { ({name: one for name, one in shown.items() if one}) }")
        self._same("fired", self.core.apply(line, offset), self._model_apply(line, offset))

    def read(self, now_ms: int, owners: list[ProfileId] | None = None) -> None:
        self.done.append(f"read {now_ms}")
        for owner in owners or self.model.profiles:
            for group in self.definitions:
                if group.get("attribute_key", {}).get("name") == owner[0] and group["is_published"]:
                    found = self.core.attributes(owner, group, now_ms)
                    name, version = group["name"], group["version"]
                    expected = self.model.attributes(*owner, name, version, now_ms)
                    self._same(f"{owner} {name} v{version} at {now_ms}", found, expected)

    def store(self) -> None:
        self.done.append("store")
        self.core.store()

    def expire(self, now_ms: int) -> None:
        self.done.append(f"expire {now_ms}")
        self.core.expire(now_ms)

    def _model_apply(self, line: bytes, offset: int) -> list[Json] | str:
        return self.model.apply(line, TOPIC, PARTITION, offset)

    def _same(self, what: str, found: Any, expected: Any) -> None:
        if canonical(found) != canonical(expected):
            lines = [
                f"{what}:",
                f"  core  {canonical(found)}",
                f"  model {canonical(expected)}",
                f"definitions {json.dumps(self.definitions)}",
                f"options {self.options}",
                *self.done[-60:],
            ]
            pytest.fail("\n".join(lines))


def canonical(thing: Any) -> str:
    """Text that is equal for equal things: 1 and 1.0 differ; 0.0 and -0.0, or orders, do not."""
    if isinstance(thing, float):
        return repr(thing + 0.0)
    if isinstance(thing, dict):
        return "{" + ", ".join(f"{key}: {canonical(thing[key])}" for key in sorted(thing)) + "}"
    if isinstance(thing, list) and thing and "schema" in thing[0]:
        return f"[{', '.join(sorted(map(canonical, thing)))}]"
    if isinstance(thing, list):
        return f"[{', '.join(map(canonical, thing))}]"
    return repr(thing)


def compare(definitions: list[Json], history: list[Happening], options: Json) -> None:
    """Run a history on both; an expiry reaches as far as nothing that follows looks back."""
    both = Comparison(definitions, options)
    least_ms = [min([one.time_ms, *one.reads_ms]) for one in history]
    for offset, one in enumerate(history):
        both.event(one.line, offset)
        for now_ms in one.reads_ms:
            both.read(now_ms)
        if one.store:
            both.store()
        if one.expire:
            both.expire(min(least_ms[offset + 1 :], default=one.time_ms))


SEARCHING = "MODEL_EXAMPLES" in os.environ
MANY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not SEARCHING,
    phases=list(Phase) if SEARCHING else [Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@MANY
@given(
    cases(),
    st.sampled_from([(), (), ("shop",), ("shop", "")]),
    st.sampled_from(
        [(64, 3_600_000), (64, 3_600_000), (2, 1_000), (0, 1_000), (5, 0), (3, 60_000)]
    ),
)
def test_core_agrees_with_the_model_after_every_event(
    case: tuple[list[Json], list[Happening]],
    app_ids: tuple[str, ...],
    deduplication: tuple[int, int],
) -> None:
    options = {
        "app_ids": app_ids,
        "deduplication_ids": deduplication[0],
        "deduplication_horizon_ms": deduplication[1],
    }
    compare(*case, options)


@MANY
@given(value_cases())
def test_core_agrees_with_the_model_on_the_values_of_one_event(
    case: tuple[list[Json], Json],
) -> None:
    definitions, columns = case
    compare(definitions, [Happening(line_of(START_MS, 0, columns), START_MS, [START_MS])], {})


@MANY
@given(repeats, st.integers(0, 3), st.sampled_from([0, 1, 1_000]))
def test_core_agrees_with_the_model_on_what_is_a_duplicate(
    steps: list[tuple[int, int]], ids: int, horizon_ms: int
) -> None:
    options = {"deduplication_ids": ids, "deduplication_horizon_ms": horizon_ms}
    compare([COUNTERS], repeated(steps), options)


@MANY
@given(ruled_catalogs(), ruled_steps)
def test_core_agrees_with_the_model_on_when_a_rule_fires(
    definitions: list[Json], steps: list[tuple[str, str, int]]
) -> None:
    compare(definitions, ruled(steps), {})


@pytest.mark.parametrize("seed", range(SEEDS))
def test_core_agrees_with_the_model_over_many_events_in_a_window(seed: int) -> None:
    compare(long_catalog(), long_history(seed, size=1_000), {})

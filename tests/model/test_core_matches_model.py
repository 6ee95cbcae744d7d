"""The core computes and fires what the naive model does, after every event of generated histories.

MODEL_SCALE multiplies the number of histories: 1 is the number that every run has to compare. Ten
times as many, in two processes: MODEL_SCALE=10 python -m pytest -n 2 --timeout=0 THIS_FILE
A difference is shown as the smallest definitions and events found that still differ, and by the
name or seed of its history, which alone makes it again.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.model.comparison import cells_met
from tests.model.generated import (
    LATE_MS,
    LATE_WITH_RULES_MS,
    START_MS,
    UUIDS,
    Happening,
    history,
    line_of,
)
from tests.model.generated_cases import (
    COUNTERS,
    long_catalog,
    long_history,
    many_texts_catalog,
    many_texts_history,
    many_values_catalog,
    many_values_history,
    repeats,
    ruled,
    value_case,
)
from tests.model.generated_definitions import CELLS, RULE_OPERATORS, TYPES, Cell, catalog
from tests.model.generated_joint import (
    Visitors,
    any_cells,
    joint_catalog,
    lively,
    many_sessions,
)
from tests.model.published import Rule
from tests.model.smallest import check

SCALE = int(os.environ.get("MODEL_SCALE", "1"))
# The cells are dealt to this many batches of histories; a greater scale repeats the deal.
DEALS = 40
JOINT_BATCHES, LATE_BATCHES = 10, 4
HISTORIES, EVENTS = 40, 60
# In how many histories of its batch a cell is. What is not met then gets histories of its own.
TIMES, CELLS_MAX = 5, 8

OPTIONS = [
    {"app_ids": (), "deduplication_horizon_ms": 86_400_000},
    {"app_ids": ("shop",), "nobody_ids": ("5", "s2"), "deduplication_horizon_ms": 1_800_000},
    {"app_ids": ("shop", ""), "deduplication_horizon_ms": 3_600_000},
    {"nobody_ids": ("null", UUIDS[1]), "deduplication_ids": 0, "deduplication_horizon_ms": 1_000},
    {"app_ids": (), "deduplication_ids": 5, "deduplication_horizon_ms": 0},
]
MANY = settings(
    max_examples=100 * SCALE,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Randomness that hypothesis leads, remembers and shrinks.
chances = st.randoms(use_true_random=False)


def dealt(batch: int) -> list[Cell]:
    """The cells that a batch of histories has to meet."""
    return CELLS[batch % DEALS :: DEALS]


def test_every_cell_is_dealt() -> None:
    assert sorted(one for batch in range(DEALS) for one in dealt(batch)) == sorted(CELLS)
    assert len(CELLS) == len(TYPES) * 2 * 10 * 15
    assert (DEALS + JOINT_BATCHES + LATE_BATCHES) * HISTORIES >= 2_000


@dataclass
class Met:
    """What the histories of a batch have met so far."""

    cells: Counter[Cell] = field(default_factory=Counter)
    deciding: Counter[str] = field(default_factory=Counter)

    def history(self, name: str, cells: list[Cell]) -> None:
        """Compare one history of a catalog with these cells."""
        chance = Random(name)
        definitions = catalog(chance, cells)
        events = history(chance, EVENTS, late_ms=LATE_WITH_RULES_MS)
        both = check(definitions, events, chance.choice(OPTIONS), name)
        self.cells += cells_met(both)
        for fired in both.fired:
            self.deciding.update(one["operator"] for one in fired["data"]["because"])

    def missing(self, wanted: list[Cell]) -> list[Cell]:
        """Cells that were not met, and some for operators that decided nothing."""
        return [one for one in wanted if not self.cells[one]] + undecided(self.deciding)


def undecided(deciding: Counter[str]) -> list[Cell]:
    """Cells for the operators that decided nothing."""
    operators = [one for one in RULE_OPERATORS if not deciding[one]]
    return [Cell("last", False, "is not null", one) for one in operators]


@pytest.mark.parametrize("batch", range(DEALS * SCALE))
def test_core_agrees_with_the_model_and_every_cell_is_met(batch: int) -> None:
    wanted, met = dealt(batch), Met()
    for number in range(HISTORIES):
        dealt_here = range(number, TIMES * len(wanted), HISTORIES)
        met.history(f"{batch} {number}", [wanted[one % len(wanted)] for one in dealt_here])
    for number in range(HISTORIES, 2 * HISTORIES):
        missing = met.missing(wanted)
        if not missing:
            break
        met.history(f"{batch} {number}", missing[:CELLS_MAX])
    assert met.missing(wanted) == []


@dataclass
class MetAcross:
    """What the histories of a batch have met of rules across attribute keys."""

    deciding: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def history(self, name: str, cells: list[Cell]) -> None:
        """Compare one history of a catalog of several keys, in which rules have these cells."""
        chance = Random(name)
        definitions = joint_catalog(chance, cells)
        waits = chance.randrange(4) > 0
        visitor = Visitors(chance)
        events = history(chance, EVENTS, late_ms=LATE_WITH_RULES_MS, visitor=visitor, waits=waits)
        both = check(definitions, events, chance.choice(OPTIONS), name)
        rules = {rule.id: rule for rule in both.model.rules if not rule.is_local}
        for fired in both.fired:
            data = fired["data"]
            rule = rules.get((data["name"], data["version"]))
            if rule is not None:
                self.deciding.update(one["operator"] for one in data["because"])
                self.kinds.update(kinds_of(rule))


def kinds_of(rule: Rule) -> list[str]:
    """What there is about a rule across attribute keys."""
    criteria_keys = {one.key for one in rule.reads.values()}
    found = {
        "several keys in its criteria": len(criteria_keys) > 1,
        "one key": not rule.needs_memory,
        "another key in its payload": not {one.key for one in rule.payload} <= criteria_keys,
        "a target that it does not read": not {*rule.targets} <= {*rule.read_keys},
        "several targets": len(rule.targets) > 1,
        "a cooldown": rule.cooldown_ms is not None,
        "a number of firings": rule.fires_max is not None,
    }
    return [name for name, is_so in found.items() if is_so]


@pytest.mark.parametrize("batch", range(JOINT_BATCHES * SCALE))
def test_core_agrees_with_the_model_on_rules_across_keys(batch: int) -> None:
    met = MetAcross()
    for number in range(HISTORIES):
        name = f"across {batch} {number}"
        met.history(name, any_cells(Random(name), 6))
    for number in range(HISTORIES, 2 * HISTORIES):
        missing = undecided(met.deciding)
        if not missing:
            break
        met.history(f"across {batch} {number}", missing[:CELLS_MAX])
    assert undecided(met.deciding) == []
    assert len(met.kinds) == 7, met.kinds


@MANY
@given(chances)
def test_core_agrees_with_the_model_on_when_a_rule_across_keys_fires(chance: Random) -> None:
    check(*lively(chance), {})


@pytest.mark.parametrize("seed", range(2 * SCALE))
def test_core_agrees_with_the_model_on_more_instances_than_are_remembered(seed: int) -> None:
    both = check(*many_sessions(seed, size=400), {})
    assert both.model.targets.dropped["many"] > 0


@pytest.mark.parametrize("batch", range(LATE_BATCHES * SCALE))
def test_core_agrees_with_the_model_on_very_late_events(batch: int) -> None:
    for number in range(HISTORIES):
        name = f"late {batch} {number}"
        chance = Random(name)
        cells = [chance.choice(CELLS) for _ in range(8)]
        definitions = [one for one in catalog(chance, cells) if "criteria" not in one]
        events = history(chance, EVENTS, late_ms=LATE_MS)
        check(definitions, events, chance.choice(OPTIONS), name)


@MANY
@given(chances)
def test_core_agrees_with_the_model_after_every_event(chance: Random) -> None:
    cells = [chance.choice(CELLS) for _ in range(chance.randrange(4))]
    definitions = catalog(chance, cells)
    late_ms = LATE_WITH_RULES_MS if cells else LATE_MS
    events = history(chance, chance.randrange(1, 25), late_ms=late_ms)
    check(definitions, events, chance.choice(OPTIONS))


@MANY
@given(chances)
def test_core_agrees_with_the_model_on_the_values_of_one_event(chance: Random) -> None:
    definitions, columns = value_case(chance)
    check(definitions, [Happening(line_of(START_MS, 0, columns), START_MS, [START_MS])], {})


@MANY
@given(chances)
def test_core_agrees_with_the_model_on_what_is_a_duplicate(chance: Random) -> None:
    horizon_ms = chance.choice([1_000, 1_000, 0, 100])
    check([COUNTERS], repeats(chance), {"deduplication_horizon_ms": horizon_ms})


@MANY
@given(chances)
def test_core_agrees_with_the_model_on_when_a_rule_fires(chance: Random) -> None:
    check(*ruled(chance), {})


@pytest.mark.parametrize("seed", range(4 * SCALE))
def test_core_agrees_with_the_model_over_many_events_in_a_window(seed: int) -> None:
    check(long_catalog(), long_history(seed, size=800), {})


@pytest.mark.parametrize("seed", range(SCALE))
def test_core_agrees_with_the_model_on_more_values_than_are_remembered(seed: int) -> None:
    check(many_values_catalog(), many_values_history(seed, size=2_000), {})


def test_core_agrees_with_the_model_on_more_long_texts_than_are_remembered() -> None:
    check(many_texts_catalog(), many_texts_history(1, size=600), {})

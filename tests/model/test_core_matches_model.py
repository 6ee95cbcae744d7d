"""The core computes and fires what the naive model does, after every event of generated histories.

MODEL_SCALE multiplies the number of histories: 1 is the number that every run has to compare.
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
    Happening,
    history,
    line_of,
)
from tests.model.generated_cases import (
    COUNTERS,
    long_catalog,
    long_history,
    many_values_catalog,
    many_values_history,
    repeats,
    ruled,
    value_case,
)
from tests.model.generated_definitions import CELLS, RULE_OPERATORS, TYPES, Cell, catalog
from tests.model.smallest import check

SCALE = int(os.environ.get("MODEL_SCALE", "1"))
# The cells are dealt to this many batches of histories; a greater scale repeats the deal.
DEALS = 40
HISTORIES, EVENTS = 50, 60
# In how many histories of its batch a cell is. What is not met then gets histories of its own.
TIMES, CELLS_MAX = 5, 8

OPTIONS = [
    {"app_ids": (), "deduplication_ids": 64, "deduplication_horizon_ms": 3_600_000},
    {"app_ids": ("shop",), "deduplication_ids": 64, "deduplication_horizon_ms": 60_000},
    {"app_ids": ("shop", ""), "deduplication_ids": 2, "deduplication_horizon_ms": 1_000},
    {"app_ids": (), "deduplication_ids": 0, "deduplication_horizon_ms": 1_000},
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
    assert DEALS * HISTORIES >= 2_000


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
        both = check(definitions, events, chance.choice(OPTIONS))
        self.cells += cells_met(both)
        for fired in both.fired:
            self.deciding.update(one["operator"] for one in fired["data"]["because"])

    def missing(self, wanted: list[Cell]) -> list[Cell]:
        """Cells that were not met, and some for operators that decided nothing."""
        found = [one for one in wanted if not self.cells[one]]
        operators = [one for one in RULE_OPERATORS if not self.deciding[one]]
        return found + [Cell("last", False, "is not null", one) for one in operators]


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


@pytest.mark.parametrize("batch", range(4 * SCALE))
def test_core_agrees_with_the_model_on_very_late_events(batch: int) -> None:
    for number in range(HISTORIES):
        chance = Random(f"late {batch} {number}")
        cells = [chance.choice(CELLS) for _ in range(8)]
        definitions = [one for one in catalog(chance, cells) if "criteria" not in one]
        check(definitions, history(chance, EVENTS, late_ms=LATE_MS), chance.choice(OPTIONS))


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
    horizon_ms = chance.choice([1_000, 0, 1])
    options = {"deduplication_ids": chance.randrange(4), "deduplication_horizon_ms": horizon_ms}
    check([COUNTERS], repeats(chance), options)


@MANY
@given(chances)
def test_core_agrees_with_the_model_on_when_a_rule_fires(chance: Random) -> None:
    check(*ruled(chance), {})


@pytest.mark.parametrize("seed", range(4 * SCALE))
def test_core_agrees_with_the_model_over_many_events_in_a_window(seed: int) -> None:
    check(long_catalog(), long_history(seed, size=1_000), {})


@pytest.mark.parametrize("seed", range(SCALE))
def test_core_agrees_with_the_model_on_more_values_than_are_remembered(seed: int) -> None:
    check(many_values_catalog(), many_values_history(seed, size=2_000), {})

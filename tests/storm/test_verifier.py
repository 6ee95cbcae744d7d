"""The verifier of a storm finds what is wrong, and knows what nobody can know."""

from dataclasses import replace

import pytest

from tests.model.topic_reader import Record
from tests.storm.by_hand import ALL, ARRIVED_MS, BEGIN_MS, KEY, LATER, NOW_MS, OTHER, SECOND, Storm
from tests.storm.catalogue import criterion, rule
from tests.storm.verifier import Findings

OTHERS = rule("others", [KEY], criterion("other:seen", ">=", 2))


def right(found: Findings) -> bool:
    assert found.difference_count == len(found.differences)
    return not found.differences


def three() -> Storm:
    """Three events of a user; the rule fires at the second."""
    storm = Storm()
    under = storm.define(ALL, SECOND)
    storm.send(0, 1, under=under)
    storm.send(2, under=under)
    storm.fire(SECOND, 1, before=1, after=2)
    storm.read(all_seen=3)
    return storm


def test_a_run_that_is_right_has_no_differences() -> None:
    found = three().verify()
    assert right(found)
    assert (found.events, found.contributions, found.values, found.interventions) == (3, 3, 1, 1)
    assert not found.doubtful.total()


def test_replayed_contributions_count_once() -> None:
    storm = three()
    storm.send(0, 1, 2, under=1, epoch=2)
    found = storm.verify()
    assert right(found)
    assert found.replayed == 3


# --- what is wrong --------------------------------------------------------------------------------


def wrong_value(storm: Storm) -> None:
    storm.evidence.reads.clear()
    storm.read(all_seen=2)


def no_such_value(storm: Storm) -> None:
    storm.evidence.reads.clear()
    storm.read(all_seen=3, ball_seen=3)


def missing_intervention(storm: Storm) -> None:
    storm.evidence.interventions[0].clear()


def doubled_intervention(storm: Storm) -> None:
    storm.fire(SECOND, 1, before=1, after=2)


def intervention_at_another_event(storm: Storm) -> None:
    storm.fire(SECOND, 2, before=1, after=2)


def missing_contribution(storm: Storm) -> None:
    storm.evidence.contributions[0].pop()


def lost_frame(storm: Storm) -> None:
    del storm.evidence.contributions[0][0]


def wrong_time(storm: Storm) -> None:
    storm.evidence.contributions[0].pop()
    storm.send(2, under=1, time_ms=BEGIN_MS)


def wrong_arrival(storm: Storm) -> None:
    storm.evidence.contributions[0].pop()
    storm.send(2, under=1, arrived_ms=ARRIVED_MS + 1)


def missing_dead_letter(storm: Storm) -> None:
    storm.evidence.source[0].append(Record(3, None, b"no\tevent"))


def section_from_the_future(storm: Storm) -> None:
    storm.define(OTHER)
    storm.evidence.contributions[0].pop()
    storm.send(2, under=2)
    storm.evidence.samples.append(replace(sample_of(storm), definitions_end=2))


def sample_of(storm: Storm):
    storm.sample()
    return storm.evidence.samples.pop()


@pytest.mark.parametrize(
    "fault",
    [
        wrong_value, no_such_value, missing_intervention, doubled_intervention,
        intervention_at_another_event, missing_contribution, lost_frame, wrong_time, wrong_arrival,
        missing_dead_letter, section_from_the_future,
    ],
)  # fmt: skip
def test_a_fault_is_found(fault) -> None:
    storm = three()
    fault(storm)
    assert not right(storm.verify())


# --- definitions that change ----------------------------------------------------------------------


@pytest.mark.parametrize(("seen", "is_right"), [(1, True), (2, False), (None, False)])
def test_a_new_series_counts_from_the_first_section_under_its_definitions(
    seen: int | None, is_right: bool
) -> None:
    storm = Storm()
    first = storm.define(ALL)
    storm.send(0, under=first)
    second = storm.define(OTHER)
    storm.send(1, under=first)  # made before, and perhaps applied after
    storm.send(2, under=second)
    storm.read(all_seen=3, other_seen=seen)
    found = storm.verify()
    assert right(found) is is_right
    assert not found.doubtful["values of what began while the definitions changed"]


@pytest.mark.parametrize(
    ("first_event", "is_right"), [(0, False), (1, True), (2, True), (3, False)]
)
def test_a_new_accumulator_begins_where_it_can(first_event: int, is_right: bool) -> None:
    storm = Storm()
    first = storm.define(ALL)
    storm.send(0, under=first)
    storm.sample()
    second = storm.define(LATER)
    storm.send(1, under=first)
    storm.send(2, under=second)
    storm.send(3, under=second)
    seconds = (NOW_MS - BEGIN_MS) / 1_000 - first_event
    storm.read(all_seen=4, later_idle=seconds)
    found = storm.verify()
    assert right(found) is is_right
    assert found.doubtful["values of what began while the definitions changed"] == 1


@pytest.mark.parametrize("fired", [True, False])
def test_a_rule_may_fire_while_nobody_knows_whether_it_is_in_force(fired: bool) -> None:
    storm = Storm()
    first = storm.define(ALL)
    storm.send(0, under=first)
    storm.sample()
    storm.define(SECOND)
    storm.send(1, under=first)
    if fired:
        storm.fire(SECOND, 1, before=1, after=2)
    storm.read(all_seen=2)
    found = storm.verify()
    assert right(found)
    assert found.doubtful["firings while the definitions changed"] == 1


@pytest.mark.parametrize("fired", [True, False])
def test_a_rule_must_fire_under_its_own_definitions(fired: bool) -> None:
    storm = Storm()
    first = storm.define(ALL)
    storm.send(0, under=first)
    storm.send(1, under=storm.define(SECOND))
    if fired:
        storm.fire(SECOND, 1, before=1, after=2)
    storm.read(all_seen=2)
    assert right(storm.verify()) is fired


def test_a_rule_must_not_fire_before_it_is_published() -> None:
    storm = Storm()
    first = storm.define(ALL)
    storm.send(0, 1, under=first)
    storm.sample()
    storm.define(SECOND)
    storm.fire(SECOND, 1, before=1, after=2)
    storm.read(all_seen=2)
    assert not right(storm.verify())


@pytest.mark.parametrize(("seen", "is_right"), [(1, True), (2, False)])
def test_what_comes_back_starts_anew_where_the_owner_has_noted_its_end(
    seen: int, is_right: bool
) -> None:
    storm = Storm()
    storm.send(0, under=storm.define(ALL, OTHER))
    storm.sample()
    storm.send(1, under=storm.define("attribute_group/other/1"))
    storm.sample()
    storm.send(2, under=storm.define(OTHER))
    storm.read(all_seen=3, other_seen=seen)
    assert right(storm.verify()) is is_right


@pytest.mark.parametrize("seen", [1, 2])
def test_what_comes_back_may_go_on_where_nobody_has_noted_its_end(seen: int) -> None:
    storm = Storm()
    storm.send(0, under=storm.define(ALL, OTHER))
    storm.sample()
    storm.define("attribute_group/other/1")
    storm.sample()
    storm.send(1, under=storm.define(OTHER))
    storm.read(all_seen=2, other_seen=seen)
    assert right(storm.verify())


def test_an_attribute_of_an_unpublished_group_is_not_read() -> None:
    storm = Storm()
    storm.send(0, under=storm.define(ALL, OTHER))
    storm.define("attribute_group/other/1")
    storm.read(all_seen=1)
    assert right(storm.verify())
    storm.evidence.reads.clear()
    storm.read(all_seen=1, other_seen=1)
    assert not right(storm.verify())


def test_a_rule_stops_with_the_group_that_it_reads() -> None:
    storm = Storm()
    storm.send(0, under=storm.define(ALL, OTHER, OTHERS))
    storm.send(1, under=storm.define("attribute_group/other/1"))
    storm.read(all_seen=2)
    assert right(storm.verify())


@pytest.mark.parametrize("fired", [1, 2, 3])
def test_a_rule_may_fire_in_any_life_of_the_group_that_it_reads(fired: int) -> None:
    """Applied long after they were made: the group may have ended and begun again in between."""
    storm = Storm()
    first = storm.define(ALL, OTHER, OTHERS)
    storm.send(0, under=first)
    storm.define("attribute_group/other/1")
    storm.define(OTHER)
    for number in (1, 2, 3):
        storm.send(number, under=first)
    storm.fire(OTHERS, fired, before=1, after=2)
    storm.read(all_seen=4, other_seen=5 - fired)
    assert right(storm.verify())

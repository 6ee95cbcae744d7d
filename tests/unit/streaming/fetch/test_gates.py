from dataclasses import dataclass

import pytest

from processor.errors import SequenceError
from processor.formats import NEWEST_LEVEL
from processor.limits import RUNS_IN_FLIGHT_MAX
from processor.profile_inputs import ProfileInput
from processor.streaming.fetch.gates import Gate, ProfileGates


@dataclass
class Record:
    offset: int


def gate() -> Gate:
    return Gate("topic", 3, 1, "member", NEWEST_LEVEL)


def test_a_new_gate_wants_nothing_until_it_is_opened() -> None:
    made = gate()
    assert not made.wants_records
    made.opens_at(10)
    assert made.wants_records


def test_a_dead_gate_wants_nothing() -> None:
    made = gate()
    made.opens_at(10)
    made.alive = False
    assert not made.wants_records


def test_runs_follow_each_other() -> None:
    made = gate()
    made.opens_at(10)
    first = made.run([Record(10), Record(11)], 12)
    second = made.run([Record(14)], 16)  # control records and compaction leave gaps
    assert (first.start, first.end, second.start, second.end) == (10, 12, 12, 16)


@pytest.mark.parametrize(("offset", "position"), [(9, 11), (10, 10)])
def test_records_from_before_are_refused(offset: int, position: int) -> None:
    made = gate()
    made.opens_at(10)
    with pytest.raises(SequenceError, match="topic-3"):
        made.run([Record(offset)], position)


def test_only_so_many_runs_wait_for_an_agent() -> None:
    told = []
    made = Gate("topic", 3, 1, "member", NEWEST_LEVEL, on_space=lambda: told.append(1))
    made.opens_at(0)
    runs = [made.run([Record(n)], n + 1) for n in range(RUNS_IN_FLIGHT_MAX)]
    made.in_flight = len(runs)
    assert not made.wants_records
    made.done(runs[0])
    assert made.wants_records
    assert told == [1]


def test_a_run_of_control_records_alone_has_no_records_and_moves_on() -> None:
    made = gate()
    made.opens_at(10)
    run = made.run([], 12)
    assert (run.start, run.end, run.records) == (10, 12, [])
    assert made.next_offset == 12


def profile_gates() -> ProfileGates:
    return ProfileGates(
        {one: Gate(one.title, 3, 1, "member", NEWEST_LEVEL) for one in ProfileInput}
    )


def test_gates_have_the_name_of_their_partition_of_contributions() -> None:
    made = profile_gates()
    assert (made.name, made.partition) == ("contributions-3", 3)
    assert [gate.topic for gate in made.all] == [one.title for one in ProfileInput]


@pytest.mark.parametrize("last", ProfileInput)
def test_they_are_open_when_all_are(last: ProfileInput) -> None:
    made = profile_gates()
    for one in set(ProfileInput) - {last}:
        made[one].opens_at(0)
    assert not made.opened
    made[last].opens_at(0)
    assert made.opened


@pytest.mark.parametrize("one", ProfileInput)
def test_they_are_dead_when_one_is(one: ProfileInput) -> None:
    made = profile_gates()
    assert made.alive
    made[one].alive = False
    assert not made.alive


def test_closed_gates_let_nothing_through() -> None:
    made = profile_gates()
    for gate in made.all:
        gate.opens_at(0)
    made.close()
    assert not any(gate.wants_records for gate in made.all)


@pytest.mark.parametrize("lost", ProfileInput)
def test_all_are_renewed_also_if_one_is_lost(lost: ProfileInput) -> None:
    made = profile_gates()
    asked: list[Gate] = []

    def renew(gate: Gate) -> Gate | None:
        asked.append(gate)
        return None if gate is made[lost] else gate

    assert made.renewed(renew) is None
    assert asked == [*made.all]
    fresh = made.renewed(lambda gate: gate)
    assert fresh is not None
    assert fresh.all == made.all

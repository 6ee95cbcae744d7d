from dataclasses import dataclass

import pytest

from processor.errors import SequenceError
from processor.limits import RUNS_IN_FLIGHT_MAX
from processor.streaming.gates import Gate, GatePair


@dataclass
class Record:
    offset: int


def gate() -> Gate:
    return Gate("topic", 3, 1, "member")


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


def test_a_position_that_somebody_moved_is_refused() -> None:
    made = gate()
    made.opens_at(10)
    made.expects(10)
    with pytest.raises(SequenceError, match="at offset 12 where 10"):
        made.expects(12)


def test_only_so_many_runs_wait_for_an_agent() -> None:
    told = []
    made = Gate("topic", 3, 1, "member", on_space=lambda: told.append(1))
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


def pair() -> GatePair:
    return GatePair(Gate("contributions", 3, 1, "member"), Gate("rules", 3, 1, "member"))


def test_a_pair_is_open_when_both_gates_are() -> None:
    made = pair()
    made.rules.opens_at(0)
    assert not made.opened
    made.contributions.opens_at(0)
    assert made.opened


@pytest.mark.parametrize("name", ["contributions", "rules"])
def test_a_pair_is_dead_when_one_gate_is(name: str) -> None:
    made = pair()
    assert made.alive
    getattr(made, name).alive = False
    assert not made.alive


def test_a_pair_that_is_closed_lets_nothing_through() -> None:
    made = pair()
    for gate in (made.contributions, made.rules):
        gate.opens_at(0)
    made.close()
    assert not made.contributions.wants_records
    assert not made.rules.wants_records

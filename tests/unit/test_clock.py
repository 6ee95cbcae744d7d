"""A clock for what is deleted once a time is over: wrong for a moment, it moves nothing."""

import pytest

from processor.clock import SteadyClock, steady_ms, wall_ms

NOW_MS = 1_800_000_000_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000


class Machine:
    """A machine whose clock can be set."""

    def __init__(self) -> None:
        self.wrong_ms = 0
        self.up_ms = 5_000
        self.clock = SteadyClock(lambda: NOW_MS + self.up_ms + self.wrong_ms, lambda: self.up_ms)

    @property
    def true_ms(self) -> int:
        return NOW_MS + self.up_ms

    def after(self, seconds: float) -> int:
        """How far the steady clock is off after so many seconds."""
        self.up_ms += round(1000 * seconds)
        return self.clock.now_ms() - self.true_ms


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_it_is_the_wall_clock() -> None:
    assert abs(steady_ms() - wall_ms()) < 10_000


def test_a_jump_ahead_that_is_taken_back_is_not_followed(machine: Machine) -> None:
    machine.wrong_ms = 30 * DAY_MS
    assert [machine.after(1) for _ in range(5)] == [0] * 5
    machine.wrong_ms = 0
    assert machine.after(60) == 0
    machine.wrong_ms = 30 * DAY_MS
    assert machine.after(599) == 0, "it counts from its first look anew"


def test_a_jump_ahead_that_lasts_is_followed(machine: Machine) -> None:
    machine.wrong_ms = DAY_MS
    assert machine.after(1) == 0
    assert machine.after(599) == 0
    assert machine.after(1) == DAY_MS
    assert machine.after(1) == DAY_MS


def test_it_goes_back_at_once(machine: Machine) -> None:
    machine.wrong_ms = -DAY_MS
    assert machine.after(1) == -DAY_MS
    machine.wrong_ms = 0
    assert machine.after(1) == -DAY_MS
    assert machine.after(600) == 0


def test_a_clock_that_is_set_right_in_small_steps_is_followed(machine: Machine) -> None:
    for step in range(1, 100):
        machine.wrong_ms = 10 * step
        assert machine.after(1) == 10 * step


def test_a_machine_that_was_suspended_is_followed_later(machine: Machine) -> None:
    machine.wrong_ms = 8 * 60 * MINUTE_MS  # its monotonic clock stood still meanwhile
    assert machine.after(10) == 0
    assert machine.after(600) == machine.wrong_ms

"""The steady state of runs whose cost is known, and when a run has ended."""

import pytest

from tests.benchmarks.bench.measure import Sample, ended, steady


def even(rate: int, events: int, *, seconds: int, cpu_s: float) -> list[Sample]:
    """A system that works at one rate after a warm-up of 3,000 events; half of the events match."""
    samples = []
    for at in range(seconds):
        seen = min(events, at * rate)
        cpu = 5.0 + cpu_s * min(at, events / rate)
        made = (100.0 + at, 3_000 + seen, 1_400 + seen // 2, cpu, cpu / 10, 1_000 + at)
        samples.append(Sample(*made, 7_000 + seen * 300, 50 + seen * 20))
    return samples


def test_figures_are_of_the_events_after_the_warm_up() -> None:
    found = steady(even(1_000, 6_000, seconds=10, cpu_s=0.5))
    assert found.events == 6_000
    assert found.events_s == pytest.approx(1_000)
    assert found.cpu_us == pytest.approx(500)
    assert found.broker_us == pytest.approx(50)
    assert found.kafka_bytes == 300
    assert found.disk_bytes == 20
    assert found.memory == 1_009


def test_the_end_lies_between_two_looks() -> None:
    # 6,500 events take six and a half seconds, looked at each second.
    found = steady(even(1_000, 6_500, seconds=10, cpu_s=0.5))
    assert found.events == 6_500
    assert found.events_s == pytest.approx(1_000)


def test_what_is_read_ahead_is_done_when_it_is_applied() -> None:
    samples = [
        Sample(10, 3_000, 1_400, 5.0),
        Sample(11, 8_000, 1_400, 6.0),
        Sample(12, 8_000, 2_900, 7.0),
        Sample(13, 8_000, 3_400, 7.5),
        Sample(14, 8_000, 3_400, 7.5),
        Sample(15, 8_000, 3_400, 9.0),
    ]
    found = steady(samples)
    assert found.cpu_us == pytest.approx(500)
    assert found.events_s == pytest.approx(5_000 / (2 + 1_250 / 1_875))


def test_what_follows_the_last_contribution_within_a_look_counts() -> None:
    samples = [
        Sample(1, 1_000, 1_000, 1.0),
        Sample(2, 2_000, 2_000, 2.0),
        Sample(3, 2_000, 2_000, 2.5),
        Sample(4, 2_000, 2_000, 9.0),
    ]
    assert steady(samples).cpu_us == pytest.approx(1_500)


def test_where_nothing_matches_events_count_when_they_are_read() -> None:
    samples = [Sample(at, min(4, at) * 1_000, 0, float(at)) for at in range(8)]
    assert steady(samples).events_s == pytest.approx(1_000)


def test_a_run_that_is_over_at_once_ends_at_the_look_that_saw_it() -> None:
    found = steady([Sample(0, 0, 0, 1.0), Sample(1, 100, 50, 2.0), Sample(2, 100, 50, 2.0)])
    assert found.events == 100
    assert found.events_s == 100
    assert found.cpu_us == pytest.approx(10_000)


def test_a_run_ends_when_all_is_done_and_nothing_changes() -> None:
    busy = [Sample(at, 100, at) for at in range(4)]
    assert not ended(busy, 100, 3)
    quiet = [*busy, *[Sample(10 + at, 100, 3) for at in range(3)]]
    assert ended(quiet, 100, 3)
    assert not ended(quiet, 101, 3)
    assert not ended(quiet, 100, 4)

"""Which interventions count for the time from event to intervention, and what is told of them."""

import json

import pytest

from tests.benchmarks.bench.latency import ENOUGH, delays, summary, times_within
from tests.benchmarks.bench.ours import Ours
from tests.benchmarks.bench.python_peers import Faust


def test_ours_are_found_by_the_event_that_triggered_them() -> None:
    arrived = [
        (1_050.0, json.dumps({"data": {"trigger": {"event_id": "e1"}}}).encode()),
        (1_100.0, json.dumps({"data": {"trigger": {"event_id": "warm-up"}}}).encode()),
    ]
    assert delays(Ours(), arrived, {"e1": 1_000}, 900) == [50.0]


def test_those_of_peers_tell_when_their_event_was_produced() -> None:
    arrived = [
        (1_050.0, json.dumps({"produced_ms": 1_000}).encode()),
        (1_100.0, json.dumps({"produced_ms": 800}).encode()),
    ]
    assert delays(Faust("faust", "Faust"), arrived, {}, 900) == [50.0]


def test_a_few_interventions_say_nothing() -> None:
    assert summary([1.0] * (ENOUGH - 1), 10.0) is None
    found = summary([float(one) for one in range(1, 101)], 10.0)
    assert found is not None
    assert found.p50_ms == pytest.approx(50.5)
    assert found.p99_ms == pytest.approx(99.01)
    assert found.firings == 100


def test_times_are_cut_where_the_topic_has_too_few_events() -> None:
    assert times_within(1_000_000, 1_000, 10, 20) == (10, 20)
    warm_up_s, seconds = times_within(31_000, 1_900, 10, 20)
    assert warm_up_s == pytest.approx(5)
    assert seconds == pytest.approx(10)

"""The benchmark on a small topic: figures mean nothing here, all must find the same.

Each job is done by one worker and compared with the naive model. `make bench` compares the peers.
"""

import argparse
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from rich.console import Console

from tests.benchmarks.bench import latency
from tests.benchmarks.bench.feed import Feed, make_feed, shop_values
from tests.benchmarks.bench.jobs import JOBS
from tests.benchmarks.bench.naive_counts import naive_counts
from tests.benchmarks.bench.ours import Ours
from tests.benchmarks.bench.results import Row, disagreements
from tests.benchmarks.bench.rounds import Bench

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

EVENTS = 2_000
USERS = 300
OPTIONS = argparse.Namespace(rounds=1, latency_s=2.0, latency_warm_up_s=1.0, latency_rate=1_000.0)


@pytest.fixture(scope="module")
def values() -> tuple[bytes, ...]:
    return tuple(shop_values(EVENTS, USERS, int(time.time() * 1000)))


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory, values: tuple[bytes, ...]) -> Feed:
    path = tmp_path_factory.mktemp("bench") / "events"
    return make_feed(
        path, 4, values, JOBS.values(), total=EVENTS, warm_up=500, console=Console(quiet=True)
    )


@pytest.fixture(scope="module")
def naive(values: tuple[bytes, ...]) -> Callable[[str], tuple[int, int]]:
    return cache(lambda letter: naive_counts(JOBS[letter], values))


@pytest.fixture
def bench(bootstrap_servers: str, feed: Feed, tmp_path: Path) -> Bench:
    return Bench(bootstrap_servers, tmp_path, feed, OPTIONS, Console(quiet=True))


@pytest.mark.parametrize("letter", JOBS)
def test_it_finds_what_the_naive_model_finds(
    bench: Bench,
    feed: Feed,
    naive: Callable[[str], tuple[int, int]],
    letter: str,
) -> None:
    system = Ours()
    system.prepare()
    row = Row(system)
    job = JOBS[letter]
    bench.rounds([job], {letter: [row]})
    assert disagreements([row], feed, letter) == []
    (result,) = row.results
    assert (result.applied, result.fired) == naive(letter)
    assert result.fired > 0
    assert result.steady.events_s > 0
    assert result.steady.cpu_us > 0


def test_it_takes_the_time_from_event_to_intervention(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency, "FIRST_EVENTS", 500)
    monkeypatch.setattr(latency, "ENOUGH", 5)
    found = bench.latency(JOBS["a"], Ours(), 300.0)
    assert found is not None
    assert 0 < found.p50_ms <= found.p99_ms
    assert found.events_s > 0


def test_the_events_are_kept_as_they_were_made(feed: Feed, values: tuple[bytes, ...]) -> None:
    assert tuple(value for value, _ in feed.values()) == values
    assert feed.event_bytes == pytest.approx(sum(map(len, values)) / EVENTS)

"""What must come out is the same by three codes that share nothing: the counts made while events
are written, the naive model, and the functions of the peers in Python.
"""

import json
from functools import cache
from itertools import islice
from typing import Any

import pytest

from processor.local.shop import Shop
from tests.benchmarks.bench.jobs import JOBS
from tests.benchmarks.bench.naive_counts import naive_counts
from tests.benchmarks.peers.jobs import DOMAIN_USERID
from tests.benchmarks.peers.jobs import JOBS as PEERS

EVENTS = 1_500
START_MS = 1_795_341_600_000


@cache
def values() -> tuple[bytes, ...]:
    shop = Shop(3, 100, start_ms=START_MS)
    return tuple(event.value for event in islice(shop, EVENTS))


@cache
def by_model(letter: str) -> tuple[int, int]:
    return naive_counts(JOBS[letter], values())


@pytest.mark.parametrize("letter", JOBS)
def test_counts_are_those_of_the_naive_model(letter: str) -> None:
    expected = JOBS[letter].expected()
    for value in values():
        expected.take(value.split(b"\t"))
    contributions, firings = by_model(letter)
    assert firings > 0
    assert expected.contributions == contributions
    assert expected.firings in {firings, None}


@pytest.mark.parametrize("letter", ["a", "b"])
def test_peers_in_python_find_the_same(letter: str) -> None:
    job = PEERS[letter]()
    profiles: dict[str, Any] = {}
    contributions = firings = 0
    for value in values():
        columns = value.split(b"\t")
        given = job.contribution(columns) if columns[DOMAIN_USERID] else None
        if given is not None:
            contributions += 1
            stored = json.dumps(profiles.get(given["id"]))
            profiles[given["id"]], fired = job.apply(json.loads(stored), given)
            firings += fired
    assert (contributions, firings) == by_model(letter)

"""Metrics as text: as often as somebody asks, made once a second."""

import pytest
from prometheus_client import CollectorRegistry, Counter

from processor.api.http.exposition import Exposition
from processor.request_limits import METRICS_AGE_S

START_S = 1_000.0


async def test_metrics_are_made_once_a_second_whoever_asks_how_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = CollectorRegistry()
    seen = Counter("seen", "seen", registry=registry)
    now_s, looks = START_S, 0
    monkeypatch.setattr("processor.api.http.exposition.monotonic_s", lambda: now_s)

    async def look_up() -> None:
        nonlocal looks
        looks += 1

    exposition = Exposition(registry, look_up)
    for _ in range(3):
        assert b"seen_total 0.0" in await exposition.text()
        seen.inc()
    seen.inc()
    now_s += METRICS_AGE_S / 2
    assert b"seen_total 0.0" in await exposition.text()
    now_s += METRICS_AGE_S / 2
    assert b"seen_total 4.0" in await exposition.text()
    assert looks == 2

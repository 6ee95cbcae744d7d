"""Metrics as text: as often as somebody asks, made once a second."""

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from processor.api.http.exposition import Exposition, merged
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

    async def nothing() -> bytes:
        return b""

    exposition = Exposition(registry, "source", look_up, nothing)
    for _ in range(3):
        assert b'seen_total{stage="source"} 0.0' in await exposition.text()
        seen.inc()
    seen.inc()
    now_s += METRICS_AGE_S / 2
    assert b'seen_total{stage="source"} 0.0' in await exposition.text()
    now_s += METRICS_AGE_S / 2
    assert b'seen_total{stage="source"} 4.0' in await exposition.text()
    assert looks == 2


async def test_the_metrics_of_both_stages_are_one_text_with_one_head_for_each() -> None:
    texts = []
    for stage, count in (("source", 3), ("profiles", 5)):
        registry = CollectorRegistry()
        Counter("seen", "seen so far", ["of"], registry=registry).labels("a").inc(count)
        Counter(f"only_{stage}", "of one", registry=registry).inc()

        async def nothing() -> bytes:
            return b""

        async def refresh() -> None:
            pass

        texts.append(await Exposition(registry, stage, refresh, nothing).text())
    found = merged(*texts).decode()
    parsed = {one.name: one for one in text_string_to_metric_families(found)}
    assert {*parsed} >= {"seen", "only_source", "only_profiles"}
    counts = {
        one.labels["stage"]: one.value for one in parsed["seen"].samples if one.name == "seen_total"
    }
    assert counts == {"source": 3, "profiles": 5}
    assert found.count("# HELP seen_total ") == found.count("# TYPE seen_total ") == 1


def test_the_other_process_may_not_answer() -> None:
    assert merged(b"# HELP a b\n# TYPE a gauge\na 1\n", b"").count(b"a 1") == 1

import base64
import hashlib
import re
import shutil
import threading
from pathlib import Path

import pytest

from processor.api import Readiness
from processor.api.docs_page import docs_page
from processor.api.http.state_size import _bytes_below
from processor.request_limits import STATE_SIZE_S

STATE = 'processor_state_bytes{{stage="profiles"}} {}'


async def test_a_worker_that_serves_is_live_and_ready(client):
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/health/ready")).json() == {"status": "ready"}


async def test_a_worker_that_restores_says_why_and_how_far(client, worker):
    worker.ready = Readiness(ready=False, reason="2 of 8 partitions", restored=0.25)
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "reason": "2 of 8 partitions",
        "restored": 0.25,
        "degraded": [],
    }
    assert (await client.get("/health/live")).status_code == 200


async def test_requests_are_measured_by_route_and_status(client):
    await client.get("/health/live")
    await client.get("/nowhere/in/particular")
    await client.post("/api/v1/profiles", json={})
    text = (await client.get("/metrics")).text
    assert (
        'processor_request_seconds_count{route="/health/live",stage="profiles",status="200"}'
        in text
    )
    assert 'processor_request_seconds_count{route="none",stage="profiles",status="404"}' in text
    assert (
        'processor_request_seconds_count{route="/api/v1/profiles",stage="profiles",status="422"}'
        in text
    )
    assert "particular" not in text


async def test_the_openapi_page_is_there_and_loads_nothing(client):
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "/api/v1/get-online-attributes" in page.text
    assert not re.search(r"https?://|<script|<link|<img|@import|url\(| on[a-z]+=", page.text)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy


async def test_the_page_shows_text_as_text():
    hostile = "<script>alert(1)</script>'\"&"
    call = {
        "summary": hostile, "description": hostile, "tags": [hostile],
        "parameters": [{"name": hostile, "in": hostile, "schema": {"type": hostile}}],
        "requestBody": {"content": {hostile: {"schema": {"$ref": hostile}}}},
        "responses": {hostile: {"description": hostile}},
    }  # fmt: skip
    page = docs_page(
        {
            "info": {"title": hostile, "version": hostile},
            "paths": {hostile: {hostile: call}},
            "components": {"schemas": {hostile: {"title": hostile}}},
        }
    )
    assert "<script" not in page
    assert page.count("&lt;script") > 10


async def test_the_openapi_document_is_there(client):
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert "/api/v1/get-online-attributes" in paths


async def test_health_tells_how_far_a_restore_is_and_answers_meanwhile(client, worker):
    told = {"status": "ok", "reason": "", "restored": 1.0, "source_stage": "python"}
    beside = {"degraded": [], "definitions_offset": -1}
    told["stages"] = {"profiles": {"status": "ok", "reason": "", **beside}}
    assert (await client.get("/health")).json() == told
    worker.ready = Readiness(ready=False, reason="2 of 8 partitions", restored=0.25)
    answer = await client.get("/health")
    assert answer.status_code == 200
    stage = {"status": "starting", "reason": "2 of 8 partitions"}
    told |= {**stage, "restored": 0.25}
    told["stages"] = {"profiles": {**stage, **beside}}
    assert answer.json() == told
    metrics = (await client.get("/metrics")).text
    assert 'processor_restored_ratio{stage="profiles"} 0.25' in metrics


@pytest.mark.parametrize(("ready", "status", "said"), [(True, 200, "ok"), (False, 503, "starting")])
async def test_health_of_all_is_in_the_words_of_the_product(client, worker, ready, status, said):
    worker.ready = Readiness(ready=ready, reason="", restored=0.0)
    answer = await client.get("/health-all")
    assert answer.status_code == status
    assert answer.json() == {
        "status": said,
        "dependencies": {"storage": said, "feature_server": said},
    }


async def test_the_size_of_the_state_is_that_of_the_files_once_a_minute(
    client, settings, monkeypatch
):
    """Whoever asks for metrics again and again does not make the worker walk its disk."""
    settings.data_dir.mkdir()
    (settings.data_dir / "one").write_bytes(b"1" * 1234)
    now_s = 1_000.0
    monkeypatch.setattr("processor.api.http.state_size.monotonic_s", lambda: now_s)
    monkeypatch.setattr("processor.request_limits.METRICS_AGE_S", 0.0)
    for _ in range(3):
        assert STATE.format(1234.0) in (await client.get("/metrics")).text
    (settings.data_dir / "two").write_bytes(b"1" * 1000)
    now_s += STATE_SIZE_S - 1
    assert STATE.format(1234.0) in (await client.get("/metrics")).text
    now_s += 1
    assert STATE.format(2234.0) in (await client.get("/metrics")).text


def test_the_size_of_the_state_is_known_while_stores_come_and_go(tmp_path: Path) -> None:
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            for number in range(20):
                store = tmp_path / "profiles" / str(number)
                store.mkdir(parents=True)
                (store / "data").write_bytes(b"12345")
            shutil.rmtree(tmp_path / "profiles")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        assert all(0 <= _bytes_below(tmp_path) <= 100 for _ in range(300))
    finally:
        stop.set()
        thread.join()
    (tmp_path / "kept").write_bytes(b"123")
    assert _bytes_below(tmp_path) == 3

import pytest

from processor.api import Readiness


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
    }
    assert (await client.get("/health/live")).status_code == 200


async def test_requests_are_measured_by_route_and_status(client):
    await client.get("/health/live")
    await client.get("/nowhere/in/particular")
    await client.post("/api/v1/profiles", json={})
    text = (await client.get("/metrics")).text
    assert 'processor_request_seconds_count{route="/health/live",status="200"}' in text
    assert 'processor_request_seconds_count{route="none",status="404"}' in text
    assert 'processor_request_seconds_count{route="/api/v1/profiles",status="422"}' in text
    assert "particular" not in text


async def test_the_openapi_page_is_there(client):
    assert (await client.get("/docs")).status_code == 200
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert "/api/v1/get-online-attributes" in paths


async def test_health_tells_how_far_a_restore_is_and_answers_meanwhile(client, worker):
    assert (await client.get("/health")).json() == {"status": "ok", "reason": "", "restored": 1.0}
    worker.ready = Readiness(ready=False, reason="2 of 8 partitions", restored=0.25)
    answer = await client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "starting", "reason": "2 of 8 partitions", "restored": 0.25}
    metrics = (await client.get("/metrics")).text
    assert "processor_restored_ratio 0.25" in metrics


@pytest.mark.parametrize(("ready", "status", "said"), [(True, 200, "ok"), (False, 503, "starting")])
async def test_health_of_all_is_in_the_words_of_the_product(client, worker, ready, status, said):
    worker.ready = Readiness(ready=ready, reason="", restored=0.0)
    answer = await client.get("/health-all")
    assert answer.status_code == status
    assert answer.json() == {
        "status": said,
        "dependencies": {"storage": said, "feature_server": said},
    }


async def test_the_size_of_the_state_is_that_of_the_files(client, settings):
    settings.data_dir.mkdir()
    (settings.data_dir / "one").write_bytes(b"1" * 1234)
    assert "processor_state_bytes 1234.0" in (await client.get("/metrics")).text

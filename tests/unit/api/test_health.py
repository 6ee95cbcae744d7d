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

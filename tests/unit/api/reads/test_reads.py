"""Profiles that move between workers, and those that another one owns."""

import socket

import pytest

from definitions.catalog import Catalog
from processor.api import create_api
from processor.api.http.tokens import Tokens
from processor.api.reads import reads
from processor.engine import Plan, compile_plan

PATH = "/api/v1/profiles"
ONLINE = "/api/v1/get-online-attributes"
KEY = "domain_userid"
VIEWS = "ecom_attributes_v1:count_product_views"


@pytest.fixture
def short_wait(monkeypatch):
    """Reads that give up soon."""
    monkeypatch.setattr(reads, "READ_WAIT_S", 0.2)


async def test_a_read_waits_for_a_partition_that_moves(client, worker, busiest):
    worker.moving[busiest] = 3
    answer = await client.post(PATH, json={"key": KEY, "ids": [busiest]})
    assert answer.json()["profiles"][busiest][VIEWS] > 0


async def test_a_read_that_waited_too_long_says_when_to_come_again(
    client, worker, busiest, short_wait
):
    worker.moving[busiest] = 1_000_000
    answer = await client.post(PATH, json={"key": KEY, "ids": ["nobody", busiest]})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "being taken over" in answer.json()["error"]


async def test_profiles_are_fetched_from_the_worker_that_owns_them(
    client_of, served, settings, worker, second, busiest
):
    second.owners[busiest] = await served(worker)
    client = client_of(create_api(second, settings))
    body = {"key": KEY, "ids": ["here", busiest]}
    profiles = (await client.post(PATH, json=body)).json()["profiles"]
    assert profiles["here"][VIEWS] == 0
    assert profiles[busiest][VIEWS] > 0
    columns = {"attribute_keys": {KEY: [busiest, "here"]}, "attributes": [VIEWS]}
    views = (await client.post(ONLINE, json=columns)).json()["count_product_views"]
    assert views == [profiles[busiest][VIEWS], 0]


async def test_a_forwarded_read_of_a_profile_elsewhere_goes_no_further(client, worker):
    worker.owners["gone"] = "http://127.0.0.1:1"
    headers = {"X-Processor-Forwarded": "1"}
    answer = await client.post(PATH, json={"key": KEY, "ids": ["gone"]}, headers=headers)
    assert answer.status_code == 503
    assert "another worker owns" in answer.json()["error"]


async def test_workers_that_point_at_each_other_give_up(
    client_of, served, settings, worker, second, short_wait
):
    first_url = await served(worker)
    second.owners["lost"] = first_url
    worker.owners["lost"] = await served(second)
    client = client_of(create_api(second, settings))
    assert (await client.post(PATH, json={"key": KEY, "ids": ["lost"]})).status_code == 503


async def test_an_owner_that_does_not_answer_is_named(client_of, settings, second, short_wait):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        second.owners["lost"] = url
        client = client_of(create_api(second, settings))
        answer = await client.post(PATH, json={"key": KEY, "ids": ["lost"]})
    assert answer.status_code == 503
    assert url in answer.json()["error"]


async def test_an_owner_behind_in_the_definitions_is_waited_for(
    client_of, served, settings, worker, second, busiest, short_wait
):
    plan: Plan = worker.plan
    worker.plan = compile_plan(Catalog.empty())
    second.owners[busiest] = await served(worker)
    client = client_of(create_api(second, settings))
    body = {"key": KEY, "ids": [busiest]}
    assert (await client.post(PATH, json=body)).status_code == 503
    worker.plan = plan
    assert (await client.post(PATH, json=body)).status_code == 200


async def test_windows_are_read_at_the_time_of_the_first_worker(
    client_of, settings, worker, busiest
):
    settings = settings.model_copy(update={"token_secret": "s" * 32})
    client = client_of(create_api(worker, settings))
    shown = Tokens(settings).workers.headers(settings.own_url)
    latest_ms = worker.profiles[KEY, busiest].head.latest_ms
    recent = "ecom_recent_v1:product_views_15m"
    values = []
    for now_ms in (latest_ms, latest_ms + 3_600_000):
        headers = {"X-Processor-Forwarded": "1", "X-Processor-Read-At": str(now_ms), **shown}
        answer = await client.post(PATH, json={"key": KEY, "ids": [busiest]}, headers=headers)
        assert answer.json()["now_ms"] == now_ms
        values.append(answer.json()["profiles"][busiest][recent])
    assert values[0] > 0
    assert values[1] == 0

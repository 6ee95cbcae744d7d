"""Ids in other spellings than profiles have them: they mean the same, and answers repeat them."""

import json

import httpx
import pytest

from definitions.catalog import Catalog
from processor.api import create_api
from processor.engine import compile_plan
from processor.interventions import InterventionRecord, Pushed, encode_pushed

PROFILES = "/api/v1/profiles"
ONLINE = "/api/v1/get-online-attributes"
INTERVENTIONS = "/api/v1/interventions"
KEY = "domain_userid"
VIEWS = "ecom_attributes_v1:count_product_views"
UUID = "8b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3e"
CAPITALS = UUID.upper()
NIL = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def capitals(busiest):
    assert busiest != busiest.upper()
    return busiest.upper()


async def test_a_cookie_is_read_in_any_case_and_answered_as_it_was_asked_for(
    client, busiest, capitals
):
    body = {"attribute_keys": {KEY: [capitals, "nobody", busiest]}, "attributes": [VIEWS]}
    columns = (await client.post(ONLINE, json=body)).json()
    assert columns[KEY] == [capitals, "nobody", busiest]
    first, unknown, last = columns["count_product_views"]
    assert first == last > unknown == 0
    found = (await client.post(PROFILES, json={"key": KEY, "ids": [capitals, busiest]})).json()
    assert list(found["profiles"]) == [capitals, busiest]
    assert found["profiles"][capitals] == found["profiles"][busiest]
    assert found["profiles"][capitals][VIEWS] == first


async def test_a_profile_of_another_worker_is_read_in_any_case(
    client_of, served, settings, worker, second, busiest, capitals
):
    second.owners[busiest] = await served(worker)
    client = client_of(create_api(second, settings))
    body = {"key": KEY, "ids": [capitals, busiest]}
    profiles = (await client.post(PROFILES, json=body)).json()["profiles"]
    assert profiles[capitals] == profiles[busiest]
    assert profiles[capitals][VIEWS] > 0


async def test_an_id_of_another_key_is_read_as_it_stands(client, worker, busiest):
    worker.profiles["user_id", busiest] = worker.profiles.pop((KEY, busiest))
    assert worker.plan.identities.kept("user_id", busiest.upper()) == busiest.upper()
    body = {"attribute_keys": {"user_id": [busiest.upper()]}, "service": "ecom_attributes"}
    assert (await client.post(ONLINE, json=body)).json() == {"user_id": [busiest.upper()]}


@pytest.mark.parametrize("identifier", [NIL, NIL.replace("-", ""), "null"])
async def test_nobody_has_the_defaults_whatever_is_kept(
    client, worker, plan, busiest, identifier, monkeypatch
):
    # What an older version kept of it.
    worker.profiles[KEY, identifier] = worker.profiles[KEY, busiest]
    identities = plan.identities.__class__(plan.identities.folded_keys, frozenset({"null"}))
    monkeypatch.setattr(worker, "plan", _with(plan, identities))
    found = (await client.post(PROFILES, json={"key": KEY, "ids": [identifier, "unknown"]})).json()
    assert found["profiles"][identifier] == found["profiles"]["unknown"]
    body = {"attribute_keys": {KEY: [identifier]}, "attributes": [VIEWS]}
    assert (await client.post(ONLINE, json=body)).json()["count_product_views"] == [0]


def _with(plan, identities):
    fields = {name: getattr(plan, name) for name in plan.__slots__}
    return plan.__class__(**{**fields, "identities": identities})


def events(chunk):
    return [json.loads(line[6:]) for line in chunk.decode().splitlines() if line[:6] == "data: "]


def record(offset, id_, key=KEY):
    value = encode_pushed(Pushed(f"n{offset}", 1, "id", key, id_, {}, 0))
    return InterventionRecord(0, offset, 2_000_000_000_000, id_.encode(), value)


async def follow(served, worker, query, headers=None):
    """The lines of a stream of interventions, as they come."""
    url = await served(worker)
    return httpx.AsyncClient(base_url=url, headers=headers or {}), f"{INTERVENTIONS}?{query}"


async def named_and_for_whom(lines, count):
    found = []
    async for line in lines:
        if line.startswith("data: "):
            told = json.loads(line[6:])
            found.append((told["name"], told["target_attribute_key"]["id"]))
        if len(found) == count:
            return found
    return found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"{KEY}={CAPITALS}", [("n0", CAPITALS), ("n1", CAPITALS)]),
        (f"{KEY}={UUID}", [("n0", UUID)]),
        (f"{KEY}={CAPITALS}&user_id={UUID}", [("n0", CAPITALS), ("n1", CAPITALS), ("n3", UUID)]),
        (f"user_id={CAPITALS}", [("n2", CAPITALS)]),
    ],
)
async def test_a_subscriber_gets_its_interventions_with_the_id_as_it_asked(
    served, second, query, found
):
    client, path = await follow(served, second, query)
    records = [
        record(0, UUID),
        record(1, CAPITALS),  # of a worker of an older version
        record(2, CAPITALS, "user_id"),
        record(3, UUID, "user_id"),
    ]
    async with client, client.stream("GET", path, timeout=10) as stream:
        lines = stream.aiter_lines()
        async for line in lines:
            if line.startswith(": id "):
                last = line.removeprefix(": id ")
                break
        for one in records:
            second.subscriptions.take(one)
        assert await named_and_for_whom(lines, len(found)) == found
    # What was missed comes in the same spelling.
    headers = {"Last-Event-ID": last}
    client, path = await follow(served, second, query, headers)
    async with client, client.stream("GET", path, timeout=10) as stream:
        assert await named_and_for_whom(stream.aiter_lines(), len(found)) == found


async def test_a_push_is_written_under_the_id_that_is_kept_and_heard_in_any_case(client, worker):
    query = f"{KEY}={CAPITALS}&{KEY}={UUID}&user_id={CAPITALS}"
    with worker.subscriptions.opened(frozenset({(KEY, UUID)}), "address", "") as one:
        one.take()
        answer = await client.post(f"{INTERVENTIONS}?{query}", json={"name": "n", "version": 1})
        assert answer.json()["status"] == "success"
        assert len(events(one.take())) == 1
        body = {"targets": {KEY: [CAPITALS]}}
        assert (await client.post(f"{INTERVENTIONS}/heard", json=body)).json() == {"heard": True}
        body = {"targets": {"user_id": [UUID]}}
        assert (await client.post(f"{INTERVENTIONS}/heard", json=body)).json() == {"heard": False}
    targets = [json.loads(value)["data"]["target_attribute_key"] for value in worker.written]
    assert targets == [{"name": KEY, "id": UUID}, {"name": "user_id", "id": CAPITALS}]


async def test_a_subscribe_token_is_for_an_id_in_any_case(second, settings, client_of):
    second.subscriptions.close()
    chosen = settings.model_copy(update={"subscribe_tokens": True, "token_secret": "s" * 32})
    api = client_of(create_api(second, chosen))
    body = {"targets": {KEY: [CAPITALS], "user_id": [CAPITALS]}}
    token = (await api.post(f"{INTERVENTIONS}/tokens", json=body)).json()["token"]
    statuses = [
        (await api.get(f"{INTERVENTIONS}?{query}&subscribe-token={token}")).status_code
        for query in (
            f"{KEY}={UUID}",
            f"{KEY}={CAPITALS}",
            f"user_id={CAPITALS}",
            f"user_id={UUID}",
        )
    ]
    assert statuses == [503, 503, 503, 403], "who is let in meets a worker that stops"


def test_a_plan_without_definitions_knows_the_built_in_keys():
    assert compile_plan(Catalog.empty()).identities.kept(KEY, CAPITALS) == UUID

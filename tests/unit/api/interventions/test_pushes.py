import asyncio
import json
import socket
import uuid
from contextlib import AsyncExitStack

import httpx
import pytest

from processor.request_limits import LISTENERS_WAIT_S, TARGETS_MAX

PATH = "/api/v1/interventions"
INSTANCE = {"name": "hello", "version": 1}


async def push(client, query="user_id=a", **body):
    answer = await client.post(f"{PATH}?{query}", json=INSTANCE | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def followed(worker, *targets):
    return worker.subscriptions.opened(frozenset(targets), "address", "")


async def test_a_push_says_whether_somebody_follows_one_of_its_targets(client, worker):
    assert (await push(client))["status"] == "undelivered"
    with followed(worker, ("user_id", "a")) as one:
        one.take()
        assert (await push(client, "user_id=b&user_id=a"))["status"] == "success"
        assert (await push(client, "user_id=b"))["status"] == "undelivered"
        assert (await push(client, "network_userid=a"))["status"] == "undelivered"
        assert one.take().count(b"data: ") == 1


async def test_a_push_is_written_whether_heard_or_not_with_typed_values(client, worker):
    attributes = {"n": 1, "x": 1.5, "t": "é", "b": True, "none": None, "l": [1, "a"], "m": {"k": 1}}
    told = await push(client, "user_id=a&domain_sessionid=s", attributes=attributes)
    messages = [json.loads(value)["data"] for value in worker.written]
    assert {(one["origin"], one["name"], one["version"]) for one in messages} == {
        ("push", "hello", 1)
    }
    assert {one["intervention_id"] for one in messages} == {told["intervention_id"]}
    targets = [tuple(one["target_attribute_key"].values()) for one in messages]
    assert targets == [("domain_sessionid", "s"), ("user_id", "a")]
    assert all(one["attributes"] == attributes for one in messages)
    assert not any(one.keys() & {"trigger", "because"} for one in messages)


async def test_the_id_of_a_push_is_its_clients_or_a_new_one(client):
    own = str(uuid.uuid4())
    assert (await push(client, intervention_id=own))["intervention_id"] == own
    first, second = [(await push(client))["intervention_id"] for _ in range(2)]
    assert uuid.UUID(first) != uuid.UUID(second)


async def test_a_push_that_cannot_be_written_has_failed_and_says_why(client, worker):
    worker.broker_away = True
    told = await push(client)
    assert told["status"] == "failure"
    assert "not all interventions" in told["error"]


@pytest.fixture
async def forwarding(worker, served):
    """Makes clients of a worker that asks others; it closes its connections when it ends."""
    async with AsyncExitStack() as clients:

        async def make(*others, settings=None):
            worker.others = others
            url = await served(worker, settings)
            client = httpx.AsyncClient(base_url=url, trust_env=False)
            return await clients.enter_async_context(client)

        yield make


async def test_a_subscriber_of_another_worker_is_found(second, served, forwarding):
    client = await forwarding(await served(second))
    assert (await push(client))["status"] == "undelivered"
    with followed(second, ("user_id", "a")):
        assert (await push(client))["status"] == "success"


@pytest.mark.parametrize("answers", [True, False])
async def test_a_worker_that_does_not_answer_is_not_waited_for(second, served, forwarding, answers):
    """Whether or not another one has a subscriber."""
    with (
        socket.create_server(("127.0.0.1", 0)) as hangs,
        followed(second, ("user_id", "a" if answers else "b")),
    ):
        url = f"http://127.0.0.1:{hangs.getsockname()[1]}"
        client = await forwarding(url, "http://127.0.0.1:1", await served(second))
        for _ in range(5):  # on a busy machine the one that answers may be late, too
            begun = asyncio.get_running_loop().time()
            told = await push(client)
            assert asyncio.get_running_loop().time() - begun < LISTENERS_WAIT_S + 2
            if not answers or told["status"] == "success":
                break
    assert told["status"] == ("success" if answers else "undelivered")


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "no name"},
        {"name": "x" * 129},
        {"name": None},
        {"version": "1"},
        {"version": 1.5},
        {"version": True},
        {"version": -1},
        {"attributes": []},
        {"attributes": {"": 1}},
        {"attributes": {"x" * 258: 1}},
        {"attributes": {"a": [[1]]}},
        {"attributes": {"a": {"b": {}}}},
        {"attributes": {"a": "\ud800"}},
        {"intervention_id": "none"},
    ],
)
async def test_a_wrong_push_is_refused_and_not_written(client, worker, body):
    content = json.dumps(INSTANCE | body)
    headers = {"Content-Type": "application/json"}
    answer = await client.post(f"{PATH}?user_id=a", content=content, headers=headers)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error"}
    assert worker.written == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
async def test_a_number_that_is_none_is_refused(client, worker, number):
    content = f'{{"name": "a", "version": 1, "attributes": {{"a": {number}}}}}'
    headers = {"Content-Type": "application/json"}
    answer = await client.post(f"{PATH}?user_id=a", content=content, headers=headers)
    assert answer.status_code == 422
    assert worker.written == []


async def test_a_push_that_is_too_large_for_all_its_targets_is_refused(client, worker):
    query = "&".join(f"user_id={number}" for number in range(TARGETS_MAX))
    body = INSTANCE | {"attributes": {"a": "x" * 900_000}}
    answer = await client.post(f"{PATH}?{query}", json=body)
    assert answer.status_code == 422
    assert "fewer ids" in answer.json()["error"]
    assert worker.written == []


async def test_a_push_without_targets_is_refused(client):
    answer = await client.post(PATH, json=INSTANCE)
    assert answer.status_code == 422
    assert "0 ids" in answer.json()["error"]


async def test_unknown_fields_of_a_newer_client_are_passed_over(client):
    told = await push(client, target_attribute_key={"name": "user_id", "id": "x"}, origin="rule")
    assert told["status"] == "undelivered"


async def test_a_large_integer_is_told_as_it_is(client, worker):
    with followed(worker, ("user_id", "a")) as one:
        one.take()
        await push(client, attributes={"n": 2**70})
        assert str(2**70).encode() in one.take()

"""The registry over HTTP: statuses and forms, over definitions in memory."""

import pytest

from definitions.catalog import Catalog
from processor.api import create_api
from processor.engine import compile_plan
from processor.errors import BrokerError, ConflictError, NotReadyError

OWNER = "a@example.com"
SERVICES = "/api/v1/registry/services/"
GROUPS = "/api/v1/registry/attribute_groups/"
KEYS = "/api/v1/registry/attribute_keys/"
LOGS = "/api/v1/registry/event_logs/"
COUNTER = {"name": "n", "type": "int32", "aggregation": "counter", "events": []}
GROUP = {
    "name": "g",
    "version": 1,
    "attribute_key": {"name": "domain_userid", "key": "domain_userid"},
    "owner": OWNER,
    "ttl": "P7D",
    "is_published": True,
    "attributes": [COUNTER],
}
SERVICE = {
    "name": "s",
    "owner": OWNER,
    "is_published": True,
    "attribute_groups": [{"name": "g", "version": 1}],
}
RULE = {
    "name": "r",
    "owner": OWNER,
    "is_published": True,
    "criteria": {"attribute": "g:n", "operator": ">", "value": 1},
}
LOG = {
    "name": "l",
    "attribute_key": {"name": "domain_sessionid"},
    "events": [{"event": {}, "properties": [{"type": "atomic", "name": "page_url"}]}],
    "max_events": 5,
    "max_age_seconds": 60,
}


@pytest.fixture
async def stored(client):
    """A client; a group, a service, a rule and an event log are stored."""
    for path, body in (
        (GROUPS, GROUP),
        (SERVICES, SERVICE),
        ("/api/v1/registry/interventions/", RULE),
        (LOGS, LOG),
    ):
        assert (await client.post(path, json=body)).status_code == 201
    return client


def types(answer):
    return [mistake["type"] for mistake in answer.json()["detail"]]


async def test_a_group_is_told_with_what_clients_need(stored):
    found = (await stored.get(f"{GROUPS}g")).json()
    assert found == (await stored.get(f"{GROUPS}g/versions/1")).json()
    assert found["full_name"] == found["feast_name"] == "g_v1"
    assert found["attribute_key_or_name"] == "domain_userid"
    assert found["attribute_group_or_attribute_key_ttl"] == "P7D"
    assert found["stream_source_name"] is None
    assert found["attribute_key"]["blobl_path"] is None
    assert found["attribute_key"]["property"] == {"type": "atomic", "name": "domain_userid"}
    assert found["attributes"][0]["events"] == []


async def test_a_group_says_the_property_and_the_ttl_of_the_key_that_it_only_names(client):
    key = {"name": "app", "property": {"type": "atomic", "name": "app_id"}, "ttl": "P1D"}
    assert (await client.post(KEYS, json={**key, "is_published": True})).status_code == 201
    linked = {**GROUP, "attribute_key": {"name": "app"}}
    del linked["ttl"]
    answer = await client.post(GROUPS, json=linked)
    assert answer.json()["attribute_key"]["property"]["name"] == "app_id"
    assert answer.json()["attribute_group_or_attribute_key_ttl"] == "P1D"


async def test_the_latest_version_is_the_one_without_a_number(stored):
    second = {**GROUP, "version": 10, "is_published": False}
    assert (await stored.post(GROUPS, json=second)).status_code == 201
    assert (await stored.get(f"{GROUPS}g")).json()["version"] == 10


async def test_lists_tell_all_or_what_is_in_force_or_not(stored):
    draft = {**GROUP, "name": "h", "is_published": False}
    await stored.post(GROUPS, json=draft)
    for query, names in (("", ["g", "h"]), ("?applied=true", ["g"]), ("?applied=false", ["h"])):
        found = (await stored.get(GROUPS + query)).json()
        assert [one["name"] for one in found] == names
    assert (await stored.get(f"{GROUPS}?offline=true&property_syntax=snowflake")).json() == []


async def test_built_in_keys_are_listed_and_found(client):
    names = [one["name"] for one in (await client.get(KEYS)).json()]
    assert {"domain_userid", "domain_sessionid", "user_id", "network_userid"} <= set(names)
    assert (await client.get(f"{KEYS}user_id")).json()["property"]["name"] == "user_id"
    assert (await client.get(f"{KEYS}user")).json()["property"]["name"] == "domain_userid"
    wrong = await client.get(f"{KEYS}user_i")
    assert wrong.status_code == 404
    assert "user_id" in wrong.json()["detail"][0]["msg"]


async def test_what_exists_is_replaced_not_created(stored):
    answer = await stored.post(SERVICES, json=SERVICE)
    assert (answer.status_code, types(answer)) == (400, ["exists"])
    assert (await stored.put(f"{SERVICES}s", json=SERVICE)).status_code == 200
    absent = await stored.put(f"{SERVICES}t", json={**SERVICE, "name": "t"})
    assert (absent.status_code, types(absent)) == (404, ["unknown_object"])


async def test_the_path_and_the_body_name_the_same(stored):
    answer = await stored.put(f"{GROUPS}g/versions/2", json=GROUP)
    assert (answer.status_code, types(answer)) == (422, ["record_key"])
    assert "attribute_group/g/2" in answer.json()["detail"][0]["msg"]


async def test_published_content_stays(stored):
    other = {**GROUP, "attributes": [{**COUNTER, "type": "int64"}]}
    answer = await stored.put(f"{GROUPS}g/versions/1", json=other)
    assert (answer.status_code, types(answer)) == (409, ["published_content"])
    assert "version 2" in answer.json()["detail"][0]["msg"]


async def test_unpublishing_says_what_stops_with_it(stored):
    answer = await stored.put(f"{GROUPS}g/versions/1", json={**GROUP, "is_published": False})
    assert answer.status_code == 200
    assert answer.json()["stopped"] == ["service/s", "intervention/r/1"]
    again = await stored.put(f"{GROUPS}g/versions/1", json=GROUP)
    assert "stopped" not in again.json()


async def test_engines_put_in_and_out_of_force_by_name(stored):
    names = {
        "attribute_groups": [{"name": "g", "version": 1}],
        "event_logs": [{"name": "l"}],
    }
    for call, status in (
        ("publish", "published"),
        ("publish", "nothing to publish"),
        ("unpublish", "unpublished"),
        ("unpublish", "nothing to unpublish"),
    ):
        answer = await stored.post(f"/api/v1/engines/{call}", json=names)
        assert answer.json()["status"] == status
    assert (await stored.get(f"{LOGS}l")).json()["has_published_version"] is False


async def test_an_event_log_stays_in_force_when_it_is_replaced(stored):
    await stored.post("/api/v1/engines/publish", json={"event_logs": [{"name": "l"}]})
    answer = await stored.put(f"{LOGS}l", json={**LOG, "max_events": 7})
    assert answer.json()["max_events"] == 7
    assert answer.json()["is_published"] is True
    assert answer.json()["has_published_version"] is True


async def test_only_what_is_not_published_and_not_needed_is_deleted(stored):
    published = await stored.delete(f"{SERVICES}s")
    assert (published.status_code, types(published)) == (409, ["published"])
    await stored.put(f"{SERVICES}s", json={**SERVICE, "is_published": False})
    needed = await stored.delete(f"{GROUPS}g/versions/1")
    assert needed.status_code == 409
    assert set(types(needed)) == {"published", "in_use"}
    gone = await stored.delete(f"{SERVICES}s")
    assert (gone.status_code, gone.json()) == (200, {"ok": True})
    assert (await stored.delete(f"{SERVICES}s")).status_code == 404


async def test_unknown_fields_are_ignored(client):
    answer = await client.post(GROUPS, json={**GROUP, "from_a_newer_sdk": 1})
    assert answer.status_code == 201
    assert "from_a_newer_sdk" not in answer.json()


async def test_all_mistakes_are_told_with_their_places(client):
    wrong = {
        **GROUP,
        "owner": "nobody",
        "attributes": [
            {**COUNTER, "aggregation": "guess"},
            {**COUNTER, "name": "s", "aggregation": "sum", "period": "soon"},
        ],
    }
    answer = await client.post(GROUPS, json=wrong)
    assert answer.status_code == 422
    places = [tuple(mistake["loc"]) for mistake in answer.json()["detail"]]
    assert ("body", "owner") in places
    assert ("body", "attribute n", "aggregation") in places
    assert ("body", "attribute s", "period") in places
    assert ("body", "attribute s", "property") in places


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b'"\\ud800"'])
async def test_a_body_that_is_no_object_is_told(client, body):
    headers = {"Content-Type": "application/json"}
    answer = await client.post(SERVICES, content=body, headers=headers)
    assert answer.status_code == 422
    assert types(answer) in (["file"], ["shape"])


@pytest.mark.parametrize(
    ("failure", "status", "again"),
    [
        (NotReadyError("too many wait"), 503, "1"),
        (BrokerError("no Kafka"), 503, "1"),
        (ConflictError("others came first"), 409, None),
    ],
)
async def test_what_the_topic_does_not_do_is_told(client, worker, failure, status, again):
    worker.registry.failure = failure
    for answer in (
        await client.get(SERVICES),
        await client.post(SERVICES, json=SERVICE),
        await client.delete(f"{SERVICES}s"),
    ):
        assert answer.status_code == status
        assert types(answer) == [failure.code]
        assert answer.headers.get("retry-after") == again


async def test_a_change_is_told_when_the_other_workers_use_it(
    client, worker, second, served, monkeypatch
):
    worker.others = [await served(second)]
    second.registry.offset = 0
    reached = []

    async def reach(offset):
        reached.append(offset)
        return offset

    monkeypatch.setattr(second, "reach", reach)
    assert (await client.post(GROUPS, json=GROUP)).status_code == 201
    assert reached == [0]


async def test_a_change_is_told_though_another_worker_does_not_answer(client, worker):
    worker.others = ["http://127.0.0.1:1"]
    assert (await client.post(GROUPS, json=GROUP)).status_code == 201


async def test_a_worker_tells_when_it_uses_an_offset(client, worker):
    path = "/api/v1/definitions?offset="
    assert (await client.get(f"{path}-1")).status_code == 200
    behind = await client.get(f"{path}5")
    assert behind.status_code == 503
    assert set(behind.json()) == {"error"}
    assert (await client.get(f"{path}-2")).status_code == 422


async def test_attributes_published_on_another_worker_are_found(client, worker):
    """A group that this worker has not read yet makes it look at the topic before it answers."""
    live = worker.plan
    worker.plan = compile_plan(Catalog.empty())

    def read_on():
        worker.plan = live

    worker.registry.on_look = read_on
    body = {
        "attribute_keys": {"domain_userid": ["u"]},
        "attributes": ["ecom_attributes_v1:count_product_views"],
    }
    answer = await client.post("/api/v1/get-online-attributes", json=body)
    assert answer.status_code == 200
    assert worker.registry.looks == 1


async def test_an_event_log_cannot_be_read(stored):
    answer = await stored.get("/api/v1/event_log?name=l&identifier=s&format=narrative")
    assert answer.status_code == 501
    assert "not computed" in answer.json()["error"]
    assert (await stored.get("/api/v1/event_log?name=l")).status_code == 422


async def test_refusals_of_tokens_have_the_form_of_the_registry(worker, settings, client_of):
    guarded = client_of(
        create_api(worker, settings.model_copy(update={"api_tokens": f"a:read:{'0' * 64}"}))
    )
    answer = await guarded.post(SERVICES, content=b"not looked at")
    assert answer.status_code == 401
    assert types(answer) == ["unauthorized"]
    assert answer.headers["www-authenticate"] == "Bearer"

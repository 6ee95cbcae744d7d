"""What-if runs over HTTP: requests and answers, over events in memory."""

import asyncio
import hashlib
import threading
from datetime import timedelta

import pytest
from snowplow_signals import StreamAttributeGroup
from snowplow_signals.models import TestAttributeGroupRequest as SdkRequest

from definitions import AttributeKey
from processor.api import create_api
from processor.clock import wall_ms
from processor.errors import BrokerError
from processor.events import ATOMIC_COLUMNS

PATH = "/api/v1/testing/attribute_groups/"
COUNTER = {"name": "n", "type": "int32", "aggregation": "counter", "events": []}
PAGES = {
    "name": "pages",
    "type": "string_list",
    "aggregation": "unique_list",
    "events": [],
    "property": {"type": "atomic", "name": "page_url"},
}
GROUP = {
    "name": "g",
    "version": 1,
    "attribute_key": {"name": "domain_userid"},
    "owner": "a@example.com",
    "attributes": [COUNTER, PAGES],
}
COLUMNS = {
    "app_id": "shop",
    "collector_tstamp": "2026-11-22 10:00:00.000",
    "event_vendor": "com.acme",
    "event_name": "click",
    "event_version": "1-0-0",
}


def line(user, event_id, **columns):
    values = {**COLUMNS, "domain_userid": user, "event_id": event_id, **columns}
    return "\t".join(values.get(name, "") for name in ATOMIC_COLUMNS).encode()


@pytest.fixture
def ask(client, worker):
    """Asks for a run over the events."""
    worker.past = [
        line("u", "1", page_url="/a"),
        b"no event",
        line("v", "2", app_id="blog"),
        line("u", "3", page_url="/b"),
        line("u", "3", page_url="/b"),
        None,
    ]

    async def ask(**body):
        return await client.post(PATH, json={"attribute_group": GROUP, **body})

    return ask


def types(answer):
    assert all(set(one) == {"loc", "msg", "type"} for one in answer.json()["detail"])
    return sorted(mistake["type"] for mistake in answer.json()["detail"])


async def test_each_id_with_a_value_has_a_row_of_the_key_and_the_attributes(ask, worker):
    answer = await ask()
    assert answer.status_code == 200
    assert sorted(answer.json(), key=lambda row: row["domain_userid"]) == [
        {"domain_userid": "u", "n": 2, "pages": ["/a", "/b"]},
        {"domain_userid": "v", "n": 1, "pages": None},
    ]
    assert [one.closed for one in worker.histories] == [True]
    assert worker.profiles.keys() <= {key for key in worker.profiles if key[1] not in {"u", "v"}}


async def test_what_the_official_sdk_sends_is_understood(ask):
    group = StreamAttributeGroup.model_validate(GROUP)
    request = SdkRequest(attribute_group=group, window=timedelta(days=365))
    answer = await ask(**request.model_dump(mode="json", exclude_none=True))
    assert answer.status_code == 200, answer.text
    assert len(answer.json()) == 2


@pytest.mark.parametrize(
    ("choice", "ids"),
    [
        ({"app_ids": ["blog"]}, ["v"]),
        ({"app_ids": [], "attribute_key_ids": []}, ["u", "v"]),
        ({"app_ids": None, "attribute_key_ids": None, "window": None}, ["u", "v"]),
        ({"attribute_key_ids": ["u", "nobody", "u"]}, ["u"]),
        ({"app_ids": ["nothing"]}, []),
    ],
)
async def test_app_ids_and_ids_choose_what_counts_and_what_is_told(ask, choice, ids):
    rows = (await ask(**choice)).json()
    assert sorted(row["domain_userid"] for row in rows) == ids


async def test_ten_ids_are_told_where_none_are_named_and_the_same_each_time(ask, worker):
    worker.past = [line(f"u{number}", str(number)) for number in range(50)]
    first = (await ask()).json()
    assert len(first) == 10
    assert (await ask()).json() == first


@pytest.mark.parametrize(
    ("window", "hours"), [({}, 1), ({"window": "P1D"}, 24), ({"window": "PT90M"}, 1.5)]
)
async def test_the_window_says_from_when_on_events_count(ask, worker, window, hours):
    before_ms = wall_ms()
    await ask(**window)
    assert 0 <= worker.asked_from[0] - (before_ms - hours * 3_600_000) < 5_000


async def test_drafts_and_groups_that_are_not_online_are_computed(ask):
    draft = {**GROUP, "is_published": False, "online": False}
    assert len((await ask(attribute_group=draft)).json()) == 2


async def test_a_key_that_is_only_named_is_the_registered_one(ask, worker, client):
    linked = {**GROUP, "attribute_key": {"name": "app"}}
    unknown = await ask(attribute_group=linked)
    assert (unknown.status_code, types(unknown)) == (422, ["unknown_attribute_key"])
    key = AttributeKey(name="app", property={"type": "atomic", "name": "app_id"})
    worker.registry.now = worker.registry.now.with_objects([key])
    rows = (await ask(attribute_group=linked)).json()
    assert sorted((row["app"], row["n"]) for row in rows) == [("blog", 1), ("shop", 2)]


# --- refused --------------------------------------------------------------------------------------


async def test_everything_that_is_wrong_is_told_at_once(ask):
    broken = {**PAGES, "aggregation": "sum", "property": {"type": "atomic", "name": "page"}}
    group = {**GROUP, "owner": "me", "attributes": [COUNTER, broken]}
    answer = await ask(attribute_group=group, window="soon", app_ids=["a b"])
    assert answer.status_code == 422
    found = set(types(answer))
    assert {"owner", "atomic_field", "time_delta_parsing", "string_pattern_mismatch"} <= found
    places = ["/".join(map(str, one["loc"])) for one in answer.json()["detail"]]
    assert "body/window" in places
    assert any("property" in place for place in places)


async def test_what_is_wrong_in_meaning_is_told(ask):
    twice = {**GROUP, "attributes": [COUNTER, COUNTER, {**PAGES, "type": "int32"}]}
    answer = await ask(attribute_group=twice)
    assert answer.status_code == 422
    assert {"duplicate_attribute", "aggregation_type"} <= set(types(answer))


async def test_an_attribute_that_is_called_like_the_key_is_refused(ask):
    same = {**GROUP, "attributes": [{**COUNTER, "name": "domain_userid"}]}
    answer = await ask(attribute_group=same)
    assert (answer.status_code, types(answer)) == (422, ["name"])


async def test_a_group_of_the_warehouse_is_refused(ask):
    source = {
        "name": "w", "database": "d", "schema_": "s", "table": "t", "timestamp_field": "at",
    }  # fmt: skip
    batch = {**GROUP, "offline": True, "batch_source": source}
    answer = await ask(attribute_group=batch)
    assert (answer.status_code, types(answer)) == (422, ["unsupported"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"attribute_group": None},
        {"attribute_group": [[]]},
        {"attribute_group": "g"},
        {"window": "PT0S"},
        {"window": "-P1D"},
        {"window": "P100Y"},
        {"window": 1e300},
        {"app_ids": ["a"] * 11},
        {"app_ids": [""]},
        {"attribute_key_ids": ["a"] * 51},
        {"attribute_key_ids": ["a" * 257]},
        {"attribute_key_ids": [1]},
        {"attribute_key_ids": ["\ud800"]},
    ],
)
async def test_a_wrong_request_is_refused_in_the_form_of_the_registry(client, worker, wrong):
    content = str({"attribute_group": GROUP, **wrong}).replace("'", '"').replace("None", "null")
    headers = {"Content-Type": "application/json"}
    answer = await client.post(PATH, content=content, headers=headers)
    assert answer.status_code in {400, 422}
    assert types(answer)
    assert not worker.histories


async def test_json_that_is_too_deep_is_refused(client):
    deep = '{"attribute_group": {"name": ' + "[" * 900 + "]" * 900 + "}}"
    headers = {"Content-Type": "application/json"}
    answer = await client.post(PATH, content=deep, headers=headers)
    assert answer.status_code in {400, 422}
    assert types(answer)


async def test_a_run_needs_a_scope_of_its_own(worker, settings, client_of):
    entries = [
        f"{scopes}:{scopes}:{hashlib.sha256(scopes.encode()).hexdigest()}"
        for scopes in ("read+write+push+subscribe", "test")
    ]
    closed = settings.model_copy(update={"api_tokens": ",".join(entries)})
    api = client_of(create_api(worker, closed))
    statuses = [
        (
            await api.post(
                PATH,
                json={"attribute_group": GROUP},
                headers={"Authorization": f"Bearer {token}"},
            )
        ).status_code
        for token in ("nobody", "read+write+push+subscribe", "test")
    ]
    assert statuses == [401, 403, 200]


async def test_the_settings_say_what_counts_as_they_do_for_the_live_run(
    worker, settings, client_of, ask
):
    uuid = "8b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3e"
    worker.past = [*worker.past, line(uuid, "4"), line(uuid, "5", app_id="blog")]
    strict = settings.model_copy(update={"uuid_keys": "domain_userid", "app_ids": "shop"})
    api = client_of(create_api(worker, strict))
    for app_ids, ids in ((None, [uuid]), (["blog"], [uuid]), (["other"], [])):
        body = {"attribute_group": GROUP, "app_ids": app_ids}
        rows = (await api.post(PATH, json=body)).json()
        assert [(row["domain_userid"], row["n"]) for row in rows] == [(one, 1) for one in ids]


async def test_ids_mean_what_they_do_for_the_live_run_and_are_told_as_asked_for(
    worker, settings, client_of, ask
):
    uuid = "8b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3e"
    nil = "00000000-0000-0000-0000-000000000000"
    worker.past = [line(uuid, "1"), line(uuid.upper(), "2"), line(nil, "3"), line("null", "4")]
    api = client_of(create_api(worker, settings.model_copy(update={"nobody_ids": "null,none"})))
    for ids, told in (
        ([uuid.upper()], [uuid.upper()]),
        ([uuid, uuid.upper()], [uuid, uuid.upper()]),
        ([nil, "null", "unknown"], []),
        ([], [uuid]),
    ):
        body = {"attribute_group": GROUP, "attribute_key_ids": ids}
        rows = (await api.post(PATH, json=body)).json()
        assert [(row["domain_userid"], row["n"]) for row in rows] == [(one, 2) for one in told]


# --- bounds ---------------------------------------------------------------------------------------


async def test_a_run_that_takes_too_long_is_given_up(ask, worker, monkeypatch):
    monkeypatch.setattr("processor.api.registry.what_if_runs.TEST_RUN_S", 1.0)

    def endless():
        while True:
            yield line("u", "1")

    class Endless(list):
        def __iter__(self):
            return endless()

    worker.past = Endless([b""])
    answer = await ask()
    assert (answer.status_code, types(answer)) == (422, ["usage"])
    assert "shorter window" in answer.json()["detail"][0]["msg"]
    worker.past = [line("u", "1")]
    assert (await ask()).status_code == 200  # the one before has ended


async def test_windows_that_take_too_much_memory_are_refused(ask, worker, monkeypatch):
    monkeypatch.setattr("processor.api.registry.what_if_runs.TEST_BYTES_MAX", 1_000)
    monkeypatch.setattr("processor.api.registry.what_if_runs.TEST_SLICE_S", 0.0)
    worker.past = [line("u", str(number)) for number in range(100)]
    windowed = {**GROUP, "attributes": [{**COUNTER, "period": "PT1H"}]}
    answer = await ask(attribute_group=windowed)
    assert (answer.status_code, types(answer)) == (422, ["usage"])
    assert "memory" in answer.json()["detail"][0]["msg"]
    assert (await ask()).status_code == 200


async def test_kafka_that_gives_nothing_is_told_as_such(ask, worker, monkeypatch):
    def away(start_ms):
        message = "cannot read 'enriched'"
        raise BrokerError(message, hint="is Kafka reachable?")

    monkeypatch.setattr(worker, "past_events", away)
    answer = await ask()
    assert (answer.status_code, types(answer)) == (503, ["broker"])
    assert answer.headers["retry-after"]
    asked = threading.Event()
    monkeypatch.setattr("processor.api.registry.what_if_runs.TEST_RUN_S", 0.1)
    monkeypatch.setattr(worker, "past_events", lambda start_ms: asked.wait(30) or away(start_ms))
    answer = await ask()
    asked.set()
    assert (answer.status_code, types(answer)) == (503, ["broker"])


async def test_one_run_at_a_time_and_others_wait_within_bounds(ask, worker, monkeypatch):
    monkeypatch.setattr("processor.api.registry.what_if_runs.READ_WAIT_S", 0.1)
    begun, go_on = threading.Event(), threading.Event()
    real = worker.past_events

    def held(start_ms):
        begun.set()
        assert go_on.wait(30)
        return real(start_ms)

    monkeypatch.setattr(worker, "past_events", held)
    first = asyncio.ensure_future(ask())
    await asyncio.to_thread(begun.wait, 30)
    refused = await ask()
    assert (refused.status_code, types(refused)) == (503, ["not_ready"])
    go_on.set()
    assert (await first).status_code == 200
    assert (await ask()).status_code == 200


async def test_the_event_loop_is_not_held_up(ask, worker):
    """The thread that serves requests gets its turn every few milliseconds."""
    worker.past = [line(f"u{number % 50}", str(number)) for number in range(5_000)]
    running = asyncio.ensure_future(ask())
    turns = 0
    while not running.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert (await running).status_code == 200
    assert turns > 10

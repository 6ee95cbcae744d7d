"""Interventions over HTTP on a real Kafka: followed on any of two workers, and pushed."""

import hashlib
import json
import resource
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer
from snowplow_signals import AttributeKeyIdentifiers, InterventionInstance, SignalsSandbox
from snowplow_signals.api_client import SignalsAPIError

from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.round_robin import RoundRobin
from tests.broker.streams import PATH, Stream
from tests.broker.visits import (
    KEY,
    Visits,
    application,
    eventually,
    records,
    start_all,
    start_missing,
)

pytestmark = pytest.mark.broker

HEARTBEAT_S = 0.3
STREAMS_MAX = 5
# As systems give it to a process that does not ask for more.
FILES = 1_024
OTHER_KEY = "domain_sessionid"


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with application(
        bootstrap_servers,
        tmp_path_factory.mktemp("sse"),
        sse_heartbeat_s=HEARTBEAT_S,
        sse_clients_per_address=STREAMS_MAX,
    ) as made:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
        try:
            start_all(made.worker(name) for name in ("one", "two"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        yield made


@pytest.fixture(autouse=True)
def both_run(cluster: Cluster) -> None:
    """Also behind a test that stopped one."""
    start_missing(cluster.workers.values())


@pytest.fixture
def one(cluster: Cluster) -> WorkerProcess:
    return cluster.worker("one")


@pytest.fixture
def two(cluster: Cluster) -> WorkerProcess:
    """The one that tests stop."""
    return cluster.worker("two")


@pytest.fixture
def user() -> str:
    return str(uuid.uuid4())


def push(worker: WorkerProcess, targets: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = httpx.post(
        worker.url + PATH, params=targets, json={"name": "hello", "version": 1, **body}, timeout=30
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def fired(cluster: Cluster) -> list[dict[str, Any]]:
    """The interventions of the topic, beside which stand records that are none."""
    found = []
    for record in records(cluster, cluster.settings.interventions_topic):
        with suppress(ValueError, TypeError, KeyError):
            data = json.loads(record.value or b"")["data"]
            if {"origin", "intervention_id"} <= data.keys():
                found.append(data)
    return found


def test_a_rule_that_fires_is_told_on_both_workers_as_text(cluster, one, two, user):
    with Stream(one.url, {KEY: user}) as here, Stream(two.url, {KEY: user}) as there:
        Visits(cluster).send([user], times=3)
        told = here.next()
        assert there.next() == told
    (message,) = (one for one in fired(cluster) if one["target_attribute_key"]["id"] == user)
    assert told == {
        "intervention_id": message["intervention_id"],
        "name": "third",
        "version": 1,
        "attributes": {
            "visits:views": "3", "visits:spent": "4.5", "visits:recent": "3"
        },
        "target_attribute_key": {"name": KEY, "id": user},
    }  # fmt: skip


def test_a_stream_has_its_type_a_retry_time_and_no_event_name(one, user):
    with Stream(one.url, {KEY: user}) as stream:
        assert stream.response.headers["content-type"] == "text/event-stream"
        assert stream.response.headers["cache-control"] == "no-store, no-transform"
        push(one, {KEY: user})
        stream.next()
        assert stream.lines[0].startswith("retry: ")
        assert not any(line.startswith("event") for line in stream.lines)


def test_several_ids_of_several_keys_are_followed_at_once(one, two, user):
    targets = {KEY: [user, f"{user}-2"], OTHER_KEY: ["session"]}
    with Stream(two.url, targets) as stream:
        for target in ({KEY: user}, {KEY: f"{user}-2"}, {OTHER_KEY: "session"}):
            assert push(one, target)["status"] == "success"
        # Another key's id of the same text, and another id, are not theirs.
        assert push(one, {OTHER_KEY: user})["status"] == "undelivered"
        assert push(one, {KEY: "session"})["status"] == "undelivered"
        push(one, {KEY: user}, name="last")
        told = stream.take(4)
    assert {one["target_attribute_key"]["id"] for one in told} == {user, f"{user}-2", "session"}
    assert told[-1]["name"] == "last"


def test_one_push_to_several_targets_has_one_id(one, two, user):
    targets = {KEY: [user], OTHER_KEY: ["a", "b"]}
    with Stream(two.url, targets) as stream:
        answer = push(one, targets, attributes={"text": "good\u2028day\x85", "list": [1, None]})
        told = stream.take(3)
    assert answer["status"] == "success"
    assert {one["intervention_id"] for one in told} == {answer["intervention_id"]}
    assert told[0]["attributes"] == {"text": "good\u2028day\x85", "list": "[1,null]"}


def test_a_push_that_nobody_hears_is_undelivered_and_stands_in_the_topic(cluster, one, user):
    answer = push(one, {KEY: user}, attributes={"a": 1})
    assert answer["status"] == "undelivered"
    (message,) = (one for one in fired(cluster) if one["target_attribute_key"]["id"] == user)
    assert message["origin"] == "push"
    assert message["intervention_id"] == answer["intervention_id"]
    assert message["attributes"] == {"a": 1}


def test_who_comes_back_to_the_other_worker_gets_what_it_missed_in_order(one, two, user):
    targets = {KEY: user, OTHER_KEY: user}
    with Stream(one.url, targets) as stream:
        push(one, {KEY: user}, name="seen")
        stream.next()
    for number in range(20):
        push(one, {KEY: user}, name=f"missed_{number}")
    push(two, {OTHER_KEY: user}, name="missed_there")
    with Stream(two.url, targets, last=stream.last) as back:
        told = [one["name"] for one in back.take(21)]
        push(one, {KEY: user}, name="live")
        assert back.next()["name"] == "live"
        half = back.last
    ordered = [name for name in told if name != "missed_there"]
    assert ordered == [f"missed_{number}" for number in range(20)]
    assert sorted(told) == sorted([*ordered, "missed_there"])
    with Stream(one.url, {**targets, "last-event-id": half}) as again:
        push(one, {KEY: user}, name="after")
        assert again.next()["name"] == "after"


def test_who_saw_nothing_yet_comes_back_with_the_id_of_a_heartbeat(one, two, user):
    with Stream(one.url, {KEY: user}) as stream:
        first = eventually(lambda: stream.last)
        push(one, {KEY: f"{user}-other"})
        eventually(lambda: stream.last != first)
    push(one, {KEY: user}, name="missed")
    with Stream(two.url, {KEY: user}, last=stream.last) as back:
        assert back.next()["name"] == "missed"


def test_who_comes_back_through_a_balancer_misses_nothing(one, two, user):
    with RoundRobin([one.port, two.port]) as balancer:
        url, last, told = f"http://127.0.0.1:{balancer.port}", "", []
        for number in range(6):
            with Stream(url, {KEY: user}, last=last) as stream:
                push(one, {KEY: user}, name=f"at_{number}_a")
                told += [told["name"] for told in stream.take(1 if number == 0 else 2)]
                last = stream.last
            push(two, {KEY: user}, name=f"at_{number}_b")
        assert min(balancer.served) == 3
    assert told == [f"at_{number}_{when}" for number in range(6) for when in "ab"][:-1]


def test_a_new_subscriber_hears_nothing_of_the_past(one, user):
    push(one, {KEY: user}, name="past")
    with Stream(one.url, {KEY: user}) as stream:
        push(one, {KEY: user}, name="now")
        assert stream.next()["name"] == "now"


def test_a_worker_that_starts_knows_what_clients_of_another_missed(cluster, one, two, user):
    with Stream(two.url, {KEY: user}) as stream:
        push(two, {KEY: user}, name="seen")
        stream.next()
        two.kill()
        assert stream.ended.wait(10)
    push(one, {KEY: user}, name="missed")
    two.start().wait_ready()
    with Stream(two.url, {KEY: user}, last=stream.last) as back:
        assert back.next()["name"] == "missed"
        push(one, {KEY: user}, name="live")
        assert back.next()["name"] == "live"


def test_a_worker_that_stops_ends_its_streams_and_loses_nothing(one, two, user):
    with Stream(two.url, {KEY: user}) as stream:
        push(one, {KEY: user}, name="seen")
        stream.next()
        begun = time.monotonic()
        assert two.stop() == 0
        assert time.monotonic() - begun < 10
        assert stream.ended.wait(5)
        assert any("this worker stops" in line for line in stream.lines)
    push(one, {KEY: user}, name="missed")
    with Stream(one.url, {KEY: user}, last=stream.last) as back:
        assert back.next()["name"] == "missed"


def test_lines_arrive_while_nothing_happens(one, user):
    with Stream(one.url, {KEY: user}) as stream:
        before = len(stream.lines)
        begun = time.monotonic()
        eventually(lambda: sum(line.startswith(":") for line in stream.lines[before:]) >= 4)
        assert time.monotonic() - begun < 4 * HEARTBEAT_S + 3
        assert stream.nothing_more()


def test_a_client_that_does_not_read_is_cut_off_with_a_reason(one, user):
    cut_off = one.metric("processor_sse_cut_off_total")
    with (
        socket.create_connection(("127.0.0.1", one.port)) as slow,
        Stream(one.url, {KEY: user}) as quick,
    ):
        slow.sendall(f"GET {PATH}?{KEY}={user} HTTP/1.1\r\nHost: worker\r\n\r\n".encode())
        assert slow.recv(1_000)
        sent = 0
        while one.metric("processor_sse_cut_off_total") == cut_off:
            push(one, {KEY: user}, name=f"large_{sent}", attributes={"text": "x" * 800_000})
            sent += 1
            assert sent < 60
        # Who reads gets all of it; the slow one, when it reads on, why it was cut off.
        assert [one["name"] for one in quick.take(sent)] == [f"large_{n}" for n in range(sent)]
        slow.settimeout(20)
        tail = b""
        while chunk := slow.recv(1_000_000):
            tail = (tail + chunk)[-1_000:]
            if b": cut off" in tail and tail.endswith(b"0\r\n\r\n"):
                break
        assert b": cut off, this client reads too slowly" in tail
    assert one.metric("processor_sse_cut_off_total") == cut_off + 1


def test_a_client_that_goes_is_noticed(one, user):
    eventually(lambda: one.metric("processor_sse_clients") == 0)
    with Stream(one.url, {KEY: user}):
        assert one.metric("processor_sse_clients") == 1
    eventually(lambda: one.metric("processor_sse_clients") == 0)
    assert push(one, {KEY: user})["status"] == "undelivered"


def test_a_worker_may_open_as_many_files_as_the_system_lets_it(one):
    assert one.process is not None
    soft, hard = one.children()[0].rlimit(resource.RLIMIT_NOFILE)
    assert soft == hard > FILES


def test_too_many_streams_from_one_address_are_refused(one, user):
    eventually(lambda: one.metric("processor_sse_clients") == 0)
    with ExitStack() as streams:
        for _ in range(STREAMS_MAX):
            streams.enter_context(Stream(one.url, {KEY: user}))
        refused = httpx.get(one.url + PATH, params={KEY: user}, timeout=10)
    assert refused.status_code == 429
    assert "too many subscriptions" in refused.json()["error"]
    assert "retry-after" in refused.headers
    eventually(lambda: one.metric("processor_sse_clients") == 0)


def test_a_browser_may_ask_and_read(one, user):
    origin = {"Origin": "https://shop.example"}
    asked = httpx.options(
        one.url + PATH, headers={**origin, "Access-Control-Request-Method": "GET"}
    )
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == "*"
    with httpx.stream("GET", one.url + PATH, params={KEY: user}, headers=origin) as stream:
        assert stream.headers["access-control-allow-origin"] == "*"
    wrong = httpx.get(one.url + PATH, headers=origin)
    assert wrong.status_code == 422
    assert wrong.headers["access-control-allow-origin"] == "*"


def test_the_official_sdk_pushes_and_pulls(one, two, user):
    targets = AttributeKeyIdentifiers({KEY: [user], OTHER_KEY: ["session"]})
    sending = SignalsSandbox(api_url=one.url, sandbox_token="any")
    receiving = SignalsSandbox(api_url=two.url, sandbox_token="any")
    instance = InterventionInstance(name="from_sdk", version=3, attributes={"a": "b"})
    assert sending.push_intervention(targets, instance) == "undelivered"
    clients = two.metric("processor_sse_clients")
    subscription = receiving.pull_interventions(targets)
    with subscription:
        eventually(lambda: two.metric("processor_sse_clients") == clients + 1)
        assert sending.push_intervention(targets, instance) == "success"
        told = [subscription.get(timeout=20) for _ in range(2)]
        begun = time.monotonic()
    subscription._thread.join(10)
    assert time.monotonic() - begun < HEARTBEAT_S + 3
    assert {one.target_attribute_key.name for one in told} == {KEY, OTHER_KEY}
    assert {(one.name, one.version) for one in told} == {("from_sdk", 3)}
    assert told[0].attributes == {"a": "b"}
    assert told[0].intervention_id == told[1].intervention_id


def test_the_official_sdk_pulls_what_a_rule_fires(cluster, two, user):
    receiving = SignalsSandbox(api_url=two.url, sandbox_token="any")
    clients = two.metric("processor_sse_clients")
    with receiving.pull_interventions(AttributeKeyIdentifiers({KEY: [user]})) as subscription:
        eventually(lambda: two.metric("processor_sse_clients") == clients + 1)
        Visits(cluster).send([user], times=3)
        told = subscription.get(timeout=20)
    assert told.name == "third"
    assert told.attributes["visits:views"] == "3"


def test_the_official_sdk_shows_a_refusal(one, user):
    sending = SignalsSandbox(api_url=one.url, sandbox_token="any")
    wrong = InterventionInstance(name="no name", version=1)
    with pytest.raises(SignalsAPIError, match="name"):
        sending.push_intervention(AttributeKeyIdentifiers({KEY: [user]}), wrong)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "0 ids"),
        ("?a-b=1", "not an attribute key"),
        ("?user_id=", "0 characters"),
        (f"?user_id={'x' * 257}", "257 characters"),
        ("?" + "&".join(f"user_id={number}" for number in range(101)), "101 ids"),
    ],
)
def test_a_wrong_subscription_is_told_what_is_wrong(one, query, says):
    answer = httpx.get(f"{one.url}{PATH}{query}", timeout=10)
    assert answer.status_code == 422
    assert says in answer.json()["error"]


def test_a_worker_that_is_away_delays_a_push_by_no_more_than_the_bound(one, two, user):
    two.signal(19)  # SIGSTOP
    try:
        begun = time.monotonic()
        assert push(one, {KEY: user})["status"] == "undelivered"
        assert time.monotonic() - begun < 5
    finally:
        two.signal(18)  # SIGCONT


def test_a_push_is_in_the_form_of_the_topic(cluster, one, user):
    own = str(uuid.uuid4())
    assert push(one, {KEY: user}, intervention_id=own)["intervention_id"] == own
    message = json.dumps([one for one in fired(cluster) if one["intervention_id"] == own])
    assert '"origin": "push"' in message


def test_a_record_that_is_no_intervention_ends_no_worker_and_no_stream(cluster, one, two, user):
    """Anybody who may write to the topic can write one."""
    topic, key = cluster.settings.interventions_topic, user.encode()
    target = {"name": KEY, "id": user}
    good = {
        "intervention_id": "1", "name": "n", "version": 1, "attributes": {},
        "target_attribute_key": target,
    }  # fmt: skip
    bad = [
        {**good, "target_attribute_key": {**target, "id": [user]}},
        {**good, "target_attribute_key": {**target, "id": {user: 1}}},
        {**good, "target_attribute_key": {**target, "name": [KEY]}},
        {**good, "target_attribute_key": [KEY, user]},
        {**good, "name": [], "version": {}},
        {**good, "attributes": [1]},
    ]
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers})
    before = [worker.metric("processor_interventions_unreadable_total") for worker in (one, two)]
    with Stream(one.url, {KEY: user}) as here, Stream(two.url, {KEY: user}) as there:
        for value in (*(json.dumps({"data": data}).encode() for data in bad), b"\xff", b"["):
            producer.produce(topic, value, key, 0)
        producer.produce(topic, json.dumps({"data": good}).encode(), key, 0)
        assert producer.flush(30) == 0
        assert here.next() == there.next() == good
    for worker, was in zip((one, two), before, strict=True):
        assert worker.metric("processor_interventions_unreadable_total") == was + len(bad) + 2


def test_a_worker_that_needs_subscribe_tokens_lets_nobody_else_follow_and_logs_none(two, user):
    tokens = {"site": "reads-secretly", "ci": "pushes-secretly"}
    scopes = {"site": "read+subscribe", "ci": "push"}
    entries = [
        f"{name}:{scopes[name]}:{hashlib.sha256(token.encode()).hexdigest()}"
        for name, token in tokens.items()
    ]
    two.stop()
    two.start(
        PROCESSOR_API_TOKENS=",".join(entries),
        PROCESSOR_TOKEN_SECRET="s" * 32,
        PROCESSOR_SUBSCRIBE_TOKENS="true",
        PROCESSOR_LOG_LEVEL="debug",
    ).wait_ready()
    site, pushes = ({"Authorization": f"Bearer {token}"} for token in tokens.values())
    wanted = {"targets": {KEY: [user]}}
    given = httpx.post(f"{two.url}{PATH}/tokens", json=wanted, headers=site).json()["token"]
    for params, headers, status in (
        ({KEY: user}, {}, 401),
        ({KEY: user, "subscribe-token": given[:-2]}, {}, 401),
        ({KEY: f"{user}-2", "subscribe-token": given}, {}, 403),
        ({KEY: user}, pushes, 403),
    ):
        refused = httpx.get(two.url + PATH, params=params, headers=headers)
        assert (refused.status_code, set(refused.json())) == (status, {"error"})
    body = {"name": "hello", "version": 1}
    with (
        Stream(two.url, {KEY: user, "subscribe-token": given}) as page,
        Stream(two.url, {KEY: user}, token=given) as program,
        Stream(two.url, {KEY: user}, token=tokens["site"]) as server,
    ):
        for headers, status in (({}, 401), (site, 403), (pushes, 200)):
            answer = httpx.post(two.url + PATH, params={KEY: user}, json=body, headers=headers)
            assert answer.status_code == status
        for stream in (page, program, server):
            assert stream.next()["name"] == "hello"
    log = two.log()
    for secret in (*tokens.values(), given, given.rpartition(".")[2], *entries, "s" * 32):
        assert secret not in log
    assert two.stop() == 0, "the other tests have no tokens"

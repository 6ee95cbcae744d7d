"""What goes from worker to worker: tokens of their own, for one URL each; nothing of clients."""

import asyncio
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import jwt
import pytest

from processor.api import create_api
from processor.api.http.tokens import Tokens
from processor.clock import wall_ms
from processor.errors import ForwardError
from processor.request_limits import WORKER_TOKEN_S
from processor.settings import Settings

KEY = "domain_userid"
PROFILES = "/api/v1/profiles"
ONLINE = "/api/v1/get-online-attributes"
VIEWS = "ecom_attributes_v1:count_product_views"
PUSH = "/api/v1/interventions"
CLIENT = {"Authorization": "Bearer all"}
SECRET = "s" * 32
TOKENS = f"app:read+write+push+subscribe+test:{hashlib.sha256(b'all').hexdigest()}"
TEXT = "what-the-other-side-says"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def guarded(settings: Settings) -> Callable[..., Settings]:
    """Makes the settings of a worker with tokens, on a port of its own."""

    def make(**changes: Any) -> Settings:
        own = {"http": f"127.0.0.1:{free_port()}", "api_tokens": TOKENS, "token_secret": SECRET}
        return settings.model_copy(update=own | changes)

    return make


class Stranger:
    """A server that somebody else runs: it keeps what it is sent."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.answer = b""
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.requests.append(head)
        writer.write(self.answer)
        await writer.drain()
        writer.close()

    def answers(self, body: bytes, status: str = "200 OK", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.answer = "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture
async def stranger() -> AsyncIterator[Stranger]:
    found = Stranger()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield found


async def everything(client: httpx.AsyncClient, id_: str) -> list[httpx.Response]:
    """Each request of a client that makes a worker ask another one."""
    columns = {"attribute_keys": {KEY: [id_]}, "attributes": [VIEWS]}
    service = {"name": "s", "owner": "a@example.com", "attribute_groups": [{"name": "g"}]}
    body = {"name": "hello", "version": 1}
    return [
        await client.post(PROFILES, json={"key": KEY, "ids": [id_]}, headers=CLIENT),
        await client.post(ONLINE, json=columns, headers=CLIENT),
        await client.post(f"{PUSH}?{KEY}={id_}", json=body, headers=CLIENT),
        await client.post("/api/v1/registry/services/", json=service, headers=CLIENT),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        (TEXT.encode(), "200 OK"),
        (TEXT.encode(), "500 Oops"),
        (TEXT.encode(), "401 Unauthorized"),
        (json.dumps({"profiles": {TEXT: 1}}).encode(), "200 OK"),
        (json.dumps({"profiles": {"lost": {TEXT: 1}}}).encode(), "200 OK"),
        (json.dumps({"profiles": [TEXT], "heard": TEXT}).encode(), "200 OK"),
        (b"[" * 100_000, "200 OK"),
        (b"", "302 Found"),
        (None, TEXT),
    ],
    ids=lambda one: one[1] + str(one[0])[:20],
)
async def test_a_member_of_the_group_gets_no_token_of_a_client_and_says_nothing_to_it(
    client_of, guarded, second, stranger, answer, monkeypatch
):
    monkeypatch.setattr("processor.api.reads.reads.READ_WAIT_S", 0.1)
    monkeypatch.setattr("processor.api.registry.registry.DEFINITIONS_SPREAD_S", 0.5)
    body, status = answer
    if body is None:
        stranger.answer = status.encode() + b"\r\n\r\n"
    else:
        stranger.answers(body, status, Location=f"{stranger.url}/elsewhere", Server=TEXT)
    second.owners["lost"] = stranger.url
    second.others = [stranger.url]
    answers = await everything(client_of(create_api(second, guarded())), "lost")
    sent = "".join(stranger.requests)
    assert "POST /api/v1/profiles" in sent
    assert "POST /api/v1/interventions/heard" in sent
    assert "/elsewhere" not in sent
    assert "Bearer all" not in sent
    for one in answers:
        assert TEXT not in one.text
        assert TEXT not in str(one.headers)
    assert {answers[0].status_code, answers[1].status_code} <= {502, 503}


async def test_what_is_sent_to_one_worker_is_of_no_use_anywhere_else(
    client_of, served, guarded, worker, second, stranger, monkeypatch
):
    monkeypatch.setattr("processor.api.reads.reads.READ_WAIT_S", 0.1)
    stranger.answers(b"{}")
    second.owners["lost"] = stranger.url
    await client_of(create_api(second, guarded())).post(
        PROFILES, json={"key": KEY, "ids": ["lost"]}, headers=CLIENT
    )
    sent = next(
        line.partition(" ")[2]
        for line in stranger.requests[0].splitlines()
        if line.lower().startswith("authorization")
    )
    claims = jwt.decode(sent.partition(" ")[2], options={"verify_signature": False})
    assert claims["aud"] == stranger.url
    assert claims["exp"] - claims["iat"] <= WORKER_TOKEN_S
    target = guarded()
    url = await served(worker, target)
    async with httpx.AsyncClient(base_url=url, trust_env=False) as other:
        for path, body in ((PROFILES, {"key": KEY, "ids": ["a"]}),):
            answer = await other.post(path, json=body, headers={"Authorization": sent})
            assert answer.status_code == 401


async def test_a_token_of_the_workers_is_for_what_workers_ask_and_nothing_else(
    client_of, guarded, worker
):
    target = guarded()
    api = create_api(worker, target)
    client = client_of(api)
    headers = workers_of(target).headers(target.own_url)
    for method, path, body in (
        ("POST", ONLINE, {"attribute_keys": {KEY: ["a"]}, "attributes": [VIEWS]}),
        ("GET", "/api/v1/registry/services/", None),
        ("DELETE", "/api/v1/registry/services/s", None),
        ("POST", f"{PUSH}?{KEY}=a", {"name": "n", "version": 1}),
        ("POST", f"{PUSH}/tokens", {"targets": {KEY: ["a"]}}),
        ("POST", "/api/v1/engines/publish", {}),
        ("POST", "/api/v1/testing/attribute_groups/", {"attribute_group": {}}),
    ):
        answer = await client.request(method, path, json=body, headers=headers)
        assert answer.status_code == 401, path
    for method, path, body in (
        ("POST", PROFILES, {"key": KEY, "ids": ["a"]}),
        ("GET", "/api/v1/definitions?offset=-1", None),
        ("POST", f"{PUSH}/heard", {"targets": {KEY: ["a"]}}),
    ):
        answer = await client.request(method, path, json=body, headers=headers)
        assert answer.status_code == 200, path


def workers_of(settings: Settings) -> Any:
    """The tokens of the workers with these settings."""
    return Tokens(settings).workers


async def test_a_token_of_the_workers_ends(client_of, guarded, worker, monkeypatch):
    target = guarded()
    client = client_of(create_api(worker, target))
    headers = workers_of(target).headers(target.own_url)
    token = headers["Authorization"].partition(" ")[2]
    ends_s = jwt.decode(token, options={"verify_signature": False})["exp"]
    for now_s, status in ((ends_s - 1, 200), (ends_s, 401)):
        monkeypatch.setattr("processor.api.http.worker_tokens.wall_ms", lambda at=now_s: at * 1000)
        answer = await client.post(PROFILES, json={"key": KEY, "ids": ["a"]}, headers=headers)
        assert answer.status_code == status


async def test_workers_with_tokens_ask_each_other(
    client_of, served, guarded, worker, second, busiest
):
    """However the URL of one is spelled."""
    port = free_port()
    target = guarded(http=f"127.0.0.1:{port}", advertised_url=f"HTTP://LOCALHOST:{port}/")
    await served(worker, target)
    second.owners[busiest] = f"http://localhost:{port}"
    second.others = [f"http://localhost:{port}"]
    answers = await everything(client_of(create_api(second, guarded())), busiest)
    assert [one.status_code for one in answers[:3]] == [200, 200, 200]
    assert answers[0].json()["profiles"][busiest][VIEWS] > 0
    with worker.subscriptions.opened(frozenset({(KEY, busiest)}), "a", ""):
        again = await everything(client_of(create_api(second, guarded())), busiest)
    assert again[2].json()["status"] == "success"


async def test_without_a_secret_workers_with_tokens_say_what_they_need(
    client_of, guarded, second, stranger
):
    second.owners["lost"] = stranger.url
    client = client_of(create_api(second, guarded(token_secret="")))
    answer = await client.post(PROFILES, json={"key": KEY, "ids": ["lost"]}, headers=CLIENT)
    assert answer.status_code == 502
    assert "PROCESSOR_TOKEN_SECRET" in answer.json()["error"]
    assert not stranger.requests


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8080", "ftp://127.0.0.1", "file:///etc/passwd", "//127.0.0.1:8080", "",
        "http://user:password@127.0.0.1:8080", "http://127.0.0.1:8080?x=", "http://127.0.0.1#x",
    ],
)  # fmt: skip
def test_where_no_worker_can_be_none_is_asked(guarded, url):
    with pytest.raises(ForwardError, match="announces"):
        workers_of(guarded()).headers(url)


@pytest.mark.parametrize(
    ("hosts", "url", "asked"),
    [
        ("worker-1, worker-2", "http://worker-2:8080", True),
        ("worker-1, worker-2", "http://WORKER-2:8080", True),
        ("worker-1, worker-2", "http://worker-3:8080", False),
        ("worker-1", "http://worker-1.evil.example", False),
        ("worker-1", "http://evil.example/worker-1", False),
        (".workers.svc", "http://one.workers.svc:8080", True),
        (".workers.svc", "http://workers.svc.evil.example", False),
        (".workers.svc", "http://oneworkers.svc", False),
        ("::1", "http://[::1]:8080", True),
        ("", "http://anywhere", True),
    ],
)
def test_hosts_that_the_setting_does_not_name_are_not_asked(guarded, hosts, url, asked):
    workers = workers_of(guarded(worker_hosts=hosts))
    if asked:
        assert workers.headers(url)
        return
    with pytest.raises(ForwardError, match="PROCESSOR_WORKER_HOSTS"):
        workers.headers(url)


@pytest.mark.parametrize("open_api", [True, False])
@pytest.mark.parametrize("secret", ["", SECRET])
async def test_only_a_worker_chooses_the_time_of_a_read(
    client_of, guarded, worker, busiest, open_api, secret
):
    changes = {"api_tokens": ""} if open_api else {}
    target = guarded(token_secret=secret, **changes)
    client = client_of(create_api(worker, target))
    body = {"key": KEY, "ids": [busiest]}
    chosen = {"X-Processor-Forwarded": "1", "X-Processor-Read-At": "1000"}
    for shown in (CLIENT, {}, {"Authorization": "Bearer a.b.c"}):
        answer = await client.post(PROFILES, json=body, headers={**chosen, **shown})
        assert answer.status_code == 401 or answer.json()["now_ms"] > 1_000_000
    if secret:
        shown = workers_of(target).headers(target.own_url)
        answer = await client.post(PROFILES, json=body, headers={**chosen, **shown})
        assert answer.json()["now_ms"] == 1000


@pytest.mark.parametrize(
    ("settings_of", "taken"),
    [({"api_tokens": ""}, True), ({}, False), ({"api_tokens": "", "token_secret": SECRET}, False)],
)
@pytest.mark.parametrize("ahead_ms", [-20_000, 20_000])
async def test_an_answer_of_several_open_workers_is_of_one_time(
    client_of, guarded, worker, busiest, settings_of, taken, ahead_ms
):
    target = guarded(**{"token_secret": "", **settings_of})
    client = client_of(create_api(worker, target))
    at_ms = wall_ms() + ahead_ms
    chosen = {"X-Processor-Forwarded": "1", "X-Processor-Read-At": str(at_ms), **CLIENT}
    answer = await client.post(PROFILES, json={"key": KEY, "ids": [busiest]}, headers=chosen)
    assert (answer.json()["now_ms"] == at_ms) == taken


async def test_a_large_read_is_asked_for_in_parts(
    client_of, served, guarded, worker, second, monkeypatch
):
    monkeypatch.setattr("processor.api.http.forwarding.FORWARDED_VALUES_MAX", 10)
    target = guarded()
    ids = [f"id_{number}" for number in range(25)]
    second.owners = dict.fromkeys(ids, await served(worker, target))
    client = client_of(create_api(second, guarded()))
    body = {"key": KEY, "ids": ids, "attributes": [VIEWS]}
    answer = await client.post(PROFILES, json=body, headers=CLIENT)
    assert list(answer.json()["profiles"]) == ids


async def test_an_answer_without_an_end_is_given_up(
    client_of, guarded, second, stranger, monkeypatch
):
    monkeypatch.setattr("processor.api.http.forwarding.FORWARDED_BYTES_MAX", 1_000)
    stranger.answers(b"{" + b" " * 10_000)
    second.owners["lost"] = stranger.url
    client = client_of(create_api(second, guarded()))
    answer = await client.post(PROFILES, json={"key": KEY, "ids": ["lost"]}, headers=CLIENT)
    assert answer.status_code == 502
    assert "more than 1000 bytes" in answer.json()["error"]

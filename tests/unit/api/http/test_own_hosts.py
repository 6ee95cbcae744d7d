"""Pages of other sites, and names that were made to lead here, against a worker without tokens."""

import hashlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from processor.api import create_api
from processor.settings import Settings
from tests.unit.api.test_wrong_requests import CALLS

JSON = {"Content-Type": "application/json"}
TOKENS = f"app:read+write+push+subscribe+test:{hashlib.sha256(b'all').hexdigest()}"
READ = "/api/v1/registry/services/"


class Sink:
    async def write(self, collected: Any, received_ms: int) -> None:
        return


@pytest.fixture
def api_of(worker: Any, client_of: Any) -> Callable[..., httpx.AsyncClient]:
    def make(**chosen: Any) -> httpx.AsyncClient:
        settings = Settings(_env_file=None, **{"http": "127.0.0.1:8080", **chosen})
        return client_of(create_api(worker, settings, Sink()))

    return make


async def status(client: httpx.AsyncClient, host: str, origin: str | None = None) -> int:
    headers = {"Host": host, **JSON} | ({} if origin is None else {"Origin": origin})
    return (await client.get(READ, headers=headers)).status_code


LOCAL = ["127.0.0.1:8080", "127.0.0.1", "localhost:8080", "LOCALHOST", "127.1.2.3:1", "[::1]:8080",
         "shop.localhost:8080", "localhost.:8080"]  # fmt: skip
OTHERS = ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example",
          "evil", "10.0.0.7:8080", "203.0.113.9", "[2001:db8::1]:8080", "0", "2130706433",
          "0x7f000001", "127.1", "a b", ":8080", "[::1", "127.0.0.1@evil.example"]  # fmt: skip


@pytest.mark.parametrize("host", LOCAL)
async def test_a_worker_of_this_machine_answers_to_its_names(api_of, host):
    assert await status(api_of(), host) == 200


@pytest.mark.parametrize("host", OTHERS)
async def test_it_answers_to_no_other_name(api_of, host):
    answer = await api_of().get(READ, headers={"Host": host})
    assert answer.status_code == 403
    assert "PROCESSOR_OWN_HOSTS" in answer.text


@pytest.mark.parametrize(
    ("settings", "host", "found"),
    [
        ({"own_hosts": "one.example, two.example"}, "TWO.example:80", 200),
        ({"own_hosts": "one.example"}, "evil.one.example", 403),
        ({"advertised_url": "http://worker-1:8080"}, "worker-1:8080", 200),
        ({"advertised_url": "http://worker-1:8080"}, "worker-2:8080", 403),
        ({"http": "10.0.0.7:8080"}, "10.0.0.7:8080", 200),
        ({"http": "0.0.0.0:8080"}, "10.0.0.7:8080", 200),
        ({"http": "0.0.0.0:8080"}, "[2001:db8::1]:8080", 200),
        ({"http": "0.0.0.0:8080"}, "evil.example", 403),
        ({"http": "[::]:8080"}, "10.0.0.7", 200),
        ({"api_tokens": TOKENS}, "evil.example", 401),
    ],
)
async def test_its_names_are_those_of_the_settings(api_of, settings, host, found):
    assert await status(api_of(**settings), host) == found


@pytest.mark.parametrize("how", ["host", "origin", "no origin"])
async def test_no_call_is_open_to_a_page_of_another_site(api_of, how):
    client = api_of()
    headers = {
        "host": {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"},
        "origin": {"Host": "127.0.0.1:8080", "Origin": "http://evil.example"},
        "no origin": {"Host": "127.0.0.1:8080", "Origin": "null"},
    }[how]
    for method, path in CALLS:
        answer = await client.request(method, path, json={}, headers=headers)
        assert answer.status_code == 403, (method, path)


@pytest.mark.parametrize(
    ("origin", "found"),
    [
        ("http://127.0.0.1:8080", 200),
        ("HTTP://127.0.0.1:8080", 200),
        ("http://127.0.0.1", 403),
        ("http://127.0.0.1:3000", 403),
        ("http://localhost:8080", 403),
        ("null", 403),
        ("", 403),
        ("file://", 403),
        ("http://127.0.0.1:8080.evil.example", 403),
        ("http://127.0.0.1:99999", 403),
    ],
)
async def test_a_page_of_the_same_place_may_ask(api_of, origin, found):
    assert await status(api_of(), "127.0.0.1:8080", origin) == found


async def test_a_page_behind_a_proxy_with_tls_is_of_the_same_place(api_of):
    client = api_of(own_hosts="api.example")
    assert await status(client, "api.example", "https://api.example") == 200
    assert await status(client, "api.example:443", "https://api.example") == 200
    assert await status(client, "api.example", "https://api.example:8443") == 403


async def test_pages_of_any_site_follow_and_track_all_the_same(api_of, worker):
    """That is what the plugin and the tracker for browsers do."""
    worker.subscriptions.close()
    client = api_of()
    headers = {"Host": "127.0.0.1:8080", "Origin": "https://shop.example"}
    page = {"Accept": "text/event-stream", "Sec-Fetch-Mode": "cors"}
    answer = await client.get("/api/v1/interventions?user_id=a", headers={**headers, **page})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = {"Access-Control-Request-Method": "GET"}
    answer = await client.options("/api/v1/interventions?user_id=a", headers={**headers, **asked})
    assert answer.status_code == 200
    body = {
        "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
        "data": [{"e": "pv", "p": "web"}],
    }
    for host in ("127.0.0.1:8080", "collector.example"):
        answer = await client.post(
            "/com.snowplowanalytics.snowplow/tp2", json=body, headers={**headers, "Host": host}
        )
        assert answer.status_code == 200
        assert (await client.get("/i?e=pv&p=web", headers={**headers, "Host": host})).is_success


@pytest.mark.parametrize(
    ("origins", "host", "found"),
    [
        ("*", "evil.example", 503),
        ("https://shop.example", "127.0.0.1", 503),
        ("https://shop.example", "evil.example", 403),
        ("", "evil.example", 403),
    ],
)
async def test_where_some_pages_may_follow_no_other_name_leads_here(
    api_of, worker, origins, host, found
):
    """Who is let in meets a worker that stops, and no endless answer."""
    worker.subscriptions.close()
    client = api_of(cors_origins=origins)
    answer = await client.get("/api/v1/interventions?user_id=a", headers={"Host": host})
    assert answer.status_code == found


async def test_where_tokens_are_set_a_page_has_none(api_of):
    client = api_of(api_tokens=TOKENS)
    headers = {"Host": "any.example", "Origin": "https://other.example"}
    assert (await client.get(READ, headers=headers)).status_code == 401
    token = {"Authorization": "Bearer all"}
    assert (await client.get(READ, headers={**headers, **token})).status_code == 200

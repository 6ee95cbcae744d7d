"""Snowplow's tracker and its plugin for Signals, from npm, in a page in a real Chromium.

The page is that of docs/interventions.md, from a server of its own: to a browser, the collector and
the API are elsewhere.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.streams import PATH, Stream
from tests.broker.visits import (
    KEY,
    Json,
    application,
    attribute,
    dead_letters,
    eventually,
    fired,
    group,
    read,
    rule,
    visit,
)
from tests.browser.chromium import Tab, installed
from tests.browser.site import PACKAGES, site

pytestmark = pytest.mark.broker

PAGE = (Path(__file__).parents[2] / "docs" / "interventions.md").read_text()
ADDRESS = "http://127.0.0.1:8080"
STREAMS_MAX = 2


def handled(name: str, aggregation: str, **more: object) -> Json:
    """An attribute of the events by which the plugin tells that an intervention was handled."""
    events = [{"vendor": "com.snowplowanalytics.signals", "name": "intervention_handle"}]
    return {**attribute(name, "string", aggregation), "events": events, **more}


INSTANCE = {
    "type": "entity", "vendor": "com.snowplowanalytics.signals", "name": "intervention_instance",
    "major_version": 1, "path": "name",
}  # fmt: skip
NETWORK_USER = {"type": "atomic", "name": "network_userid"}
TITLE = {"type": "atomic", "name": "page_title"}
DEFINITIONS = {
    "attribute_group/web/1": group(
        "web",
        [
            attribute("page_views", "int32", "counter"),
            attribute("titles", "string_list", "unique_list", property=TITLE),
        ],
    ),
    "attribute_group/known/1": group(
        "known",
        [
            attribute("cookies", "int32", "approx_count_distinct", property=NETWORK_USER),
            handled("shown", "unique_list", type="string_list", property=INSTANCE),
        ],
    ),
    "intervention/welcome/1": rule(
        "welcome", {"attribute": "web:page_views", "operator": ">=", "value": 1}
    ),
    "intervention/welcome_back/1": rule(
        "welcome_back", {"attribute": "web:page_views", "operator": ">=", "value": 2}
    ),
}


@pytest.fixture(scope="module")
def chromium() -> str:
    """The path of Chromium. Without it or the packages these tests are skipped; in CI they fail."""
    program = installed()
    missing = [
        *(["Chromium: apt-get install chromium"] if not program else []),
        *(["npm packages: install Node.js, make test"] if not PACKAGES.exists() else []),
    ]
    if missing and os.environ.get("CI"):
        pytest.fail("; ".join(missing))
    if missing:
        pytest.skip("; ".join(missing))
    return program


@pytest.fixture(scope="module")
def cluster(
    chromium: str, bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("browser")
    with application(
        bootstrap_servers, directory, DEFINITIONS, sse_clients_per_address=STREAMS_MAX
    ) as made:
        yield made


@pytest.fixture(scope="module")
def worker(cluster: Cluster) -> WorkerProcess:
    """A worker with the collector at its API, as `processor up` starts it."""
    return cluster.worker("one").start(PROCESSOR_COLLECTOR="true").wait_ready()


@pytest.fixture(scope="module")
def shop(worker: WorkerProcess) -> Iterator[str]:
    """The address of the page of docs/interventions.md, with the worker's address in it."""
    (page,) = re.findall(r"```html\n(.*?)```", PAGE, re.DOTALL)
    assert page.count(ADDRESS) == 2
    with site(page.replace(ADDRESS, worker.url)) as address:
        yield address


@pytest.fixture
def tab(chromium: str, tmp_path: Path) -> Iterator[Tab]:
    with Tab.opened(chromium, tmp_path) as opened:
        yield opened


def profile(worker: WorkerProcess, user: str) -> Json:
    return (read(worker, [user]) or {}).get(user) or {}


def shown(tab: Tab) -> str:
    return tab.value("document.querySelector('#offer')?.textContent") or ""


def cookie(tab: Tab) -> list[str]:
    """What the tracker keeps of its visitor: domain_userid first, domain_sessionid sixth."""
    found = re.search(r"_sp_id\.\w+=([^;]+)", tab.value("document.cookie"))
    return found[1].split(".") if found else []


def visitor(tab: Tab) -> str:
    return cookie(tab)[0]


def test_a_page_view_leads_to_an_intervention_in_the_page(
    cluster: Cluster, worker: WorkerProcess, shop: str, tab: Tab, tmp_path: Path
) -> None:
    tab.visit(shop)
    first = eventually(
        lambda: shown(tab), what=lambda: f"{tab.complaints()} {worker.log()[-2000:]}"
    )
    assert first == 'welcome: {"web:page_views":"1","web:titles":"[\\"A shop\\"]"}'
    user = visitor(tab)
    tab.screenshot(tmp_path / "first.png")

    tab.reload()
    second = eventually(lambda: shown(tab).startswith("welcome_back") and shown(tab))
    assert second == 'welcome_back: {"web:page_views":"2","web:titles":"[\\"A shop\\"]"}'
    assert visitor(tab) == user
    tab.screenshot(tmp_path / "second.png")

    assert [
        (one["name"], one["target_attribute_key"]) for one in fired(cluster)
    ] == [(name, {"name": KEY, "id": user}) for name in ("welcome", "welcome_back")]  # fmt: skip
    # What the plugin tracked of them came back, with the cookie that the collector had given.
    eventually(
        lambda: set(profile(worker, user)["known_v1:shown"] or ()) == {"welcome", "welcome_back"},
        what=lambda: f"{tab.complaints()}",
    )
    assert profile(worker, user)["known_v1:cookies"] == 1
    assert not dead_letters(cluster)
    assert not tab.complaints()


def test_a_page_hears_what_fired_while_its_worker_was_away(
    cluster: Cluster, worker: WorkerProcess, shop: str, tab: Tab
) -> None:
    tab.visit(shop)
    eventually(lambda: shown(tab).startswith("welcome:"))
    assert worker.stop() == 0
    cluster.produce([(visit(visitor(tab), page_title="Elsewhere"), None)])
    worker.start(PROCESSOR_COLLECTOR="true")
    eventually(lambda: shown(tab).startswith("welcome_back:"), what=lambda: f"{tab.complaints()}")
    assert "Elsewhere" in shown(tab)


def test_a_page_for_which_there_is_no_room_comes_back_by_itself(
    worker: WorkerProcess, shop: str, tab: Tab
) -> None:
    eventually(lambda: worker.metric("processor_sse_clients") == 0)
    refused = worker.metric("processor_sse_refused_total")
    with ExitStack() as others:
        for number in range(STREAMS_MAX):
            others.enter_context(Stream(worker.url, {KEY: f"other-{number}"}))
        tab.visit(shop)
        eventually(lambda: worker.metric("processor_sse_refused_total") > refused)
        eventually(lambda: worker.metric("processor_sse_clients") == STREAMS_MAX)
        assert not shown(tab)
    hello = {"name": "hello", "version": 1}
    asked = {"url": worker.url + PATH, "params": {KEY: visitor(tab)}, "json": hello}
    eventually(
        lambda: httpx.post(**asked).json()["status"] == "success",
        what=lambda: f"{tab.complaints()}",
    )
    eventually(lambda: shown(tab) == "hello: {}")


def test_a_page_follows_with_a_subscribe_token(worker: WorkerProcess, shop: str, tab: Tab) -> None:
    """The last: it starts the worker with other settings."""
    assert worker.stop() == 0
    worker.start(
        PROCESSOR_COLLECTOR="true",
        PROCESSOR_SUBSCRIBE_TOKENS="true",
        PROCESSOR_TOKEN_SECRET="s" * 32,
        PROCESSOR_API_TOKENS=f"site:subscribe:{hashlib.sha256(b'secret').hexdigest()}",
    ).wait_ready()
    tab.visit(shop)
    eventually(lambda: "401" in str(tab.complaints()))
    targets = {KEY: [visitor(tab)], "domain_sessionid": [cookie(tab)[5]]}
    given = httpx.post(
        f"{worker.url}{PATH}/tokens",
        json={"targets": targets},
        headers={"Authorization": "Bearer secret"},
    ).json()
    ids = json.dumps({"subscribe-token": given["token"]})
    tab.value(
        f"""
        import("@snowplow/signals-browser-plugin").then((signals) => {{
          signals.subscribeToInterventions({{ endpoint: "{worker.url}", attributeKeyIds: {ids} }});
          return import("@snowplow/browser-tracker");
        }}).then((tracker) => tracker.trackPageView());
        """
    )
    eventually(lambda: shown(tab).startswith("welcome_back:"), what=lambda: f"{tab.complaints()}")

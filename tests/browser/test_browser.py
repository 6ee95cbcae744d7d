"""Snowplow's tracker and plugin from npm in a real Chromium: a page view leads to what a page shows.

The page is the README's, from a server of its own: for the browser, collector and API are elsewhere.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.cluster import Cluster, WorkerProcess
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
)
from tests.browser.chromium import Tab, installed
from tests.browser.site import PACKAGES, site

pytestmark = pytest.mark.broker

README = (Path(__file__).parents[2] / "README.md").read_text()
ADDRESS = "http://127.0.0.1:8080"
SUBSCRIPTIONS = "/api/v1/interventions"


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
    """The path of Chromium. Where it or a package is missing, its tests fail in CI, or are skipped."""
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
    with application(bootstrap_servers, directory, DEFINITIONS) as made:
        yield made


@pytest.fixture(scope="module")
def worker(cluster: Cluster) -> WorkerProcess:
    """A worker with the collector at its API, as `processor up` starts it."""
    return cluster.worker("one").start(PROCESSOR_COLLECTOR="true").wait_ready()


@pytest.fixture(scope="module")
def shop(worker: WorkerProcess) -> Iterator[str]:
    """The address of the README's page, which knows the worker's."""
    (page,) = re.findall(r"```html\n(.*?)```", README, re.DOTALL)
    assert page.count(ADDRESS) == 2
    with site(page.replace(ADDRESS, worker.url)) as address:
        yield address


@pytest.fixture
def tab(chromium: str, tmp_path: Path) -> Iterator[Tab]:
    with Tab.opened(chromium, tmp_path) as opened:
        yield opened


def shown(tab: Tab) -> str:
    return tab.value("document.querySelector('#offer')?.textContent") or ""


def visitor(tab: Tab) -> str:
    """The domain_userid of the tracker's cookie."""
    found = re.search(r"_sp_id\.\w+=([\w-]+)\.", tab.value("document.cookie"))
    return found[1] if found else ""


def test_a_page_view_leads_to_an_intervention_in_the_page(
    cluster: Cluster, worker: WorkerProcess, shop: str, tab: Tab, tmp_path: Path
) -> None:
    tab.visit(shop)
    first = eventually(lambda: shown(tab), what=lambda: f"{tab.complaints()} {worker.log()[-2000:]}")
    assert first == 'welcome: {"web:page_views":"1","web:titles":"[\\"A shop\\"]"}'
    user = visitor(tab)
    assert user
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
        lambda: ((read(worker, [user]) or {})[user])["known_v1:shown"] == ["welcome", "welcome_back"]
    )
    assert (read(worker, [user]) or {})[user]["known_v1:cookies"] == 1
    assert not dead_letters(cluster)
    assert not tab.complaints()
    print(tab.requested(SUBSCRIPTIONS))
    print([one for one in tab.told("Network.responseReceived")])

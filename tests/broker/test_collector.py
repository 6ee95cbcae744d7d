"""The official Python tracker against the collector: what it tracks becomes attributes.

Tracker -> collector -> Kafka -> worker -> attributes and interventions. The collector is once part
of two workers behind a balancer, once the process of `processor collect`; attributes are read by
the balancer, too.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from snowplow_tracker import (
    AsyncEmitter,
    Emitter,
    PagePing,
    PageView,
    ScreenView,
    SelfDescribing,
    SelfDescribingJson,
    StructuredEvent,
    Subject,
    Tracker,
)

from tests.broker.cluster import Cluster
from tests.broker.round_robin import RoundRobin
from tests.broker.visits import (
    Json,
    application,
    dead_letters,
    eventually,
    fired,
    group,
    processor,
    records,
    rule,
    start_all,
)

pytestmark = pytest.mark.broker

SNOWPLOW = "com.snowplowanalytics.snowplow"
TP2 = f"/{SNOWPLOW}/tp2"
SESSION = "6a0dcb32-6f1b-4cc2-9cd3-1d8b1b4c1b2f"
NETWORK_USERID = "ecdff4d0-9175-40ac-a8bb-325c49733607"
TRACKERS = (Path(__file__).parents[2] / "docs" / "trackers.md").read_text()
RECORDED = Path(__file__).parents[1] / "data" / "tracker-0.8.json"
RECORDED_USER = "c7aadf5c60a5dff9"


ACME = "com.acme"
DEVICE, VISIT = "network_userid", "domain_sessionid"
NOBODY = "00000000-0000-0000-0000-000000000000"


def of(name: str, vendor: str = SNOWPLOW) -> Json:
    return {"name": name, "vendor": vendor}


def seen(name: str, kind: str, aggregation: str, event: Json, **more: Any) -> Json:
    return {"name": name, "type": kind, "aggregation": aggregation, "events": [event], **more}


def atomic(name: str) -> Json:
    return {"type": "atomic", "name": name}


def said(event: str, path: str, vendor: str = SNOWPLOW) -> Json:
    where = {"vendor": vendor, "name": event, "major_version": 1, "path": path}
    return {"type": "event", **where}


COUNTED = {
    "page_views": of("page_view"),
    "page_pings": of("page_ping"),
    "screens": of("screen_view"),
    "mobile_screens": of("screen_view", "com.snowplowanalytics.mobile"),
    "transactions": of("transaction"),
    "items": of("transaction_item"),
    "structured": of("event", "com.google.analytics"),
    "clicks": of("link_click"),
    "adds": of("add_to_cart"),
    "removes": of("remove_from_cart"),
    "changes": of("change_form"),
    "submits": of("submit_form"),
    "searches": of("site_search"),
    "saves": of("save_game", "com.acme"),
}
VIEW = COUNTED["page_views"]
POSTER = {
    "type": "entity", "vendor": "com.acme", "name": "poster", "major_version": 2, "path": "film",
}  # fmt: skip
VALUES = [
    seen("title", "string", "last", VIEW, property=atomic("page_title")),
    seen("source", "string", "last", VIEW, property=atomic("mkt_source")),
    seen("film", "string", "last", VIEW, property=POSTER),
    seen("zone", "string", "last", VIEW, property=atomic("os_timezone")),
    seen("session", "string", "last", VIEW, property=atomic("domain_sessionid")),
    seen("person", "string", "last", VIEW, property=atomic("user_id")),
    seen("network", "string", "last", VIEW, property=atomic("network_userid")),
    seen("width", "int32", "last", VIEW, property=atomic("dvce_screenwidth")),
    seen("views_of_the_hour", "int32", "counter", VIEW, period="PT1H"),
    seen("depth", "int32", "max", COUNTED["page_pings"], property=atomic("pp_yoffset_max")),
    seen("spent", "double", "sum", COUNTED["transactions"], property=atomic("tr_total")),
    seen("paid", "double", "sum", COUNTED["items"], property=atomic("ti_price")),
    seen("value", "double", "last", COUNTED["structured"], property=atomic("se_value")),
    seen("screen", "string", "last", COUNTED["screens"], property=said("screen_view", "name")),
    seen("target", "string", "last", COUNTED["clicks"], property=said("link_click", "targetUrl")),
    seen("added", "int32", "sum", COUNTED["adds"], property=said("add_to_cart", "quantity")),
    seen("removed", "string", "last", COUNTED["removes"], property=said("remove_from_cart", "sku")),
    seen("form", "string", "last", COUNTED["changes"], property=said("change_form", "formId")),
    seen("mail", "string", "last", COUNTED["submits"],
         property=said("submit_form", "elements[0].value")),
    seen("term", "string", "last", COUNTED["searches"], property=said("site_search", "terms[1]")),
    seen("level", "int32", "max", COUNTED["saves"], property=said("save_game", "level", ACME)),
]  # fmt: skip
DEFINITIONS = {
    "attribute_group/tracked/1": group(
        "tracked", [seen(name, "int32", "counter", event) for name, event in COUNTED.items()]
    ),
    "attribute_group/told/1": group("told", VALUES),
    "attribute_group/devices/1": group(
        "devices", [seen("views", "int32", "counter", VIEW)], attribute_key={"name": DEVICE}
    ),
    "attribute_group/visits/1": group(
        "visits", [seen("views", "int32", "counter", VIEW)], attribute_key={"name": VISIT}
    ),
    "intervention/thrice/1": {
        **rule("thrice", {"attribute": "devices:views", "operator": ">=", "value": 3}),
        "target_attribute_keys": [{"name": DEVICE}],
    },
    "intervention/searcher/1": rule(
        "searcher",
        {
            "all": [
                {"attribute": "tracked:searches", "operator": ">=", "value": 1},
                {"attribute": "told:film", "operator": "=", "value": "Sölaris 🙂"},
            ]
        },
    ),
}
EXPECTED: Json = {
    **{f"tracked_v1:{name}": 1 for name in COUNTED},
    "tracked_v1:page_views": 2,
    "tracked_v1:items": 2,
    "told_v1:title": "Home\ufffd\u2028page",
    "told_v1:source": "mail",
    "told_v1:film": "Sölaris 🙂",
    "told_v1:zone": "Europe/London",
    "told_v1:session": SESSION,
    "told_v1:person": "alexd",
    "told_v1:network": NETWORK_USERID,
    "told_v1:width": 1366,
    "told_v1:views_of_the_hour": 1,
    "told_v1:depth": 500,
    "told_v1:spent": 35.5,
    "told_v1:paid": 35.0,
    "told_v1:value": 13.99,
    "told_v1:screen": "HUD > Save Game",
    "told_v1:target": "http://my-target-url2/path",
    "told_v1:added": 2,
    "told_v1:removed": "123",
    "told_v1:form": "signupForm",
    "told_v1:mail": "email@example.com",
    "told_v1:term": "reviews",
    "told_v1:level": 23,
}


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("collector")
    with application(bootstrap_servers, directory, DEFINITIONS) as made:
        yield made


@pytest.fixture(scope="module")
def balancer(cluster: Cluster) -> Iterator[RoundRobin]:
    """Two workers with the collector at their API, as `processor up` starts them."""
    workers = [cluster.worker("one"), cluster.worker("two")]
    start_all(workers, PROCESSOR_COLLECTOR="true")
    with RoundRobin([worker.port for worker in workers]) as made:
        yield made


@pytest.fixture(scope="module")
def collector(cluster: Cluster) -> Iterator[int]:
    """The port of `processor collect`."""
    with subprocess.Popen(
        [sys.executable, "-m", "processor.cli.main", "collect", "--http", "127.0.0.1:0"],
        env={**os.environ, **cluster.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("ready http://127.0.0.1:"), ready
            yield int(ready.rpartition(":")[2])
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()


def subject(user: str) -> Subject:
    return (
        Subject()
        .set_platform("mob")
        .set_user_id("alexd")
        .set_screen_resolution(1366, 768)
        .set_viewport(300, 200)
        .set_color_depth(32)
        .set_timezone("Europe/London")
        .set_lang("en")
        .set_ip_address("34.63.11.139")
        .set_useragent("Mozilla/5.0 (Windows NT 5.1; rv:23.0) Gecko/20100101 Firefox/23.0")
        .set_domain_user_id(user)
        .set_domain_session_id(SESSION)
        .set_domain_session_index(3)
        .set_network_user_id(NETWORK_USERID)
    )


POSTER_1 = SelfDescribingJson("iglu:com.acme/poster/jsonschema/2-1-1", {"film": "Sölaris 🙂"})
GEO = SelfDescribingJson(
    f"iglu:{SNOWPLOW}/geolocation_context/jsonschema/1-0-0", {"latitude": -23.2, "longitude": 4}
)
SAVED = SelfDescribingJson("iglu:com.acme/save_game/jsonschema/1-0-2", {"level": 23})
PAGE = "http://a.example/x?utm_source=mail"
TITLE = "Home\ufffd\u2028page\n"


def long_ago_ms() -> int:
    return int(time.time() * 1000) - 7_200_000


def track_by_classes(tracker: Tracker) -> None:
    """The kinds of event that the tracker has classes for."""
    tracker.track(PageView("http://a.example/", "Before", true_timestamp=long_ago_ms()))
    tracker.track(PageView(PAGE, TITLE, context=[POSTER_1, GEO]))
    tracker.track(PagePing("http://a.example/x", min_x=0, max_x=100, min_y=5, max_y=500))
    tracker.track(ScreenView(id_=SESSION, name="HUD"))
    tracker.track(StructuredEvent("shop", "add", property_="pcs", value=13.99))
    tracker.track(SelfDescribing(SAVED))


def track_by_methods(tracker: Tracker) -> None:
    """The same events, by the methods that are older than the classes."""
    tracker.track_page_view("http://a.example/", "Before", tstamp=long_ago_ms())
    tracker.track_page_view(PAGE, TITLE, context=[POSTER_1, GEO])
    tracker.track_page_ping("http://a.example/x", None, None, 0, 100, 5, 500)
    tracker.track_mobile_screen_view("HUD", SESSION)
    tracker.track_struct_event("shop", "add", None, "pcs", 13.99)
    tracker.track_unstruct_event(SAVED)


def track_the_rest(tracker: Tracker) -> None:
    """The kinds of event that the tracker has only methods for."""
    tracker.track_screen_view("HUD > Save Game", "screen23")
    tracker.track_link_click("http://my-target-url2/path", "element id 2")
    tracker.track_add_to_cart("123", 2, "The Devil's Dance", "Books", 23.99, "USD")
    tracker.track_remove_from_cart("123", 1)
    tracker.track_form_change("signupForm", "age", "INPUT", "24", "number", ["signup__number"])
    tracker.track_form_submit(
        "signupForm",
        ["signup__warning"],
        [{"name": "email", "value": "email@example.com", "nodeName": "INPUT"}],
    )
    tracker.track_site_search(["pulp fiction", "reviews"], {"nswf": True}, 215, 22)
    items = [
        {"sku": "pbz0026", "price": 20, "quantity": 1},
        {"sku": "pbz0038", "price": 15, "quantity": 1, "name": "tarot"},
    ]
    tracker.track_ecommerce_transaction("6a8078be", 35.5, city="London", items=items)


def fired_for(cluster: Cluster, user: str) -> list[str]:
    return [one["name"] for one in fired(cluster) if one["target_attribute_key"]["id"] == user]


def profile(balancer: RoundRobin, user: str) -> Json:
    answer = httpx.post(
        f"http://127.0.0.1:{balancer.port}/api/v1/profiles",
        json={"key": "domain_userid", "ids": [user]},
        timeout=30.0,
    )
    assert answer.status_code in {200, 503}, answer.text
    profiles: Json = answer.json().get("profiles") or {}
    return profiles.get(user) or {}


# Who is tracked; how events are sent; whether documents are in base64; by what they are tracked;
# which collector they are sent to. The emitter that is buffered sends when its time is up.
WAYS = [
    ("get-base64", Emitter, {"method": "get"}, True, track_by_classes, "workers"),
    ("get-plain", Emitter, {"method": "get"}, False, track_by_methods, "collector"),
    ("post-plain", Emitter, {"batch_size": 1}, False, track_by_classes, "workers"),
    ("post-buffered", Emitter, {"batch_size": 100}, True, track_by_methods, "collector"),
    ("post-bytes", Emitter, {"byte_limit": 3_000}, True, track_by_methods, "workers"),
    ("async-post", AsyncEmitter, {"batch_size": 5}, True, track_by_classes, "workers"),
    ("async-get", AsyncEmitter, {"method": "get", "thread_count": 3}, False, track_by_classes,
     "collector"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("user", "kind", "options", "base64", "track", "where"), WAYS, ids=[way[0] for way in WAYS]
)
def test_everything_that_is_tracked_becomes_attributes_and_fires(
    cluster: Cluster, balancer: RoundRobin, collector: int,
    user, kind, options, base64, track, where,
) -> None:  # fmt: skip
    failures: list[Any] = []
    emitter = kind(
        "127.0.0.1",
        protocol="http",
        port=balancer.port if where == "workers" else collector,
        on_failure=lambda *what: failures.append(what),
        **options,
    )
    tracker = Tracker("sp", emitter, subject(user), app_id="shop", encode_base64=base64)
    buffered = user == "post-buffered"
    if buffered:
        emitter.set_flush_timer(0.2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        track(tracker)
        track_the_rest(tracker)
    if not buffered:
        tracker.flush()
    eventually(
        lambda: profile(balancer, user) == EXPECTED,
        what=lambda: f"{profile(balancer, user)} {failures}",
    )
    emitter.cancel_flush_timer()
    assert not failures
    assert eventually(lambda: fired_for(cluster, user)) == ["searcher"]


def test_requests_of_the_tracker_0_8_become_attributes(
    cluster: Cluster, balancer: RoundRobin, collector: int
) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{collector}") as client:
        for one in json.loads(RECORDED.read_text()):
            answer = client.request(
                one["method"], one["target"], headers=one["headers"], content=one["body"]
            )
            assert answer.status_code == 200, answer.text
    counts = {f"tracked_v1:{name}": 4 for name in COUNTED}
    counts |= {"tracked_v1:structured": 8, "tracked_v1:items": 8}
    # Its schemas are of other vendors, and it has no mobile screens.
    counts |= {"tracked_v1:saves": 0, "tracked_v1:mobile_screens": 0}
    found = eventually(
        lambda: (
            profile(balancer, RECORDED_USER).get("tracked_v1:transactions") == 4
            and profile(balancer, RECORDED_USER)
        )
    )
    assert {name: found[name] or 0 for name in counts} == counts
    assert found["told_v1:spent"] == 140.0
    assert found["told_v1:term"] == "reviews"


def test_a_session_id_that_is_no_uuid_is_a_dead_letter_that_says_so(
    cluster: Cluster, balancer: RoundRobin
) -> None:
    emitter = Emitter("127.0.0.1", protocol="http", port=balancer.port, batch_size=1)
    who = Subject().set_domain_user_id("wrong").set_domain_session_id("my-session")
    Tracker("sp", emitter, who).track(PageView("http://a.example/"))
    (letter,) = eventually(
        lambda: [one for one in dead_letters(cluster) if "my-session" in one["detail"]]
    )
    assert letter["reason"] == "parameter"
    assert letter["detail"] == "sid 'my-session' is not a UUID"
    assert (letter["topic"], letter["partition"], letter["offset"]) == ("collector", -1, -1)
    listed = processor("dead-letters", "list", environment=cluster.environment)
    assert f"{letter['key']}\tparameter\tsid 'my-session' is not a UUID" in listed.stdout
    shown = processor("dead-letters", "show", letter["key"], environment=cluster.environment)
    assert '"duid": "wrong"' in shown.stdout.replace('":"', '": "')
    assert profile(balancer, "wrong").get("tracked_v1:page_views") is None


def test_what_is_no_body_is_a_bad_request_and_a_dead_letter(
    cluster: Cluster, balancer: RoundRobin, collector: int
) -> None:
    for port in (balancer.port, collector):
        body = f"not JSON {port}".encode()
        headers = {"Content-Type": "application/json"}
        answer = httpx.post(f"http://127.0.0.1:{port}{TP2}", content=body, headers=headers)
        assert answer.status_code == 400
    reasons = [one["reason"] for one in dead_letters(cluster)]
    assert reasons.count("payload") == 2


def test_a_visitor_without_an_id_is_known_by_the_collectors_cookie(
    cluster: Cluster, balancer: RoundRobin
) -> None:
    url, alone = f"http://127.0.0.1:{balancer.port}", {"Connection": "close"}
    with httpx.Client(base_url=url, headers=alone) as client:
        for number in range(3):
            params = {"e": "pv", "aid": f"cookie-{number}"}
            assert client.get("/i", params=params).headers["content-type"] == "image/gif"
        (userid,) = {cookie.value for cookie in client.cookies.jar}
    enriched = [
        record
        for record in records(cluster, cluster.settings.enriched_topic)
        if (record.value or b"").startswith(b"cookie-")
    ]
    assert {record.key for record in enriched} == {str(userid).encode()}
    assert len(enriched) == 3


def test_who_is_anonymous_is_nobody_and_a_session_in_capitals_is_read_in_any_case(
    cluster: Cluster, balancer: RoundRobin
) -> None:
    visit = "f3b1a2c4-7d5e-4f60-8a9b-0c1d2e3f4a5b"
    schema = f"iglu:{SNOWPLOW}/payload_data/jsonschema/1-0-4"
    anonymous, spellings = {"SP-Anonymous": "*"}, [visit.upper(), visit, visit.upper()]
    with httpx.Client(base_url=f"http://127.0.0.1:{balancer.port}", timeout=30.0) as client:
        for duid, sid in zip(("hidden-1", "hidden-2", "hidden-1"), spellings, strict=True):
            events = [{"e": "pv", "duid": duid, "sid": sid, "page": "Sale \ud83d"}] * 2
            sent = json.dumps({"schema": schema, "data": events})
            headers = {"Content-Type": "text/plain", **anonymous}
            assert client.post(TP2, content=sent, headers=headers).text == "ok"

        def read(key: str, identifier: str) -> Json:
            body = {"key": key, "ids": [identifier]}
            answer = client.post("/api/v1/profiles", json=body).json()
            return answer.get("profiles", {}).get(identifier, {})

        eventually(lambda: read(VISIT, visit.upper()) == {"visits_v1:views": 6})
        assert read(VISIT, visit) == {"visits_v1:views": 6}
        assert profile(balancer, "hidden-1")["tracked_v1:page_views"] == 4
        assert profile(balancer, "hidden-1")["told_v1:title"] == "Sale \ufffd"
        assert read(DEVICE, NOBODY) == {"devices_v1:views": None}
    assert fired_for(cluster, NOBODY) == []


def test_a_request_is_answered_when_kafka_has_its_events(cluster: Cluster, collector: int) -> None:
    events = [{"e": "pv", "aid": f"bulk-{number}", "duid": "bulk"} for number in range(500)]
    schema = f"iglu:{SNOWPLOW}/payload_data/jsonschema/1-0-4"
    answer = httpx.post(
        f"http://127.0.0.1:{collector}{TP2}", json={"schema": schema, "data": events}
    )
    assert (answer.status_code, answer.text) == (200, "ok")
    values = [one.value or b"" for one in records(cluster, cluster.settings.enriched_topic)]
    bulk = [value.partition(b"\t")[0] for value in values if value.startswith(b"bulk-")]
    assert bulk == [f"bulk-{number}".encode() for number in range(500)]
    metrics = httpx.get(f"http://127.0.0.1:{collector}/metrics").text
    assert "processor_collected_events_total" in metrics


def test_the_tracker_that_the_docs_show_sends_an_event(balancer: RoundRobin) -> None:
    (code,) = re.findall(r"```python\n(from snowplow_tracker .*?)```", TRACKERS, re.DOTALL)
    mine = code.replace("127.0.0.1:8080", f"127.0.0.1:{balancer.port}").replace('"ID"', '"shown"')
    exec(mine, {})
    eventually(lambda: profile(balancer, "shown").get("tracked_v1:page_views") == 1)


def test_collect_says_which_topic_is_missing(cluster: Cluster) -> None:
    done = processor("collect", "--enriched-topic", "no-such", environment=cluster.environment)
    assert done.returncode == 1
    assert "no topic 'no-such'" in done.stderr


def test_collect_says_that_its_address_is_taken(cluster: Cluster, collector: int) -> None:
    address = f"127.0.0.1:{collector}"
    done = processor("collect", "--http", address, environment=cluster.environment)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"cannot listen on {address}" in done.stderr.splitlines()[-1]

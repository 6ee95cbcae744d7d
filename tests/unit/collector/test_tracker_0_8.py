"""Requests that the Python tracker 0.8.0 itself sent: by GET and POST, in base64 and plain.

tests/data/tracker-0.8.json holds them in the order in which they were sent: every kind of event
that this tracker has, in the same order for each of the four ways.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from processor.collector import Arrival, Collected, collect_body, collect_query
from processor.events import ATOMIC_COLUMNS, parse_event

REQUESTS = json.loads((Path(__file__).parents[2] / "data" / "tracker-0.8.json").read_text())
TARGET = "/com.snowplowanalytics.snowplow/tp2"
SNOWPLOW = "com.snowplowanalytics.snowplow"
Columns = dict[str, str]

SUBJECT = {
    "app_id": "cf29ea",
    "platform": "mob",
    "name_tracker": "cf",
    "v_tracker": "py-0.8.0",
    "user_id": "alexd",
    "domain_userid": "c7aadf5c60a5dff9",
    "network_userid": "ecdff4d0-9175-40ac-a8bb-325c49733607",
    "user_ipaddress": "34.63.11.139",
    "useragent": "Mozilla/5.0 (Windows NT 5.1; rv:23.0) Gecko/20100101 Firefox/23.0",
    "dvce_screenwidth": "1366",
    "dvce_screenheight": "768",
    "br_viewwidth": "300",
    "br_viewheight": "200",
    "br_colordepth": "32",
    "br_lang": "en",
    "os_timezone": "Europe/London",
    "dvce_sent_tstamp": "2016-04-07 03:33:20.000",
}
# Vendor and name of the event, and columns of its own; the data of an event of its own schema
# stand under "data".
EXPECTED: list[tuple[str, str, dict[str, Any]]] = [
    (SNOWPLOW, "page_view", {
        "page_url": "http://www.films.com/a%20b?utm_source=mail&utm_medium=email",
        "page_title": "Homepage", "page_urlpath": "/a%20b", "mkt_source": "mail",
        "mkt_medium": "email", "page_referrer": "http://www.films.com/before",
        "refr_medium": "internal", "dvce_created_tstamp": "2016-04-07 03:33:20.123",
    }),
    (SNOWPLOW, "page_ping", {
        "pp_xoffset_min": "0", "pp_xoffset_max": "100", "pp_yoffset_min": "5",
        "pp_yoffset_max": "500", "page_urlport": "80",
    }),
    (SNOWPLOW, "screen_view", {
        "data": {"name": "HUD > Save Game", "id": "screen23"},
        "dvce_created_tstamp": "2013-05-16 17:28:07.000",
        "derived_tstamp": "2017-10-23 02:21:27.123",
    }),
    ("com.google.analytics", "event", {
        "se_category": "shop", "se_action": "add-to-basket", "se_property": "pcs", "se_value": "2",
    }),
    ("com.google.analytics", "event", {
        "se_category": "some cat", "true_tstamp": "2013-05-16 17:28:07.000",
        "derived_tstamp": "2013-05-16 17:28:07.000", "dvce_created_tstamp": "",
    }),
    (SNOWPLOW, "link_click", {"data": {
        "targetUrl": "http://my-target-url2/path", "elementId": "element id 2",
        "elementClasses": ["a"], "elementTarget": "element target",
        "elementContent": "element content",
    }}),
    (SNOWPLOW, "add_to_cart", {"data": {
        "sku": "123", "quantity": 2, "name": "The Devil's Dance", "category": "Books",
        "unitPrice": 23.99, "currency": "USD",
    }}),
    (SNOWPLOW, "remove_from_cart", {"data": {"sku": "123", "quantity": 1}}),
    (SNOWPLOW, "change_form", {"data": {
        "formId": "signupForm", "elementId": "ageInput", "nodeName": "INPUT", "value": "24",
        "type": "number", "elementClasses": ["signup__number", "form__red"],
    }}),
    (SNOWPLOW, "submit_form", {"data": {
        "formId": "signupForm", "formClasses": ["signup__warning"],
        "elements": [
            {"name": "email", "value": "a@example.com", "nodeName": "INPUT", "type": "email"}
        ],
    }}),
    (SNOWPLOW, "site_search", {"data": {
        "terms": ["pulp fiction", "reviews"], "filters": {"nswf": True}, "totalResults": 215,
        "pageResults": 22,
    }}),
    ("com.example_company", "save_game", {
        "event_version": "1-0-2",
        "data": {"save_id": "4321", "level": 23, "difficultyLevel": "HARD", "dl_content": True},
    }),
    (SNOWPLOW, "transaction", {
        "tr_orderid": "6a8078be", "tr_total": "35", "tr_tax": "6.12", "tr_shipping": "0",
        "tr_city": "London", "tr_currency": "GBP",
    }),
    (SNOWPLOW, "transaction_item", {
        "ti_orderid": "6a8078be", "ti_sku": "pbz0026", "ti_price": "20", "ti_quantity": "1",
        "ti_currency": "GBP", "ti_name": "",
    }),
    (SNOWPLOW, "transaction_item", {"ti_name": "tarot", "ti_category": "cards"}),
]  # fmt: skip
WAYS = ["GET, base64", "GET, plain", "POST, base64", "POST, plain"]


def collect(request: dict[str, Any], arrival: Arrival) -> Collected:
    path, _, query = request["target"].partition("?")
    if request["method"] == "GET":
        assert path == "/i"
        return collect_query(query, arrival)
    assert path == TARGET
    return collect_body(request["body"].encode(), request["headers"]["content-type"], "", arrival)


@pytest.fixture
def sent(arrival: Arrival) -> list[Columns]:
    """The columns of all events, in the order in which they were sent."""
    found: list[Columns] = []
    # Years after it was sent, by the device's clock.
    request = replace(arrival, received_ms=1_600_000_000_123)
    for one in REQUESTS:
        collected = collect(one, request)
        assert not collected.refused
        for event in collected.events:
            columns = parse_event(event.value).columns
            named = zip(ATOMIC_COLUMNS, columns, strict=True)
            found.append({name: value.decode() for name, value in named})
    return found


def test_every_event_of_every_way_is_collected(sent: list[Columns]) -> None:
    assert len(sent) == len(EXPECTED) * len(WAYS)
    assert len({event["event_id"] for event in sent}) == len(sent)


@pytest.mark.parametrize("way", range(len(WAYS)), ids=WAYS)
@pytest.mark.parametrize(
    "number",
    range(len(EXPECTED)),
    ids=[f"{number}-{row[1]}" for number, row in enumerate(EXPECTED)],
)
def test_an_event_has_the_columns_that_the_tracker_gave(sent, way, number) -> None:
    vendor, name, own = EXPECTED[number]
    event = sent[way * len(EXPECTED) + number]
    assert (event["event_vendor"], event["event_name"]) == (vendor, name)
    columns = {**SUBJECT, **own}
    data = columns.pop("data", None)
    assert {column: event[column] for column in columns} == columns
    if data is not None:
        assert event["event"] == "unstruct"
        assert json.loads(event["unstruct_event"])["data"]["data"] == data


@pytest.mark.parametrize("way", range(len(WAYS)), ids=WAYS)
def test_entities_come_with_their_event(sent, way) -> None:
    page_view = sent[way * len(EXPECTED)]
    assert [entity["schema"] for entity in json.loads(page_view["contexts"])["data"]] == [
        "iglu:com.acme_company/movie_poster/jsonschema/2-1-1",
        "iglu:com.snowplowanalytics.snowplow/geolocation_context/jsonschema/1-0-0",
    ]

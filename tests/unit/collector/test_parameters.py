"""Each parameter of the tracker protocol, and each of the 131 columns."""

import base64
import json

import pytest

from processor.collector import PARAMETERS, UNSET_COLUMNS
from processor.events import ATOMIC_COLUMNS

ENTITY = {"schema": "iglu:com.acme/thing/jsonschema/1-0-0", "data": {"a": 1}}
SNOWPLOW = "iglu:com.snowplowanalytics.snowplow"
CONTEXTS = json.dumps({"schema": f"{SNOWPLOW}/contexts/jsonschema/1-0-1", "data": [ENTITY]})
UNSTRUCT = json.dumps({"schema": f"{SNOWPLOW}/unstruct_event/jsonschema/1-0-0", "data": ENTITY})
COMPACT_CONTEXTS = CONTEXTS.replace(" ", "")
COMPACT_UNSTRUCT = UNSTRUCT.replace(" ", "")


def in_base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


UUID = "6a0dcb32-6f1b-4cc2-9cd3-1d8b1b4c1b2f"
# Parameter, its text, and the columns that this text sets.
TABLE = [
    ("e", "pv", {"event": "page_view"}),
    ("aid", "shop", {"app_id": "shop"}),
    ("p", "web", {"platform": "web"}),
    ("tna", "sp1", {"name_tracker": "sp1"}),
    ("tv", "js-4.6.0", {"v_tracker": "js-4.6.0"}),
    ("cv", "other-1.0", {"v_collector": "other-1.0"}),
    ("eid", UUID.upper(), {"event_id": UUID}),
    ("tid", "352583", {"txn_id": "352583"}),
    ("dtm", "1361553733313", {"dvce_created_tstamp": "2013-02-22 17:22:13.313"}),
    ("stm", "1361553733371", {"dvce_sent_tstamp": "2013-02-22 17:22:13.371"}),
    ("ttm", "1361553733000", {"true_tstamp": "2013-02-22 17:22:13.000"}),
    ("tz", "Europe/London", {"os_timezone": "Europe/London"}),
    ("uid", "jon@example.com", {"user_id": "jon@example.com"}),
    ("duid", "aeb1691c5a0ee5a6", {"domain_userid": "aeb1691c5a0ee5a6"}),
    ("sid", UUID, {"domain_sessionid": UUID}),
    ("vid", "7", {"domain_sessionidx": "7"}),
    ("nuid", "n1", {"network_userid": "n1"}),
    ("tnuid", "n2", {"network_userid": "n2"}),
    ("fp", "4048966212", {"user_fingerprint": "4048966212"}),
    ("ip", "37.157.33.178, 10.0.0.1", {"user_ipaddress": "37.157.33.178"}),
    ("url", "http://a.example/b", {"page_url": "http://a.example/b"}),
    ("page", "Tarot\tcards\n", {"page_title": "Tarot    cards"}),
    ("refr", "http://b.example/", {"page_referrer": "http://b.example/"}),
    ("cs", "UTF-8", {"doc_charset": "UTF-8"}),
    ("ds", "1090x1152", {"doc_width": "1090", "doc_height": "1152"}),
    ("ua", "Mozilla/5.0", {"useragent": "Mozilla/5.0"}),
    ("lang", "en-US", {"br_lang": "en-US"}),
    ("vp", "1105x390", {"br_viewwidth": "1105", "br_viewheight": "390"}),
    ("res", "1280x1024", {"dvce_screenwidth": "1280", "dvce_screenheight": "1024"}),
    ("cd", "24", {"br_colordepth": "24"}),
    ("cookie", "1", {"br_cookies": "1"}),
    ("f_pdf", "1", {"br_features_pdf": "1"}),
    ("f_fla", "0", {"br_features_flash": "0"}),
    ("f_java", "1", {"br_features_java": "1"}),
    ("f_dir", "0", {"br_features_director": "0"}),
    ("f_qt", "1", {"br_features_quicktime": "1"}),
    ("f_realp", "0", {"br_features_realplayer": "0"}),
    ("f_wma", "1", {"br_features_windowsmedia": "1"}),
    ("f_gears", "0", {"br_features_gears": "0"}),
    ("f_ag", "1", {"br_features_silverlight": "1"}),
    ("co", CONTEXTS, {"contexts": COMPACT_CONTEXTS}),
    ("cx", in_base64(CONTEXTS), {"contexts": COMPACT_CONTEXTS}),
    ("ue_pr", UNSTRUCT, {"unstruct_event": COMPACT_UNSTRUCT}),
    ("ue_px", in_base64(UNSTRUCT), {"unstruct_event": COMPACT_UNSTRUCT}),
    ("ev_ca", "shop", {"se_category": "shop"}),
    ("ev_ac", "add", {"se_action": "add"}),
    ("ev_la", "label", {"se_label": "label"}),
    ("ev_pr", "pcs", {"se_property": "pcs"}),
    ("ev_va", "2", {"se_value": "2"}),
    ("se_ca", "shop", {"se_category": "shop"}),
    ("se_ac", "add", {"se_action": "add"}),
    ("se_la", "label", {"se_label": "label"}),
    ("se_pr", "pcs", {"se_property": "pcs"}),
    ("se_va", "2.50", {"se_value": "2.50"}),
    ("tr_id", "12345", {"tr_orderid": "12345"}),
    ("tr_af", "Web", {"tr_affiliation": "Web"}),
    ("tr_tt", "9.99", {"tr_total": "9.99"}),
    ("tr_tx", "1.98", {"tr_tax": "1.98"}),
    ("tr_sh", "3E2", {"tr_shipping": "300"}),
    ("tr_ci", "London", {"tr_city": "London"}),
    ("tr_st", "Denver", {"tr_state": "Denver"}),
    ("tr_co", "United Kingdom", {"tr_country": "United Kingdom"}),
    ("tr_cu", "GBP", {"tr_currency": "GBP"}),
    ("ti_id", "12345", {"ti_orderid": "12345"}),
    ("ti_sk", "pbz0025", {"ti_sku": "pbz0025"}),
    ("ti_na", "tarot", {"ti_name": "tarot"}),
    ("ti_nm", "tarot", {"ti_name": "tarot"}),
    ("ti_ca", "cards", {"ti_category": "cards"}),
    ("ti_pr", "7.99", {"ti_price": "7.99"}),
    ("ti_qu", "2", {"ti_quantity": "2"}),
    ("ti_cu", "GBP", {"ti_currency": "GBP"}),
    ("pp_mix", "0", {"pp_xoffset_min": "0"}),
    ("pp_max", "7", {"pp_xoffset_max": "7"}),
    ("pp_miy", "-3", {"pp_yoffset_min": "-3"}),
    ("pp_may", "746", {"pp_yoffset_max": "746"}),
]

# Columns that no parameter sets by itself: where they come from.
DERIVED = {
    "etl_tstamp": "the time of the request",
    "collector_tstamp": "the time of the request",
    "derived_tstamp": "the times",
    "v_etl": "the collector",
    "event_vendor": "the kind of event, or its schema",
    "event_name": "the kind of event, or its schema",
    "event_format": "the kind of event, or its schema",
    "event_version": "the kind of event, or its schema",
    **dict.fromkeys(
        [f"page_url{part}" for part in ("scheme", "host", "port", "path", "query", "fragment")],
        "url",
    ),
    **dict.fromkeys(
        [f"refr_url{part}" for part in ("scheme", "host", "port", "path", "query", "fragment")],
        "refr",
    ),
    "refr_medium": "url and refr: internal where they have the same host, else empty",
    **dict.fromkeys(
        ["mkt_medium", "mkt_source", "mkt_term", "mkt_content", "mkt_campaign"], "utm_… in url"
    ),
    "mkt_clickid": "gclid, msclkid, dclid in url",
    "mkt_network": "gclid, msclkid, dclid in url",
    "refr_domain_userid": "_sp in url",
    "refr_dvce_tstamp": "_sp in url",
}


@pytest.mark.parametrize(("name", "text", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_a_parameter_sets_its_columns(columns_of, name, text, expected) -> None:
    found = columns_of({name: text})
    assert {column: found.get(column) for column in expected} == expected


def test_the_table_has_every_parameter() -> None:
    assert [row[0] for row in TABLE] == list(PARAMETERS)


def test_every_column_is_set_by_something_or_has_a_reason() -> None:
    by_parameters = {column for one in PARAMETERS.values() for column in one.columns}
    assert by_parameters | set(DERIVED) | set(UNSET_COLUMNS) == set(ATOMIC_COLUMNS)
    assert not by_parameters & set(DERIVED)
    assert not (by_parameters | set(DERIVED)) & set(UNSET_COLUMNS)


def test_columns_with_a_reason_stay_empty(columns_of) -> None:
    everything = {name: text for name, text, _ in TABLE}
    url = "https://a.example:8443/b?utm_source=m&gclid=1&_sp=u.1361553733000#f"
    found = columns_of({**everything, "url": url, "refr": url})
    assert set(ATOMIC_COLUMNS) - set(found) == {
        *UNSET_COLUMNS, "mkt_medium", "mkt_term", "mkt_content", "mkt_campaign",
    }  # fmt: skip


def test_an_unknown_parameter_is_ignored(columns_of) -> None:
    assert columns_of({"zz": "1"}) == columns_of({})


def test_an_empty_parameter_is_none(columns_of) -> None:
    assert columns_of({"eid": "", "vid": "", "cx": ""}) == columns_of({})


def test_the_trackers_network_userid_overrules_the_collectors(columns_of) -> None:
    assert columns_of({"nuid": "a", "tnuid": "b"})["network_userid"] == "b"

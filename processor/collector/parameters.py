"""The tracker protocol as a table: each parameter, its columns, and how its text is read.

The pairs ue_pr and ue_px, and co and cx, are plain JSON and JSON in base64. Parameters that are not
in the table are ignored. UNSET_COLUMNS are the columns without a parameter, with the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass

from processor.collector.conversion import (
    to_decimal,
    to_event,
    to_flag,
    to_integer,
    to_ip_address,
    to_platform,
    to_size,
    to_text,
    to_time,
    to_uuid,
)
from processor.collector.documents import (
    contexts_from_base64,
    contexts_from_text,
    unstruct_from_base64,
    unstruct_from_text,
)

_Conversion = Callable[[str], str]
_PairConversion = Callable[[str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """The columns that a parameter sets, and the function that returns their texts.

    Raises (read):
        ValueError: the text is not valid for this parameter.
    """

    columns: tuple[str, ...]
    read: Callable[[str], tuple[str, ...]]


def _one(column: str, convert: _Conversion) -> Parameter:
    return Parameter((column,), lambda text: (convert(text),))


def _two(first: str, second: str, convert: _PairConversion) -> Parameter:
    return Parameter((first, second), convert)


PARAMETERS: dict[str, Parameter] = {
    # the application
    "e": _one("event", to_event),
    "aid": _one("app_id", to_text),
    "p": _one("platform", to_platform),
    "tna": _one("name_tracker", to_text),
    "tv": _one("v_tracker", to_text),
    "cv": _one("v_collector", to_text),
    "eid": _one("event_id", to_uuid),
    "tid": _one("txn_id", to_integer),
    # times
    "dtm": _one("dvce_created_tstamp", to_time),
    "stm": _one("dvce_sent_tstamp", to_time),
    "ttm": _one("true_tstamp", to_time),
    "tz": _one("os_timezone", to_text),
    # the visitor
    "uid": _one("user_id", to_text),
    "duid": _one("domain_userid", to_text),
    "sid": _one("domain_sessionid", to_uuid),
    "vid": _one("domain_sessionidx", to_integer),
    "nuid": _one("network_userid", to_text),
    "tnuid": _one("network_userid", to_text),  # after nuid, because it overrides it
    "fp": _one("user_fingerprint", to_text),
    "ip": _one("user_ipaddress", to_ip_address),
    # the page
    "url": _one("page_url", to_text),
    "page": _one("page_title", to_text),
    "refr": _one("page_referrer", to_text),
    "cs": _one("doc_charset", to_text),
    "ds": _two("doc_width", "doc_height", to_size),
    # the browser
    "ua": _one("useragent", to_text),
    "lang": _one("br_lang", to_text),
    "vp": _two("br_viewwidth", "br_viewheight", to_size),
    "res": _two("dvce_screenwidth", "dvce_screenheight", to_size),
    "cd": _one("br_colordepth", to_text),
    "cookie": _one("br_cookies", to_flag),
    "f_pdf": _one("br_features_pdf", to_flag),
    "f_fla": _one("br_features_flash", to_flag),
    "f_java": _one("br_features_java", to_flag),
    "f_dir": _one("br_features_director", to_flag),
    "f_qt": _one("br_features_quicktime", to_flag),
    "f_realp": _one("br_features_realplayer", to_flag),
    "f_wma": _one("br_features_windowsmedia", to_flag),
    "f_gears": _one("br_features_gears", to_flag),
    "f_ag": _one("br_features_silverlight", to_flag),
    # entities, and the event of its own schema
    "co": _one("contexts", contexts_from_text),
    "cx": _one("contexts", contexts_from_base64),
    "ue_pr": _one("unstruct_event", unstruct_from_text),
    "ue_px": _one("unstruct_event", unstruct_from_base64),
    # structured events; ev_ is the former prefix
    "ev_ca": _one("se_category", to_text),
    "ev_ac": _one("se_action", to_text),
    "ev_la": _one("se_label", to_text),
    "ev_pr": _one("se_property", to_text),
    "ev_va": _one("se_value", to_decimal),
    "se_ca": _one("se_category", to_text),
    "se_ac": _one("se_action", to_text),
    "se_la": _one("se_label", to_text),
    "se_pr": _one("se_property", to_text),
    "se_va": _one("se_value", to_decimal),
    # transactions and their items
    "tr_id": _one("tr_orderid", to_text),
    "tr_af": _one("tr_affiliation", to_text),
    "tr_tt": _one("tr_total", to_decimal),
    "tr_tx": _one("tr_tax", to_decimal),
    "tr_sh": _one("tr_shipping", to_decimal),
    "tr_ci": _one("tr_city", to_text),
    "tr_st": _one("tr_state", to_text),
    "tr_co": _one("tr_country", to_text),
    "tr_cu": _one("tr_currency", to_text),
    "ti_id": _one("ti_orderid", to_text),
    "ti_sk": _one("ti_sku", to_text),
    "ti_na": _one("ti_name", to_text),  # some trackers used this name
    "ti_nm": _one("ti_name", to_text),
    "ti_ca": _one("ti_category", to_text),
    "ti_pr": _one("ti_price", to_decimal),
    "ti_qu": _one("ti_quantity", to_integer),
    "ti_cu": _one("ti_currency", to_text),
    # page pings
    "pp_mix": _one("pp_xoffset_min", to_integer),
    "pp_max": _one("pp_xoffset_max", to_integer),
    "pp_miy": _one("pp_yoffset_min", to_integer),
    "pp_may": _one("pp_yoffset_max", to_integer),
}

_NO_ADDRESSES = "needs a database of IP addresses"
_NO_AGENTS = "needs a database of useragents"
_NO_REFERRERS = "needs a database of search engines and social networks"
_NO_CURRENCIES = "needs exchange rates"

UNSET_COLUMNS: dict[str, str] = {
    "geo_country": _NO_ADDRESSES,
    "geo_region": _NO_ADDRESSES,
    "geo_city": _NO_ADDRESSES,
    "geo_zipcode": _NO_ADDRESSES,
    "geo_latitude": _NO_ADDRESSES,
    "geo_longitude": _NO_ADDRESSES,
    "geo_region_name": _NO_ADDRESSES,
    "geo_timezone": _NO_ADDRESSES,
    "ip_isp": _NO_ADDRESSES,
    "ip_organization": _NO_ADDRESSES,
    "ip_domain": _NO_ADDRESSES,
    "ip_netspeed": _NO_ADDRESSES,
    "refr_source": _NO_REFERRERS,
    "refr_term": _NO_REFERRERS,
    "br_name": _NO_AGENTS,
    "br_family": _NO_AGENTS,
    "br_version": _NO_AGENTS,
    "br_type": _NO_AGENTS,
    "br_renderengine": _NO_AGENTS,
    "os_name": _NO_AGENTS,
    "os_family": _NO_AGENTS,
    "os_manufacturer": _NO_AGENTS,
    "dvce_type": _NO_AGENTS,
    "dvce_ismobile": _NO_AGENTS,
    "tr_total_base": _NO_CURRENCIES,
    "tr_tax_base": _NO_CURRENCIES,
    "tr_shipping_base": _NO_CURRENCIES,
    "ti_price_base": _NO_CURRENCIES,
    "base_currency": _NO_CURRENCIES,
    "etl_tags": "is set by runs of a batch pipeline",
    "derived_contexts": "is made by enrichments, of which there are none",
    "event_fingerprint": "is made by an enrichment that is off by default",
}

"""The maximum length of each column in characters: Snowplow's schema of the atomic event.

Longer texts are cut. JSON columns have no limit of their own.
"""

from typing import Final

_COLUMNS: Final = {
    3: "tr_currency ti_currency",
    12: "br_colordepth",
    16: "page_urlscheme refr_urlscheme",
    25: "refr_medium",
    64: "mkt_network",
    100: "v_tracker v_collector v_etl",
    128: "event name_tracker user_ipaddress user_fingerprint domain_userid network_userid "
    "doc_charset mkt_clickid refr_domain_userid domain_sessionid event_format event_version",
    255: "app_id platform user_id page_urlhost refr_urlhost mkt_medium mkt_source mkt_term "
    "mkt_campaign tr_orderid tr_affiliation tr_city tr_state tr_country ti_orderid ti_sku ti_name "
    "ti_category br_lang os_timezone",
    500: "mkt_content",
    1_000: "se_category se_action se_property useragent event_vendor event_name",
    2_000: "page_title",
    3_000: "page_urlpath page_urlfragment refr_urlfragment",
    4_096: "page_url page_referrer se_label",
    6_000: "page_urlquery refr_urlpath refr_urlquery",
}

LENGTHS: Final = {column: length for length, names in _COLUMNS.items() for column in names.split()}

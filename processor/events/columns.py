"""The 131 columns of an enriched event: names in TSV order, types, and the positions we read."""

from enum import StrEnum


class ColumnType(StrEnum):
    """How the text of a column is read. An empty column is null, whatever its type."""

    STRING = "string"
    INT = "int"
    DOUBLE = "double"
    BOOL = "bool"  # written as 1 or 0
    TIMESTAMP = "timestamp"  # YYYY-MM-DD HH:MM:SS[.fff], UTC
    JSON = "json"  # self-describing JSON: contexts and the event of its own schema


_STRING = ColumnType.STRING
_INT = ColumnType.INT
_DOUBLE = ColumnType.DOUBLE
_BOOL = ColumnType.BOOL
_TIMESTAMP = ColumnType.TIMESTAMP
_JSON = ColumnType.JSON

COLUMN_TYPES: dict[str, ColumnType] = {
    "app_id": _STRING,
    "platform": _STRING,
    "etl_tstamp": _TIMESTAMP,
    "collector_tstamp": _TIMESTAMP,
    "dvce_created_tstamp": _TIMESTAMP,
    "event": _STRING,
    "event_id": _STRING,
    "txn_id": _INT,
    "name_tracker": _STRING,
    "v_tracker": _STRING,
    "v_collector": _STRING,
    "v_etl": _STRING,
    "user_id": _STRING,
    "user_ipaddress": _STRING,
    "user_fingerprint": _STRING,
    "domain_userid": _STRING,
    "domain_sessionidx": _INT,
    "network_userid": _STRING,
    "geo_country": _STRING,
    "geo_region": _STRING,
    "geo_city": _STRING,
    "geo_zipcode": _STRING,
    "geo_latitude": _DOUBLE,
    "geo_longitude": _DOUBLE,
    "geo_region_name": _STRING,
    "ip_isp": _STRING,
    "ip_organization": _STRING,
    "ip_domain": _STRING,
    "ip_netspeed": _STRING,
    "page_url": _STRING,
    "page_title": _STRING,
    "page_referrer": _STRING,
    "page_urlscheme": _STRING,
    "page_urlhost": _STRING,
    "page_urlport": _INT,
    "page_urlpath": _STRING,
    "page_urlquery": _STRING,
    "page_urlfragment": _STRING,
    "refr_urlscheme": _STRING,
    "refr_urlhost": _STRING,
    "refr_urlport": _INT,
    "refr_urlpath": _STRING,
    "refr_urlquery": _STRING,
    "refr_urlfragment": _STRING,
    "refr_medium": _STRING,
    "refr_source": _STRING,
    "refr_term": _STRING,
    "mkt_medium": _STRING,
    "mkt_source": _STRING,
    "mkt_term": _STRING,
    "mkt_content": _STRING,
    "mkt_campaign": _STRING,
    "contexts": _JSON,
    "se_category": _STRING,
    "se_action": _STRING,
    "se_label": _STRING,
    "se_property": _STRING,
    "se_value": _DOUBLE,
    "unstruct_event": _JSON,
    "tr_orderid": _STRING,
    "tr_affiliation": _STRING,
    "tr_total": _DOUBLE,
    "tr_tax": _DOUBLE,
    "tr_shipping": _DOUBLE,
    "tr_city": _STRING,
    "tr_state": _STRING,
    "tr_country": _STRING,
    "ti_orderid": _STRING,
    "ti_sku": _STRING,
    "ti_name": _STRING,
    "ti_category": _STRING,
    "ti_price": _DOUBLE,
    "ti_quantity": _INT,
    "pp_xoffset_min": _INT,
    "pp_xoffset_max": _INT,
    "pp_yoffset_min": _INT,
    "pp_yoffset_max": _INT,
    "useragent": _STRING,
    "br_name": _STRING,
    "br_family": _STRING,
    "br_version": _STRING,
    "br_type": _STRING,
    "br_renderengine": _STRING,
    "br_lang": _STRING,
    "br_features_pdf": _BOOL,
    "br_features_flash": _BOOL,
    "br_features_java": _BOOL,
    "br_features_director": _BOOL,
    "br_features_quicktime": _BOOL,
    "br_features_realplayer": _BOOL,
    "br_features_windowsmedia": _BOOL,
    "br_features_gears": _BOOL,
    "br_features_silverlight": _BOOL,
    "br_cookies": _BOOL,
    "br_colordepth": _STRING,
    "br_viewwidth": _INT,
    "br_viewheight": _INT,
    "os_name": _STRING,
    "os_family": _STRING,
    "os_manufacturer": _STRING,
    "os_timezone": _STRING,
    "dvce_type": _STRING,
    "dvce_ismobile": _BOOL,
    "dvce_screenwidth": _INT,
    "dvce_screenheight": _INT,
    "doc_charset": _STRING,
    "doc_width": _INT,
    "doc_height": _INT,
    "tr_currency": _STRING,
    "tr_total_base": _DOUBLE,
    "tr_tax_base": _DOUBLE,
    "tr_shipping_base": _DOUBLE,
    "ti_currency": _STRING,
    "ti_price_base": _DOUBLE,
    "base_currency": _STRING,
    "geo_timezone": _STRING,
    "mkt_clickid": _STRING,
    "mkt_network": _STRING,
    "etl_tags": _STRING,
    "dvce_sent_tstamp": _TIMESTAMP,
    "refr_domain_userid": _STRING,
    "refr_dvce_tstamp": _TIMESTAMP,
    "derived_contexts": _JSON,
    "domain_sessionid": _STRING,
    "derived_tstamp": _TIMESTAMP,
    "event_vendor": _STRING,
    "event_name": _STRING,
    "event_format": _STRING,
    "event_version": _STRING,
    "event_fingerprint": _STRING,
    "true_tstamp": _TIMESTAMP,
}

ATOMIC_COLUMNS: tuple[str, ...] = tuple(COLUMN_TYPES)

COLUMN_INDEX: dict[str, int] = {name: index for index, name in enumerate(ATOMIC_COLUMNS)}

APP_ID = COLUMN_INDEX["app_id"]
COLLECTOR_TSTAMP = COLUMN_INDEX["collector_tstamp"]
EVENT_ID = COLUMN_INDEX["event_id"]
CONTEXTS = COLUMN_INDEX["contexts"]
UNSTRUCT_EVENT = COLUMN_INDEX["unstruct_event"]
DERIVED_CONTEXTS = COLUMN_INDEX["derived_contexts"]
DERIVED_TSTAMP = COLUMN_INDEX["derived_tstamp"]
EVENT_VENDOR = COLUMN_INDEX["event_vendor"]
EVENT_NAME = COLUMN_INDEX["event_name"]
EVENT_VERSION = COLUMN_INDEX["event_version"]

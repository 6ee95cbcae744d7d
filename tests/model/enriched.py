"""An enriched event read the plain way: the parser of the naive model.

It shares nothing with the processor: its own column table, its own JSON and path rules. Slow and
short on purpose.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

Json = dict[str, Any]
_ORDER = (
    "app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id "
    "name_tracker v_tracker v_collector v_etl user_id user_ipaddress user_fingerprint "
    "domain_userid domain_sessionidx network_userid geo_country geo_region geo_city geo_zipcode "
    "geo_latitude geo_longitude geo_region_name ip_isp ip_organization ip_domain ip_netspeed "
    "page_url page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath "
    "page_urlquery page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath "
    "refr_urlquery refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source "
    "mkt_term mkt_content mkt_campaign contexts se_category se_action se_label se_property "
    "se_value unstruct_event tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city "
    "tr_state tr_country ti_orderid ti_sku ti_name ti_category ti_price ti_quantity "
    "pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max useragent br_name br_family "
    "br_version br_type br_renderengine br_lang br_features_pdf br_features_flash "
    "br_features_java br_features_director br_features_quicktime br_features_realplayer "
    "br_features_windowsmedia br_features_gears br_features_silverlight br_cookies br_colordepth "
    "br_viewwidth br_viewheight os_name os_family os_manufacturer os_timezone dvce_type "
    "dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width doc_height "
    "tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base "
    "base_currency geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp "
    "refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp "
    "event_vendor event_name event_format event_version event_fingerprint true_tstamp"
)
COLUMNS = _ORDER.split()
_INTEGERS = (
    "txn_id domain_sessionidx page_urlport refr_urlport ti_quantity pp_xoffset_min pp_xoffset_max "
    "pp_yoffset_min pp_yoffset_max br_viewwidth br_viewheight dvce_screenwidth dvce_screenheight "
    "doc_width doc_height"
)
INTEGERS = set(_INTEGERS.split())
_DOUBLES = (
    "geo_latitude geo_longitude se_value tr_total tr_tax tr_shipping tr_total_base tr_tax_base "
    "tr_shipping_base ti_price ti_price_base"
)
DOUBLES = set(_DOUBLES.split())
_BOOLEANS = (
    "br_features_pdf br_features_flash br_features_java br_features_director "
    "br_features_quicktime br_features_realplayer br_features_windowsmedia br_features_gears "
    "br_features_silverlight br_cookies dvce_ismobile"
)
BOOLEANS = set(_BOOLEANS.split())
JSONS = {"contexts", "derived_contexts", "unstruct_event"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Python joins the two escapes of a pair; what is left of them is half a character.
HALF = re.compile("[\ud800-\udfff]")
VALUE_CHARS_MAX = 4096
EVENT_BYTES_MAX = 1_000_000


class NotAnEventError(Exception):
    """The line is not an enriched event; the argument is the reason of its dead letter."""


@dataclass
class Line:
    """The columns of one enriched event, its ids and its event time in milliseconds.

    Unless it says when it arrived, it did so when it was collected.
    """

    columns: dict[str, str]
    arrival_ms: int | None = None
    time_ms: int = field(init=False)
    arrived_ms: int = field(init=False)
    found: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        collector = to_ms(self["collector_tstamp"])
        if collector is None:
            raise NotAnEventError("timestamp")
        derived = to_ms(self["derived_tstamp"])
        self.arrived_ms = collector if self.arrival_ms is None else self.arrival_ms
        self.time_ms = min(collector, collector if derived is None else derived, self.arrived_ms)

    def __getitem__(self, name: str) -> str:
        return self.columns[name]

    @property
    def derived_tstamp(self) -> str:
        """The column as Enrich writes it; empty where it is no time."""
        iso = iso_or_none(self["derived_tstamp"])
        return "" if iso is None else iso.replace("T", " ").removesuffix("Z")

    @cached_property
    def unstruct(self) -> list[Json]:
        """The event's own self-describing JSON, where it has one."""
        return [self_describing(one) for one in data_of(self["unstruct_event"])]

    @cached_property
    def entities(self) -> list[Json]:
        """The entities of contexts, then those of derived_contexts."""
        columns = data_of(self["contexts"]) + data_of(self["derived_contexts"])
        if not all(isinstance(column, list) for column in columns):
            raise NotAnEventError("json")
        return [self_describing(one) for column in columns for one in column]

    def value(self, prop: Json) -> Any:
        """What stands at the place of a property of the definitions; None where nothing does."""
        # The definitions stay as they are and live as long as what is read for them.
        if id(prop) not in self.found:
            self.found[id(prop)] = self._value(prop)
        return self.found[id(prop)]

    def _value(self, prop: Json) -> Any:
        if prop["type"] == "atomic":
            return atomic_value(prop["name"], self[prop["name"]])
        if prop["type"] == "event":
            matches = [one for one in self.unstruct if has_schema(one, prop)]
            return follow(matches, 0, prop["path"])
        matches = [one for one in self.entities if has_schema(one, prop)]
        return follow(matches, prop.get("index", 0), prop["path"])


def parse(raw: bytes, arrival_ms: int | None = None) -> Line:
    """The event of a TSV line; raises NotAnEventError with the reason."""
    if not raw:
        raise NotAnEventError("empty")
    if len(raw) > EVENT_BYTES_MAX:
        raise NotAnEventError("too_large")
    try:
        fields = raw.decode("utf-8").split("\t")
        fields[-1] = fields[-1].rstrip("\r\n")
    except UnicodeDecodeError:
        raise NotAnEventError("utf8") from None
    if len(fields) != len(COLUMNS):
        raise NotAnEventError("column_count")
    columns = dict(zip(COLUMNS, fields, strict=True))
    if not columns["event_id"]:
        raise NotAnEventError("event_id")
    return Line(columns, arrival_ms)


@lru_cache(maxsize=100_000)
def to_ms(text: str) -> int | None:
    """Milliseconds of a date-time in UTC unless it says another offset; None for anything else."""
    found = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)[ Tt](\d\d:\d\d):(\d\d)(?:[.,](\d+))? ?"
        r"(?:[Zz]|UTC|([+-])([01]\d|2[0-3]):?([0-5]\d))?",
        text,
        re.ASCII,
    )
    if found is None:
        return None
    day, minute, second, fraction, sign, hours, minutes = found.groups()
    leap = second == "60"
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}:{'59' if leap else second}+00:00")
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        moment -= -offset if sign == "-" else offset
    except (ValueError, OverflowError):
        return None
    if moment < EPOCH or (leap and (moment.hour, moment.minute) != (23, 59)):
        return None
    return (moment - EPOCH) // timedelta(milliseconds=1) + int(f"{fraction or 0}000"[:3])


def iso_or_none(text: str) -> str | None:
    """A timestamp of a column as ISO 8601 in UTC; None where it is none."""
    time_ms = to_ms(text)
    if time_ms is None:
        return None
    plain = re.fullmatch(r"[\d-]{10} [\d:]{8}(\.\d{1,3})?", text) and text[17:19] != "60"
    return text.replace(" ", "T") + "Z" if plain else to_iso(time_ms)


def to_iso(time_ms: int) -> str:
    """`2026-11-22T10:00:00.123Z`."""
    moment = EPOCH + timedelta(milliseconds=time_ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{time_ms % 1000:03d}Z"


def data_of(text: str) -> list[Any]:
    """The data of a column's self-describing JSON, none where it is empty."""
    if not text:
        return []
    try:
        outer = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotAnEventError("json") from None
    if "\\ud" in text.lower():
        outer = json.loads(HALF.sub("\ufffd", json.dumps(outer, ensure_ascii=False)))
    if not isinstance(outer, dict) or "data" not in outer:
        raise NotAnEventError("json")
    return [outer["data"]]


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def self_describing(thing: Any) -> Json:
    """The thing, if it has a schema and data."""
    if not isinstance(thing, dict) or not isinstance(thing.get("schema"), str):
        raise NotAnEventError("json")
    if "data" not in thing:
        raise NotAnEventError("json")
    return thing


def has_schema(thing: Json, prop: Json) -> bool:
    """Is it of the property's vendor, name and major version?"""
    match = re.fullmatch(r"iglu:([^/]+)/([^/]+)/[^/]+/(\d+)-\d+-\d+", thing["schema"])
    wanted = (prop["vendor"], prop["name"], str(prop["major_version"]))
    return match is not None and match.groups() == wanted


def follow(matches: list[Json], index: int, path: str) -> Any:
    """What stands at the path in the data of the match of that index."""
    if index >= len(matches):
        return None
    here = matches[index]["data"]
    for position, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", path.removeprefix("$.")):
        if name:
            here = here.get(name) if isinstance(here, dict) else None
        else:
            inside = isinstance(here, list) and int(position) < len(here)
            here = here[int(position)] if inside else None
    return here


def atomic_value(name: str, text: str) -> str | int | float | bool | None:
    """A column as its type; None where it is empty or not of that type."""
    if text == "":
        return None
    if name in INTEGERS:
        return int(text) if re.fullmatch(r"-?\d+", text, re.ASCII) else None
    if name in DOUBLES:
        number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII)
        return float(text) if number else None
    if name in BOOLEANS:
        return {"0": False, "1": True}.get(text)
    if name in JSONS:
        return None
    return iso_or_none(text) if name.endswith("_tstamp") else text


def is_small_scalar(value: Any) -> bool:
    """Can the value be kept: a boolean, a 64-bit integer, a finite number, a bounded string?"""
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, float):
        return abs(value) < float("inf")
    return isinstance(value, str) and len(value) <= VALUE_CHARS_MAX

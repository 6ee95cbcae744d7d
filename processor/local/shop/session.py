"""One visit as lines of the enriched TSV. The parts that stay the same are prepared once."""

from datetime import UTC, datetime
from random import Random

from processor.events import ATOMIC_COLUMNS
from processor.local.shop.catalogue import ECOMMERCE
from processor.local.shop.pages import AppScreens, WebPages
from processor.local.shop.sources import SOURCES
from processor.local.shop.visit import Hit, Kind, Visit
from processor.local.shop.visitors import Visitor, uuid_text

_SNOWPLOW = "com.snowplowanalytics.snowplow"
# Vendor, name and version.
_SCHEMAS = {
    Kind.PAGE_VIEW: (_SNOWPLOW, "page_view", "1-0-0"),
    Kind.PAGE_PING: (_SNOWPLOW, "page_ping", "1-0-0"),
    Kind.STRUCT: ("com.google.analytics", "event", "1-0-0"),
    Kind.LINK_CLICK: (_SNOWPLOW, "link_click", "1-0-1"),
    Kind.ACTION: (ECOMMERCE, "snowplow_ecommerce_action", "1-0-2"),
    Kind.SCREEN_VIEW: ("com.snowplowanalytics.mobile", "screen_view", "1-0-0"),
}
_EVENT_COLUMN = {kind: kind.value[0] for kind in Kind}
_SCHEMA_COLUMNS = {
    kind: f"{vendor}\t{name}\tjsonschema\t{version}"
    for kind, (vendor, name, version) in _SCHEMAS.items()
}
_UNSTRUCT_HEADS = {
    kind: f'{{"schema":"iglu:{_SNOWPLOW}/unstruct_event/jsonschema/1-0-0","data":'
    f'{{"schema":"iglu:{vendor}/{name}/jsonschema/{version}","data":'
    for kind, (vendor, name, version) in _SCHEMAS.items()
}
_NO_STRUCT = "\t" * 4  # se_category to se_value
_NO_ORDER = "\t" * 14  # tr_orderid to ti_quantity, with the tab before them
_NO_PING = "\t" * 3  # pp_xoffset_min to pp_yoffset_max
_LOGGED_IN_SHARE = 0.7
# Seconds whose text is cached: the stream moves on, and only late events need earlier ones.
_SECOND_CACHE_MAX = 4_096
# Enrich finishes an event this long after the collector received it.
_ENRICH_MS = 900

_seconds: dict[int, str] = {}


class Session:
    """A visit in progress: draw a hit, write its line, draw the next."""

    def __init__(self, visitor: Visitor, random: Random) -> None:
        self.visitor = visitor
        visitor.visits += 1
        visitor.active = True
        visitor.logged_in = bool(visitor.account) and random.random() < _LOGGED_IN_SHARE
        self._random = random
        web = visitor.store.platform == "web"
        session_id = uuid_text(random)
        source = SOURCES[int(random.random() * len(SOURCES))]
        self._pages: WebPages | AppScreens
        if web:
            self._pages = WebPages(visitor, source, random)
        else:
            self._pages = AppScreens(visitor, session_id, random)
        self.domain_sessionid = session_id if web else ""
        self._prepare(_session_columns(visitor, web=web))
        self._hits = Visit(visitor, random).hits()

    def _prepare(self, values: dict[str, str]) -> None:
        self._application = _columns_text("app_id", "platform", values)
        self._trackers = _columns_text("txn_id", "v_etl", values)
        self._identity = _columns_text("user_ipaddress", "ip_netspeed", values)
        self._device = _columns_text("useragent", "doc_width", values)
        self._geography = _columns_text("tr_currency", "etl_tags", values)

    def next_hit(self) -> Hit | None:
        """The visitor's next hit; None after the last one, when the visitor is free again."""
        hit = next(self._hits, None)
        self.visitor.active = hit is not None
        return hit

    def line(self, hit: Hit, *, collector_ms: int, derived_ms: int) -> bytes:
        """The enriched event of a hit. Hits come in the order of the visit."""
        kind, detail, pages = hit.kind, hit.detail, self._pages
        struct, unstruct, ping = _NO_STRUCT, "", _NO_PING
        if kind is Kind.PAGE_VIEW:
            pages.open(hit.page)
        elif kind is Kind.PAGE_PING:
            ping = detail
        elif kind is Kind.STRUCT:
            struct = detail
        else:
            if kind is Kind.SCREEN_VIEW:
                detail = pages.open(hit.page)
            unstruct = f"{_UNSTRUCT_HEADS[kind]}{detail}}}}}"
        visitor = self.visitor
        clock_error_ms = visitor.clock_error_ms
        doc_height = hit.page.height if visitor.domain_userid else ""
        return (
            f"{self._application}\t{timestamp_text(collector_ms + _ENRICH_MS)}"
            f"\t{timestamp_text(collector_ms)}\t{timestamp_text(derived_ms + clock_error_ms)}"
            f"\t{_EVENT_COLUMN[kind]}\t{uuid_text(self._random)}\t{self._trackers}\t{visitor.user_id}"
            f"\t{self._identity}\t{pages.columns}\t{pages.contexts(hit.entities)}\t{struct}"
            f"\t{unstruct}{_NO_ORDER}\t{ping}\t{self._device}\t{doc_height}\t{self._geography}"
            f"\t{timestamp_text(collector_ms + clock_error_ms)}\t\t"
            f"\t{visitor.device.derived_contexts}\t{self.domain_sessionid}"
            f"\t{timestamp_text(derived_ms)}\t{_SCHEMA_COLUMNS[kind]}"
            f"\t{self._random.getrandbits(128):032x}\t"
        ).encode()


def timestamp_text(time_ms: int) -> str:
    """A time in the form of the TSV."""
    second, fraction = divmod(time_ms, 1_000)
    text = _seconds.get(second)
    if text is None:
        if len(_seconds) >= _SECOND_CACHE_MAX:
            _seconds.clear()
        text = _seconds[second] = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}"
    return f"{text}.{fraction:03d}"


def _session_columns(visitor: Visitor, *, web: bool) -> dict[str, str]:
    device = visitor.device
    values = device.columns | visitor.place
    values |= {
        "app_id": visitor.store.app_id,
        "platform": visitor.store.platform,
        "user_ipaddress": visitor.address,
        "name_tracker": "shop",
        "v_tracker": "js-3.24.6" if web else "andr-6.2.0",
        "v_collector": "ssc-3.4.0-kafka",
        "v_etl": "snowplow-enrich-kafka-5.3.0",
        "domain_userid": visitor.domain_userid,
        "network_userid": visitor.network_userid,
        "br_lang": visitor.store.locale,
    }
    if web:
        width, height = device.view
        values["domain_sessionidx"] = str(visitor.visits)
        values |= {"br_viewwidth": str(width), "br_viewheight": str(height)}
        values["doc_width"] = str(width)
        return values
    browser_only = ("br_", "doc_")
    return {name: text for name, text in values.items() if not name.startswith(browser_only)}


def _columns_text(first: str, last: str, values: dict[str, str]) -> str:
    """The columns from `first` to `last`, both included."""
    names = ATOMIC_COLUMNS[ATOMIC_COLUMNS.index(first) : ATOMIC_COLUMNS.index(last) + 1]
    return "\t".join(values.get(name, "") for name in names)

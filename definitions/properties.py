"""Where a value is read: a column, the data of the event, an entity, or a calculation."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag
from pydantic_core import PydanticCustomError

from definitions.limits import CALCULATED_PROPERTIES_MAX, SEPARATOR_CHARS_MAX
from definitions.model import AtMost, Items, Model, SchemaName

# The 131 columns of an enriched event, in the order of the TSV.
ATOMIC_FIELDS: Final[tuple[str, ...]] = tuple(
    """
    app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id
    name_tracker v_tracker v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid
    domain_sessionidx network_userid geo_country geo_region geo_city geo_zipcode geo_latitude
    geo_longitude geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url page_title
    page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery
    page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery
    refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source mkt_term mkt_content
    mkt_campaign contexts se_category se_action se_label se_property se_value unstruct_event
    tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country ti_orderid
    ti_sku ti_name ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min
    pp_yoffset_max useragent br_name br_family br_version br_type br_renderengine br_lang
    br_features_pdf br_features_flash br_features_java br_features_director br_features_quicktime
    br_features_realplayer br_features_windowsmedia br_features_gears br_features_silverlight
    br_cookies br_colordepth br_viewwidth br_viewheight os_name os_family os_manufacturer
    os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width
    doc_height tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base
    base_currency geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp refr_domain_userid
    refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp event_vendor event_name
    event_format event_version event_fingerprint true_tstamp
    """.split()  # noqa: SIM905 - 131 lines of a list hide more than they show
)
_ATOMIC_FIELDS = frozenset(ATOMIC_FIELDS)
_PATH_PATTERN = r"""^(?!\$$)(?!.*\[['"]).+$"""

DatePart = Literal[
    "active_day", "active_week", "active_month", "hour_of_day", "day_of_week", "month_of_year"
]


def _atomic_field(name: str) -> str:
    if name not in _ATOMIC_FIELDS:
        code, message = "atomic_field", "not a column of an enriched event"
        raise PydanticCustomError(code, message)
    return name


def _path(path: str) -> str:
    if path == "$" or "['" in path or '["' in path:
        code, message = "property_path", "not a property path"
        raise PydanticCustomError(code, message)
    return path


AtomicField = Annotated[
    str, AfterValidator(_atomic_field), Field(json_schema_extra={"enum": list(ATOMIC_FIELDS)})
]
Path = Annotated[
    str,
    StringConstraints(min_length=1),
    AfterValidator(_path),
    Field(json_schema_extra={"pattern": _PATH_PATTERN}),
]
Vendor = Annotated[str, StringConstraints(min_length=1)]


class AtomicProperty(Model):
    """A column of the enriched event."""

    type: Literal["atomic"] = "atomic"
    name: AtomicField
    date_part: DatePart | None = None


class EventProperty(Model):
    """A value in the data of a self-describing event, by vendor, name and major version."""

    vendor: Vendor
    name: SchemaName
    major_version: int = Field(ge=1)
    path: Path
    date_part: DatePart | None = None
    type: Literal["event"] = "event"


class EntityProperty(Model):
    """A value in the `index`-th entity of a schema, counted from 0, by its major version."""

    vendor: Vendor
    name: SchemaName
    major_version: int = Field(ge=1)
    path: Path
    date_part: DatePart | None = None
    type: Literal["entity"] = "entity"
    index: int = Field(0, ge=0)


def property_kind(value: Any) -> str | None:  # unchecked input
    """Which kind of property a value is meant to be; None if its `type` is not a text."""
    if not isinstance(value, Mapping):
        kind = getattr(value, "type", None)
    elif "type" in value:
        kind = value["type"]
    elif "operation" in value:
        kind = "calculated"
    elif "vendor" in value:
        kind = "entity" if "index" in value else "event"
    else:
        kind = "atomic"
    return kind if isinstance(kind, str) else None


LeafProperty = Annotated[
    Annotated[AtomicProperty, Tag("atomic")]
    | Annotated[EventProperty, Tag("event")]
    | Annotated[EntityProperty, Tag("entity")],
    Discriminator(property_kind),
]


class CalculatedProperty(Model):
    """One value made of several properties of the same event."""

    type: Literal["calculated"] = "calculated"
    operation: Literal["concat", "sum", "product", "min", "max", "coalesce"]
    properties: Annotated[Items[LeafProperty], AtMost(CALCULATED_PROPERTIES_MAX)] = Field(
        min_length=1
    )
    separator: Annotated[
        str | None, Field(pattern=r"^[^\x00]*$", max_length=SEPARATOR_CHARS_MAX)
    ] = None


Property = Annotated[
    Annotated[AtomicProperty, Tag("atomic")]
    | Annotated[EventProperty, Tag("event")]
    | Annotated[EntityProperty, Tag("entity")]
    | Annotated[CalculatedProperty, Tag("calculated")],
    Discriminator(property_kind),
]

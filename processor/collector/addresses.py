"""Addresses of pages: their parts, and the campaigns and other sites in their queries."""

import re
from typing import NamedTuple

from processor.collector.conversion import clean, to_time
from processor.collector.queries import query_fields

_ADDRESS_PATTERN = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?"
    r"(?://(?P<authority>[^/?#]*))?"
    r"(?P<path>[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?"
    r"(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
_HOST_PATTERN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,5}))?")
_HTTPS_PORT = "443"
_HTTP_PORT = "80"  # also for schemes without a port, as in all enriched events
_CAMPAIGN = {
    "utm_medium": "mkt_medium",
    "utm_source": "mkt_source",
    "utm_term": "mkt_term",
    "utm_content": "mkt_content",
    "utm_campaign": "mkt_campaign",
}
# Parameters that ad networks add to the addresses of their advertisements; the first one counts.
_CLICKS = {"gclid": "Google", "msclkid": "Microsoft", "dclid": "DoubleClick"}
# domain_userid and time of the page with the link, if trackers decorate links to other sites.
_CROSS_DOMAIN = "_sp"


class Address(NamedTuple):
    """An address and its parts, in the order of the columns; missing parts are empty."""

    url: str
    scheme: str
    host: str
    port: str
    path: str
    query: str
    fragment: str


def take_apart(url: str) -> Address:
    """Return the parts of an address as written, not decoded.

    Raises:
        ValueError: the host part is malformed.
    """
    text = clean(url).replace(" ", "%20")
    match = _ADDRESS_PATTERN.fullmatch(text)
    assert match is not None, "every part is optional"
    parts = match.groupdict("")
    place = _HOST_PATTERN.fullmatch(parts["authority"].rpartition("@")[2])
    if place is None:
        message = f"has no host in {parts['authority'][:100]!r}"
        raise ValueError(message)
    port = place["port"] or (_HTTPS_PORT if parts["scheme"] == "https" else _HTTP_PORT)
    return Address(
        text, parts["scheme"], place["host"], port, parts["path"], parts["query"], parts["fragment"]
    )


def query_columns(query: str) -> dict[str, str]:
    """Return the columns that the query of a page sets: the campaign, and the referring visitor.

    Raises:
        ValueError: the time in a decorated link is invalid, or the query has too many fields.
    """
    fields = query_fields(query, keep_blank=True)
    columns = {
        column: fields[parameter] for parameter, column in _CAMPAIGN.items() if parameter in fields
    }
    for parameter, network in _CLICKS.items():
        if parameter in fields:
            columns |= {"mkt_clickid": fields[parameter], "mkt_network": network}
            break
    if sender := fields.get(_CROSS_DOMAIN):
        userid, *times = sender.split(".")
        columns["refr_domain_userid"] = userid
        if times and times[0]:
            try:
                columns["refr_dvce_tstamp"] = to_time(times[0])
            except ValueError as error:
                message = f"has a field {_CROSS_DOMAIN} whose second part {error}"
                raise ValueError(message) from error
    return columns

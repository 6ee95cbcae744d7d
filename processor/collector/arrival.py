"""What a collector knows of a request besides the events in it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request. A tracker's own word on address, useragent, page and user goes before these.

    `page_url` is where the request came from, which browsers say in a header. `new_event_id` makes
    a UUID for an event that has none.
    """

    received_ms: int
    new_event_id: Callable[[], str]
    ip_address: str = ""
    useragent: str = ""
    page_url: str = ""
    network_userid: str = ""

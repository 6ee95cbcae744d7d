"""The properties of a request, apart from its events."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request. Address, useragent, page and user sent by the tracker take precedence.

    `page_url` is the page that sent the request, which browsers name in a header. `new_event_id`
    creates a UUID for an event that has none.
    """

    received_ms: int
    new_event_id: Callable[[], str]
    ip_address: str = ""
    useragent: str = ""
    page_url: str = ""
    network_userid: str = ""

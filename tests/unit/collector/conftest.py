"""Requests as the collector sees them."""

from collections.abc import Callable

import pytest

from processor.collector import Arrival, enriched_event
from processor.events import ATOMIC_COLUMNS, parse_event

RECEIVED_MS = 1_700_000_000_123
EVENT_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
def arrival() -> Arrival:
    """A request without anything that a tracker could overrule."""
    return Arrival(received_ms=RECEIVED_MS, new_event_id=lambda: EVENT_ID)


@pytest.fixture
def columns_of(arrival: Arrival) -> Callable[..., dict[str, str]]:
    """The columns that are set for an event, of a page view where its code is not given."""

    def columns(parameters: dict[str, str], request: Arrival = arrival) -> dict[str, str]:
        line, _ = enriched_event({"e": "pv", **parameters}, request)
        event = parse_event(line)
        named = zip(ATOMIC_COLUMNS, event.columns, strict=True)
        return {name: value.decode() for name, value in named if value}

    return columns

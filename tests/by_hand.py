"""Contributions and parts written by hand, for tests that read no events."""

from typing import Any

from processor.engine import Asks, Contribution, Part
from processor.events import Source, Trigger

SOURCE = Source("enriched", 0)


def contribution_of(
    offset: int,
    key: str,
    id: str,  # noqa: A002 - as the field is called
    time_ms: int,
    event_id: str,
    event_name: str,
    derived_tstamp: str,
    values: list[Any],
    asks: Asks | None = None,
    arrival_ms: int = 0,
    source: Source = SOURCE,
) -> Contribution:
    """Return what an event of these fields contributes."""
    trigger = Trigger(event_id, event_name, derived_tstamp, source, offset, time_ms, arrival_ms)
    return Contribution(trigger, key, id, values, asks)


def part_of(
    rule: int,
    target_key: str,
    target_id: str,
    key: str,
    ids: dict[str, str],
    before: list[Any],
    after: list[Any],
    told: list[Any],
    time_ms: int,
    event_id: str,
    event_name: str,
    derived_tstamp: str,
    topic: str,
    partition: int,
    offset: int,
    definitions_offset: int,
    arrival_ms: int = 0,
) -> Part:
    """Return what a profile sends about an event of these fields."""
    source = Source(topic, partition)
    trigger = Trigger(event_id, event_name, derived_tstamp, source, offset, time_ms, arrival_ms)
    ends = before, after, told
    return Part(rule, target_key, target_id, key, ids, *ends, trigger, definitions_offset)

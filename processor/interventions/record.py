"""A record of the interventions topic, as it is handed on to subscribers."""

from typing import NamedTuple


class InterventionRecord(NamedTuple):
    """One committed record; `target_id` is its key, `value` the message's JSON."""

    partition: int
    offset: int
    timestamp_ms: int
    target_id: bytes
    value: bytes

"""When a record of the source arrived: the one time that no tracker and no collector sets.

The arrival is the record's timestamp. Under LogAppendTime, the broker's clock sets it, and every
reader sees the same time. Under CreateTime, a producer sets it, so a timestamp later than the
reader's clock is replaced by the reader's time. Only in this case can a second reading differ from
the first. A timestamp before 2010 is not used; the reader's time replaces it
(processor/decisions/time.md).

A replayed dead letter has a header with the time of its first arrival, because a topic with
LogAppendTime gives the record a new timestamp. The first arrival can only be earlier than that.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from processor.kafka.record import Record
from processor.limits import RECORD_TIME_MIN_MS
from processor.metrics import ARRIVALS_REPLACED

# The arrival of a replayed record, in milliseconds, in decimal.
ARRIVAL_HEADER: Final = "processor-arrival"
# Kafka's number for timestamps that the broker sets.
_APPEND_TIME = 1
# More digits than any time in milliseconds has.
_DIGITS_MAX = 18


def arrival_ms(timestamp_ms: int | None, timestamp_type: int | None, now_ms: int) -> int:
    """Return when a record arrived, in milliseconds.

    Args:
        timestamp_ms: the record's timestamp; None if its message format has none.
        timestamp_type: Kafka's: 0 for CreateTime, 1 for LogAppendTime; None if it is not known.
        now_ms: the reader's clock.
    """
    if timestamp_ms is None or timestamp_ms < RECORD_TIME_MIN_MS:
        return now_ms
    believed = timestamp_ms <= now_ms or timestamp_type == _APPEND_TIME
    return timestamp_ms if believed else now_ms


def least_arrival_ms(records: Sequence[Record], now_ms: int) -> int:
    """Return the least arrival of records whose timestamp is used; -1 if there is none.

    Records later in their partition arrived later, unless producers' clocks set their timestamps.
    """
    stamps: list[int] = [one.timestamp or 0 for one in records]
    least_ms = min(stamps, default=-1)
    if least_ms >= RECORD_TIME_MIN_MS and max(stamps) <= now_ms:
        return least_ms
    return min(
        (
            stamp_ms
            for one in records
            if (stamp_ms := one.timestamp or 0) >= RECORD_TIME_MIN_MS
            and (stamp_ms <= now_ms or one.timestamp_type == _APPEND_TIME)
        ),
        default=-1,
    )


def source_arrivals_ms(records: Sequence[Record], now_ms: int) -> list[int]:
    """Return when each record of the source arrived; count those whose timestamp is another."""
    return [
        stamp_ms
        if (stamp_ms := one.timestamp) is not None
        and RECORD_TIME_MIN_MS <= stamp_ms <= now_ms
        and not one.headers
        else _other_arrival_ms(one, now_ms)
        for one in records
    ]


def first_arrival_ms(arrived_ms: int, headers: Iterable[tuple[str, bytes]]) -> int:
    """Return when a record first arrived, from its headers; without one, `arrived_ms`."""
    for name, value in headers:
        if name == ARRIVAL_HEADER and value is not None and value.isdigit():
            told_ms = int(value[:_DIGITS_MAX])
            if RECORD_TIME_MIN_MS <= told_ms < arrived_ms:
                return told_ms
    return arrived_ms


def _other_arrival_ms(record: Record, now_ms: int) -> int:
    """Return when a record arrived, nearly always another time than its timestamp."""
    arrived_ms = arrival_ms(record.timestamp, record.timestamp_type, now_ms)
    if arrived_ms != record.timestamp:
        none = (record.timestamp or 0) < RECORD_TIME_MIN_MS
        ARRIVALS_REPLACED.labels("none" if none else "ahead").inc()
    return first_arrival_ms(arrived_ms, record.headers) if record.headers else arrived_ms

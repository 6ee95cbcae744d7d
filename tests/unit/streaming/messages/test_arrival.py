from types import SimpleNamespace

import pytest

from processor.metrics import ARRIVALS_REPLACED
from processor.streaming.messages.arrival import (
    arrival_ms,
    first_arrival_ms,
    least_arrival_ms,
    source_arrivals_ms,
)

NOW_MS = 1_800_000_000_000
CREATE, APPEND = 0, 1
BEFORE_2010 = [None, -1, 0, 1, 1_262_303_999_999]


@pytest.mark.parametrize("kind", [CREATE, APPEND, None])
def test_a_record_arrives_at_its_timestamp(kind: int | None) -> None:
    assert arrival_ms(NOW_MS - 1, kind, NOW_MS) == NOW_MS - 1
    assert arrival_ms(NOW_MS, kind, NOW_MS) == NOW_MS


@pytest.mark.parametrize("kind", [CREATE, None])
def test_a_timestamp_of_a_producer_is_not_believed_beyond_the_clock(kind: int | None) -> None:
    assert arrival_ms(NOW_MS + 1, kind, NOW_MS) == NOW_MS
    assert arrival_ms(NOW_MS + 10**12, kind, NOW_MS) == NOW_MS


def test_a_timestamp_of_the_broker_is_the_same_for_every_reader() -> None:
    assert arrival_ms(NOW_MS + 60_000, APPEND, NOW_MS) == NOW_MS + 60_000


@pytest.mark.parametrize("kind", [CREATE, APPEND, None, -1])
@pytest.mark.parametrize("timestamp_ms", BEFORE_2010)
def test_a_timestamp_before_2010_is_none(kind: int | None, timestamp_ms: int | None) -> None:
    assert arrival_ms(timestamp_ms, kind, NOW_MS) == NOW_MS


@pytest.mark.parametrize(
    ("timestamp_ms", "reason"),
    [(NOW_MS + 1, "ahead"), *((timestamp_ms, "none") for timestamp_ms in BEFORE_2010)],
)
def test_what_is_replaced_is_counted_by_its_reason(timestamp_ms: int | None, reason: str) -> None:
    counter = ARRIVALS_REPLACED.labels(reason)
    before = counter._value.get()
    headers = [("processor-arrival", b"1700000000000")]
    for some, arrived_ms in (((), NOW_MS), (headers, 1_700_000_000_000)):
        record = SimpleNamespace(timestamp=timestamp_ms, timestamp_type=CREATE, headers=some)
        assert source_arrivals_ms([record], NOW_MS) == [arrived_ms]
    assert counter._value.get() == before + 2


@pytest.mark.parametrize(
    ("records", "least"),
    [
        ([], -1),
        ([(NOW_MS - 5, CREATE), (NOW_MS - 9, CREATE), (NOW_MS, CREATE)], NOW_MS - 9),
        ([(NOW_MS - 5, CREATE), (NOW_MS + 1, CREATE), (0, CREATE), (-1, None)], NOW_MS - 5),
        ([(NOW_MS + 1, CREATE), (NOW_MS + 1, None), (0, APPEND)], -1),
        ([(None, CREATE), (NOW_MS - 3, CREATE)], NOW_MS - 3),
        ([(NOW_MS + 7, APPEND), (NOW_MS + 9, APPEND)], NOW_MS + 7),
    ],
)
def test_the_least_arrival_is_of_timestamps_that_are_believed(
    records: list[tuple[int | None, int | None]], least: int
) -> None:
    made = [SimpleNamespace(timestamp=at_ms, timestamp_type=kind) for at_ms, kind in records]
    assert least_arrival_ms(made, NOW_MS) == least


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], NOW_MS),
        ([("other", b"1700000000000")], NOW_MS),
        ([("processor-arrival", b"1700000000000")], 1_700_000_000_000),
        ([("other", b"x"), ("processor-arrival", b"1700000000000")], 1_700_000_000_000),
        ([("processor-arrival", b"%d" % (NOW_MS + 1))], NOW_MS),
        ([("processor-arrival", b"1000")], NOW_MS),
        *(
            ([("processor-arrival", value)], NOW_MS)
            for value in (None, b"", b"-1", b"x", b"1.5", "²".encode(), b"9" * 5_000)
        ),
    ],
)
def test_a_replayed_record_arrived_when_it_first_did_and_never_later(
    headers: list[tuple[str, bytes]], found: int
) -> None:
    assert first_arrival_ms(NOW_MS, headers) == found

from processor.api.subscriptions.recent import RecentInterventions
from processor.interventions import InterventionRecord
from processor.request_limits import KEPT_RECORD_BYTES

PERIOD_MS = 1_000
BYTES = 10_000


def record(partition, offset, id_="a", at_ms=0, value=b""):
    return InterventionRecord(partition, offset, at_ms, id_.encode(), value)


def recent(*records, bytes_max=BYTES):
    kept = RecentInterventions(PERIOD_MS, bytes_max)
    kept.begin([10, 10])
    for one in records:
        kept.add(one)
    return kept


def test_what_came_after_the_offsets_is_found_in_the_order_in_which_it_came():
    records = [record(1, 10, at_ms=9), record(0, 10, at_ms=5), record(1, 11, "b"), record(0, 12)]
    kept = recent(*records)
    assert kept.after([10, 10], [b"b", b"a"]) == records
    assert kept.after([11, 11], [b"b", b"a"]) == records[2:]
    assert kept.after([10, 10], [b"a"]) == [records[0], records[1], records[3]]
    assert kept.after([13, 12], [b"a", b"b"]) == []
    assert kept.after([0, 0], [b"c"]) == []


def test_it_is_complete_from_where_it_began():
    assert recent().complete_from == [10, 10]


def test_what_is_too_old_is_gone_and_known_to_be():
    kept = recent(record(0, 10, at_ms=1), record(1, 17, at_ms=2), record(0, 11, at_ms=3))
    kept.expire(PERIOD_MS + 2)
    assert kept.complete_from == [11, 18]
    assert kept.after([0, 0], [b"a"]) == [record(0, 11, at_ms=3)]
    kept.expire(PERIOD_MS + 3)
    assert kept.after([0, 0], [b"a"]) == []


def test_the_oldest_go_when_there_are_too_many_bytes():
    size = KEPT_RECORD_BYTES + 1 + 100
    kept = recent(*(record(0, 10 + n, value=b"x" * 100) for n in range(5)), bytes_max=3 * size)
    assert [one.offset for one in kept.after([0, 0], [b"a"])] == [12, 13, 14]
    assert kept.complete_from == [12, 10]


def test_nothing_is_kept_where_nothing_may_be():
    kept = recent(record(0, 10), bytes_max=0)
    assert kept.after([0, 0], [b"a"]) == []
    assert kept.complete_from == [11, 10]

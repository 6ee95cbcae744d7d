"""What a partition remembers of the events that it has counted, by the rule in plain words."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.engine.counted_events import CountedEvents
from processor.engine.counted_records import CountedRecord, Group
from processor.errors import StateFormatError
from tests.by_hand import contribution_of

NOW_MS = 1_795_340_000_000
DAY_MS = 86_400_000
SERIES = 11
LIVE = frozenset([SERIES])
BYTES_MAX = 2**30


def events(horizon_ms=DAY_MS, **options):
    return CountedEvents(horizon_ms, **{"bytes_max": BYTES_MAX, **options})


def contribution(event_id, arrival_ms=NOW_MS, *, key="domain_userid", of="u1", values=None):
    values = [(SERIES, None)] if values is None else values
    return contribution_of(1, key, of, 5, event_id, "click", "", values, None, arrival_ms)


def seen(known, *several, live=LIVE):
    return known.count(several, live)


def loaded(known, records):
    for _ in known.load(records):
        pass
    return known


# --- what is one event ----------------------------------------------------------------------------


def test_an_event_is_known_by_key_id_and_event_id_together():
    known = events()
    several = [
        contribution("e1"),
        contribution("e2"),
        contribution("e1", of="u2"),
        contribution("e1", key="user_id"),
        contribution("e1", of="u", key="domain_userid"),
        contribution("1e1", of="u"),
        contribution("", of="u1e1"),
        contribution("u1e1", of=""),
        contribution("\0", of="u1\0"),
        contribution("", of="u1\0\0"),
        contribution("1\0a", of="b"),
        contribution("é", of="\N{GRINNING FACE}"),
    ]
    assert seen(known, *several) == [False] * len(several)
    assert seen(known, *several) == [True] * len(several)


def test_of_the_same_event_twice_at_once_the_second_is_known():
    assert seen(events(), contribution("a"), contribution("b"), contribution("a")) == [
        False, False, True,
    ]  # fmt: skip


def test_another_seed_makes_other_hashes():
    one, other = events(seed=1), events(seed=2)
    seen(one, contribution("a"))
    seen(other, contribution("a"))
    (mine,), (its,) = one.take_new(), other.take_new()
    assert mine.hashes.tolist() != its.hashes.tolist()


def test_what_no_live_series_takes_is_not_counted():
    known = events()
    asking = contribution("a", values=[])
    unread = contribution("b", values=[(12, 1), (13, 2)])
    read = contribution("c", values=[(12, 1), (SERIES, 2)])
    assert seen(known, asking, unread, read, contribution("a")) == [False] * 4
    assert seen(known, asking, unread, read, contribution("a")) == [False, False, True, True]
    assert seen(known, contribution("b")) == [False]


@pytest.mark.parametrize("horizon_ms", [DAY_MS, 0])
def test_no_contributions_are_no_answers(horizon_ms):
    assert seen(events(horizon_ms)) == []


def test_a_horizon_of_zero_turns_it_off():
    known = events(0)
    assert seen(known, contribution("a"), contribution("a")) == [False, False]
    assert known.take_new() == []
    known.forget_before(NOW_MS)
    assert known.forgotten(NOW_MS + DAY_MS)
    assert known.held_ms == 0


# --- how long -------------------------------------------------------------------------------------


@pytest.mark.parametrize("horizon_ms", [DAY_MS, 3_600_000, 1_000, 128, 100, 1])
def test_an_event_is_known_for_the_horizon_of_arrival_and_hardly_longer(horizon_ms):
    for start_ms in (NOW_MS, NOW_MS + horizon_ms // 3, NOW_MS + 1):
        known = events(horizon_ms)
        seen(known, contribution("a", start_ms))
        assert seen(known, contribution("a", start_ms + horizon_ms)) == [True]
        longer_ms = start_ms + horizon_ms + horizon_ms // 128 + 1
        assert seen(known, contribution("a", longer_ms)) == [False], "and is counted anew"
        assert seen(known, contribution("a", longer_ms + horizon_ms)) == [True]


def test_what_arrived_earlier_than_the_one_that_was_counted_is_a_duplicate_however_much():
    """A source that is behind has its turn after one that is not."""
    known = events()
    seen(known, contribution("a", NOW_MS))
    for earlier_ms in (1, DAY_MS, 30 * DAY_MS):
        assert seen(known, contribution("a", NOW_MS - earlier_ms)) == [True]


def test_sources_days_apart_do_not_disturb_each_other():
    known = events()
    for day in range(6, -1, -1):
        behind_ms = NOW_MS - day * DAY_MS
        pair = contribution(f"old{day}", behind_ms), contribution(f"new{day}", NOW_MS)
        assert seen(known, *pair) == [False, False]
    for day in range(7):
        behind_ms = NOW_MS - day * DAY_MS + 1_000
        assert seen(known, contribution(f"old{day}", behind_ms)) == [True]
        assert seen(known, contribution(f"old{day}", NOW_MS + 2 * DAY_MS)) == [False]


def test_one_call_may_hold_arrivals_of_any_time():
    known = events(1_280)  # granules of ten milliseconds
    several = [contribution(f"e{number}", number * 7) for number in range(500)]
    assert seen(known, *several) == [False] * 500
    again = [contribution(f"e{number}", 3_499) for number in range(500)]
    assert seen(known, *again) == [349 - number * 7 // 10 <= 128 for number in range(500)]


@pytest.mark.parametrize("horizons", [100, 383, 385, 3_000])
def test_a_source_that_is_hundreds_of_horizons_behind_has_its_duplicates_recognised(horizons):
    known = events(1_280)
    seen(known, contribution("a", NOW_MS))
    seen(known, contribution("b", NOW_MS + horizons * 1_280))
    later = [contribution(name, NOW_MS + 1_280) for name in ("a", "c", "c")]
    assert seen(known, *later) == [True, False, True]
    seen(known, contribution("d", NOW_MS + 2 * horizons * 1_280))
    assert seen(known, *later) == [True, True, True]


def granule(arrival_ms, horizon_ms):
    return arrival_ms * 128 // horizon_ms


arrivals = st.integers(0, 4_000)
histories = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(0, 8), arrivals),
        st.tuples(st.just("watermark"), st.just(0), arrivals),
        st.tuples(st.just("again"), st.integers(0, 8), st.just(0)),
        st.tuples(st.just("restore"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(histories, st.sampled_from([1_000, 128, 64, 16]))
def test_it_agrees_with_a_plain_dictionary_whenever_it_forgets_and_is_restored(history, horizon_ms):
    """Events arrive at or after the watermark; what is restored is what was given to be stored."""
    known, counted, watermark_ms, records = events(horizon_ms), {}, 0, []
    for kind, number, at_ms in history:
        if kind == "watermark":
            watermark_ms = max(watermark_ms, at_ms)
            known.forget_before(watermark_ms)
        elif kind == "restore":
            records.append(CountedRecord(0, known.take_new()))
            known = loaded(events(horizon_ms), (one for one in records if one.groups))
        else:
            at_ms = max(at_ms, watermark_ms)
            expected = any(
                granule(at_ms, horizon_ms) - granule(then_ms, horizon_ms) <= 128
                for then_ms in counted.get(number, [])
            )
            assert seen(known, contribution(f"e{number}", at_ms)) == [expected]
            if not expected:
                counted.setdefault(number, []).append(at_ms)


def test_what_arrives_before_the_watermark_counts_as_arriving_at_it():
    """Producers that set timestamps may set any."""
    known = events()
    known.forget_before(NOW_MS)
    assert seen(known, contribution("a", NOW_MS - 9 * DAY_MS)) == [False]
    assert seen(known, contribution("a", NOW_MS - 9 * DAY_MS)) == [True]
    (group,) = known.take_new()
    assert group.arrival_ms == NOW_MS
    known.forget_before(NOW_MS + DAY_MS)
    assert seen(known, contribution("a", NOW_MS - 5 * DAY_MS)) == [True]
    known.forget_before(NOW_MS + 2 * DAY_MS)
    assert seen(known, contribution("a", NOW_MS - 5 * DAY_MS)) == [False]


def test_a_watermark_never_goes_back():
    known = events(1_000)
    known.forget_before(5_000)
    known.forget_before(1_000)
    assert known.forgotten(3_900)
    assert not known.forgotten(4_000)


# --- what is kept ---------------------------------------------------------------------------------


def test_new_hashes_are_given_once_by_granule_with_the_last_arrival():
    known = events(1_280)  # granules of ten milliseconds
    for event_id, arrival_ms in (("a", 103), ("b", 109), ("c", 110), ("a", 115), ("d", 101)):
        seen(known, contribution(event_id, arrival_ms))
    groups = known.take_new()
    assert [(one.arrival_ms, len(one.hashes)) for one in groups] == [(109, 3), (110, 1)]
    assert known.take_new() == []
    seen(known, contribution("e", 104))
    assert [(one.arrival_ms, len(one.hashes)) for one in known.take_new()] == [(104, 1)]


def test_another_horizon_takes_over_what_was_kept():
    first = events(DAY_MS)
    seen(first, contribution("a", NOW_MS), contribution("b", NOW_MS - DAY_MS // 2))
    records = [CountedRecord(0, first.take_new())]
    for horizon_ms in (3_600_000, 7 * DAY_MS):
        known = loaded(events(horizon_ms), records)
        after_ms = NOW_MS - DAY_MS // 2 + horizon_ms
        assert seen(known, contribution("b", after_ms)) == [True]
        assert seen(known, contribution("b", after_ms + horizon_ms // 64 + DAY_MS // 128)) == [
            False
        ]
        assert seen(known, contribution("a", NOW_MS + horizon_ms)) == [True]


def test_the_seed_of_what_is_kept_is_taken_over():
    first = events(seed=7)
    seen(first, contribution("a"))
    known = loaded(events(seed=8), [CountedRecord(7, first.take_new())])
    assert known.seed == 7
    assert seen(known, contribution("a")) == [True]


def test_hashes_of_two_seeds_cannot_be_looked_up():
    records = [CountedRecord(seed, [Group(5, np.array([1], np.uint64))]) for seed in (1, 2)]
    with pytest.raises(StateFormatError, match="seeds 0x1 and 0x2"):
        loaded(events(), records)


def test_many_records_are_loaded_in_parts_that_are_together_all():
    chance = random.Random(2)
    hashes = [chance.randrange(1, 2**64) for _ in range(600_000)]
    records = [
        CountedRecord(
            0, [Group(NOW_MS + start, np.array(hashes[start : start + 5_000], np.uint64))]
        )
        for start in range(0, len(hashes), 5_000)
    ]
    known = events()
    steps = sum(1 for _ in known.load(records))
    assert len(known) == len(hashes)
    assert steps > 100, "others have their turn between them"
    known.forget_before(NOW_MS + 3 * DAY_MS)
    assert len(known) == 0


# --- memory ---------------------------------------------------------------------------------------


def test_it_holds_the_horizon_until_its_memory_does_not_suffice():
    known = events(1_280, bytes_max=3 * 2**18)
    assert known.held_ms == 1_280
    held = []
    for step in range(200):
        arrival_ms = NOW_MS + step * 10
        seen(known, *(contribution(f"{step} {one}", arrival_ms) for one in range(500)))
        assert known.bytes <= known.bytes_max + 2**18
        held.append(known.held_ms)
    assert held[0] == 1_280
    assert 600 <= held[-1] <= 1_000
    back = held[-1] // 10
    assert seen(known, contribution(f"{199 - back + 1} 7", NOW_MS + 1_990)) == [True]
    known.forget_before(NOW_MS + 1_990 + 1_280)
    assert known.held_ms == 1_280, "all that is wanted now"


def test_memory_is_given_back_when_less_is_allowed():
    known = events()
    seen(known, *(contribution(str(number)) for number in range(40_000)))
    before = known.bytes
    known.bytes_max = before // 3
    while known.tend():
        pass
    assert known.bytes <= before // 3
    known.bytes_max = 0
    while known.tend():
        pass
    assert 0 < known.bytes < 2**17, "the least that it takes"
    assert seen(known, contribution("x"), contribution("x")) == [False, True]

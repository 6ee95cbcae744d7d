"""The laws that every family keeps, in one place."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.aggregates import AGGREGATES, Aggregate

FAMILIES = sorted(AGGREGATES)
INT64 = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.lists(st.one_of(INT64, FLOATS, st.integers(-9, 9)), min_size=1, max_size=12)
TIMES = st.lists(st.integers(0, 5), min_size=12, max_size=12)


def added(family: Aggregate, entries):
    state = None
    for time_ms, value in entries:
        state = family.add(state, time_ms, value)
    return state


def gathered(family: Aggregate, entries):
    if not entries:
        return None
    times, values = [list(column) for column in zip(*entries, strict=True)]
    return family.gather([0, *times], ["before", *values], 1, 1 + len(times))


def results(family: Aggregate, state):
    return None if state is None else (family.result_float(state),)


@pytest.mark.parametrize("name", FAMILIES)
def test_merging_nothing_is_empty(name):
    family = AGGREGATES[name]
    assert family.merge([]) is None
    assert family.merge([None, None]) is None


@pytest.mark.parametrize("name", FAMILIES)
@given(values=VALUES, times=TIMES, cut=st.integers(0, 12))
def test_adding_gathering_and_merging_agree(name, values, times, cut):
    family = AGGREGATES[name]
    entries = sorted(zip(times, values, strict=False), key=lambda entry: entry[0])
    expected = results(family, added(family, entries))
    assert results(family, gathered(family, entries)) == expected
    parts = [gathered(family, entries[:cut]), added(family, entries[cut:])]
    assert results(family, family.merge(parts)) == expected


@pytest.mark.parametrize("name", FAMILIES)
@given(values=VALUES, times=TIMES)
def test_arrival_out_of_time_order_gives_the_result_of_sorted_entries(name, values, times):
    family = AGGREGATES[name]
    arrived = list(zip(times, values, strict=False))
    ordered = sorted(arrived, key=lambda entry: entry[0])
    assert results(family, added(family, arrived)) == results(family, gathered(family, ordered))


@pytest.mark.parametrize("name", FAMILIES)
@given(values=VALUES, times=TIMES, left=st.integers(0, 12), right=st.integers(0, 12))
def test_merging_is_associative(name, values, times, left, right):
    family = AGGREGATES[name]
    entries = sorted(zip(times, values, strict=False), key=lambda entry: entry[0])
    low, high = sorted((left, right))
    a, b, c = (
        gathered(family, part) for part in (entries[:low], entries[low:high], entries[high:])
    )
    one = family.merge([a, family.merge([b, c])])
    assert results(family, one) == results(family, family.merge([family.merge([a, b]), c]))


@pytest.mark.parametrize("name", FAMILIES)
@given(values=VALUES, times=TIMES)
def test_a_compact_state_survives_msgpack_with_the_same_result(name, values, times):
    family = AGGREGATES[name]
    entries = sorted(zip(times, values, strict=False), key=lambda entry: entry[0])
    for state in (added(family, entries), gathered(family, entries)):
        compact = family.compact(state)
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(compact))
        assert again == compact
        assert results(family, again) == results(family, state)


@pytest.mark.parametrize("name", FAMILIES)
@given(values=VALUES, times=TIMES)
def test_a_compact_state_does_not_depend_on_how_it_came_about(name, values, times):
    family = AGGREGATES[name]
    entries = sorted(zip(times, values, strict=False), key=lambda entry: entry[0])
    compact = family.compact(gathered(family, entries))
    assert added(family, entries) == compact
    halves = [gathered(family, entries[:5]), gathered(family, entries[5:])]
    assert family.compact(family.merge(halves)) == compact


@pytest.mark.parametrize("name", FAMILIES)
@given(values=VALUES, times=TIMES)
def test_states_are_never_changed_in_place(name, values, times):
    family = AGGREGATES[name]
    entries = list(zip(times, values, strict=False))
    before = added(family, entries)
    copy = msgspec.msgpack.encode(family.compact(before))
    family.add(before, 3, 1.5)
    family.merge([before, before])
    assert msgspec.msgpack.encode(family.compact(before)) == copy

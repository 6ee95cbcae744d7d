"""The laws that every aggregation keeps, in one place."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.aggregates import AGGREGATES, Aggregate, plain_state
from tests.unit.aggregates.numeric import NUMERIC

NAMES = sorted(AGGREGATES)
INT64 = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PRICES = st.builds(lambda cents: cents / 100, st.integers(-9_999, 9_999))
NUMBERS = st.one_of(INT64, FLOATS, PRICES, st.integers(-9, 9))
# Few, so that they come again; among 1, 1.0, True and "1" are three values.
SCALARS = st.one_of(
    st.sampled_from([0, 1, 1.0, 2.5, True, False, "", "1", "a", "true"]), INT64, st.text()
)
COUNT = 12


@st.composite
def entries_of(draw, name):
    """Entries (event time in ms, value) in the order of arrival."""
    values = draw(st.lists(NUMBERS if name in NUMERIC else SCALARS, min_size=1, max_size=COUNT))
    times = draw(st.lists(st.integers(0, 5), min_size=len(values), max_size=len(values)))
    return list(zip(times, values, strict=True))


def by_time(entries):
    return sorted(entries, key=lambda entry: entry[0])


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


def result(family: Aggregate, state):
    """The result with its types and its order; 0.0 and -0.0 are one number."""
    if state is None:
        return None
    found = family.result_float(state)
    return repr(found + 0.0 if isinstance(found, float) else found)


@pytest.mark.parametrize("name", NAMES)
def test_merging_nothing_is_empty(name):
    family = AGGREGATES[name]
    assert family.merge([]) is None
    assert family.merge([None, None]) is None


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), cut=st.integers(0, COUNT))
def test_adding_gathering_and_merging_agree(name, data, cut):
    family = AGGREGATES[name]
    entries = by_time(data.draw(entries_of(name)))
    expected = result(family, added(family, entries))
    assert result(family, gathered(family, entries)) == expected
    parts = [gathered(family, entries[:cut]), added(family, entries[cut:])]
    assert result(family, family.merge(parts)) == expected


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_arrival_out_of_time_order_gives_the_result_of_sorted_entries(name, data):
    family = AGGREGATES[name]
    arrived = data.draw(entries_of(name))
    assert result(family, added(family, arrived)) == result(
        family, gathered(family, by_time(arrived))
    )


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), cut=st.integers(0, COUNT))
def test_parts_that_lie_over_each_other_in_time_merge_in_the_order_of_arrival(name, data, cut):
    family = AGGREGATES[name]
    arrived = data.draw(entries_of(name))
    parts = [gathered(family, by_time(part)) for part in (arrived[:cut], arrived[cut:])]
    assert result(family, family.merge(parts)) == result(family, gathered(family, by_time(arrived)))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), left=st.integers(0, COUNT), right=st.integers(0, COUNT))
def test_merging_is_associative(name, data, left, right):
    family = AGGREGATES[name]
    entries = by_time(data.draw(entries_of(name)))
    low, high = sorted((left, right))
    a, b, c = (
        gathered(family, part) for part in (entries[:low], entries[low:high], entries[high:])
    )
    one = family.merge([a, family.merge([b, c])])
    assert result(family, one) == result(family, family.merge([family.merge([a, b]), c]))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_a_compact_state_survives_msgpack_with_the_same_result(name, data):
    family = AGGREGATES[name]
    entries = by_time(data.draw(entries_of(name)))
    for state in (added(family, entries), gathered(family, entries)):
        compact = family.compact(state)
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(compact))
        assert again == compact
        assert result(family, again) == result(family, state)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(data=st.data())
def test_a_state_that_an_encoder_makes_plain_goes_on_like_the_one_in_memory(name, data):
    family = AGGREGATES[name]
    entries = by_time(data.draw(entries_of(name)))
    more = data.draw(entries_of(name))
    state = added(family, entries)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(state, enc_hook=plain_state))
    assert again == family.compact(state)
    assert result(family, again) == result(family, state)
    for time_ms, value in more:
        assert result(family, family.add(again, time_ms, value)) == result(
            family, family.add(state, time_ms, value)
        )
    part = gathered(family, by_time(more))
    assert result(family, family.merge([again, part])) == result(
        family, family.merge([state, part])
    )
    assert result(family, family.merge([part, again])) == result(
        family, family.merge([part, state])
    )


@pytest.mark.parametrize("name", [name for name in NAMES if AGGREGATES[name].prepare])
@settings(deadline=None)
@given(data=st.data())
def test_prepared_values_give_the_parts_that_gathering_gives(name, data):
    family = AGGREGATES[name]
    times, values = [list(column) for column in zip(*data.draw(entries_of(name)), strict=True)]
    gather = family.prepare(values)
    start = data.draw(st.integers(0, len(values) - 1))
    stop = data.draw(st.integers(start + 1, len(values)))
    for first, last in ((0, len(values)), (start, stop)):
        assert result(family, gather(first, last)) == result(
            family, family.gather(times, values, first, last)
        )


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_a_compact_state_does_not_depend_on_how_it_came_about(name, data):
    family = AGGREGATES[name]
    entries = by_time(data.draw(entries_of(name)))
    compact = family.compact(gathered(family, entries))
    assert family.compact(added(family, entries)) == compact
    halves = [gathered(family, entries[:5]), gathered(family, entries[5:])]
    assert family.compact(family.merge(halves)) == compact


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_states_are_never_changed_in_place(name, data):
    family = AGGREGATES[name]
    before = added(family, data.draw(entries_of(name)))
    copy = msgspec.msgpack.encode(family.compact(before))
    value = 1 / 3 if name in NUMERIC else "a"
    for time_ms in (0, 3, 9):
        family.merge([before, family.add(family.add(before, time_ms, value), time_ms, value)])
    family.merge([before, before])
    family.result(before) if name != "sum" else family.result_float(before)
    assert msgspec.msgpack.encode(family.compact(before)) == copy


@pytest.mark.parametrize("name", [name for name in NAMES if AGGREGATES[name].size])
def test_the_size_of_a_state_is_about_that_of_its_bytes(name):
    family = AGGREGATES[name]
    for count in (1, 50, 5_000):
        values = [f"value {number:030}" for number in range(count)]
        state = family.gather(list(range(count)), values, 0, count)
        size = len(msgspec.msgpack.encode(state))
        assert size * 0.5 <= family.size(state) <= size * 2 + 100

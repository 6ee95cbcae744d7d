"""What attributes of each aggregation read, as lifetimes and over a period."""

import pytest

from processor.limits import EXACT_DISTINCT_MAX, FREQUENCY_VALUES_MAX
from tests.by_hand import SOURCE

START = 1_700_000_000_000
MINUTE = 60_000

# What each aggregation makes of 2, 5, 2 and 1.5 at seconds 0, 1, 2 and 3, read a second later.
EXPECTED = {
    "counter": 4,
    "sum": 10.5,
    "min": 1.5,
    "max": 5.0,
    "mean": 2.625,
    "first": 2,
    "last": 1.5,
    "unique_list": [5, 2, 1.5],
    "most_frequent": 2,
    "least_frequent": 1.5,
    "category_count": {"2": 2, "1.5": 1, "5": 1},
    "approx_count_distinct": 3,
    "time_since_last": 1.0,
    "time_since_first": 4.0,
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize("span", [{}, {"period": MINUTE}, {"ttl": MINUTE}])
def test_every_aggregation_over_every_span(write, bench, name, span):
    one = bench(write.plan(write.group(write.attribute("a", name, **span))))
    assert one.read(START)["a"] is None
    without = name == "counter" or name.startswith("time_since")
    for number, value in enumerate([2, 5, 2, 1.5]):
        one.step(START + number * 1_000, a=None if without else value)
        one.reload()
    found = one.read(START + 4_000)["a"]
    assert repr(found) == repr(EXPECTED[name])
    gone = one.read(START + 3_000 + MINUTE)["a"]
    assert (gone is None) == bool(span)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_default_stands_for_every_aggregation(write, bench, name):
    defaults = {"unique_list": [1.0, 2.0], "counter": 3, "approx_count_distinct": 3}
    default = None if name == "category_count" else defaults.get(name, 0.5)
    one = bench(write.plan(write.group(write.attribute("a", name, default_value=default))))
    assert one.read(START)["a"] == default


def test_times_since_are_told_in_their_unit_and_never_below_zero(write, bench):
    units = {"s": 5_400.0, "min": 90.0, "h": 1.5, "d": 0.0625}
    attributes = [write.attribute(unit, "time_since_last", time_unit=unit) for unit in units]
    one = bench(write.plan(write.group(*attributes)))
    one.step(START, s=None)
    assert one.read(START + 90 * MINUTE) == units
    assert set(one.read(START - 1).values()) == {0.0}


def test_a_time_since_is_that_of_the_latest_or_first_event_whatever_arrives(write, bench):
    names = ("time_since_last", "time_since_first")
    one = bench(write.plan(write.group(*(write.attribute(name, name) for name in names))))
    for time in (5_000, 9_000, 1_000):
        one.step(START + time, time_since_last=None)
    assert one.read(START + 10_000) == {"time_since_last": 1.0, "time_since_first": 9.0}


def test_a_window_of_times_looks_only_at_what_is_in_it(write, bench):
    names = ("time_since_last", "time_since_first")
    attributes = [write.attribute(name, name, period=10_000) for name in names]
    one = bench(write.plan(write.group(*attributes)))
    for time in range(0, 400_000, 1_000):
        one.step(START + time, time_since_last=None)
    assert one.read(START + 405_000) == {"time_since_last": 6.0, "time_since_first": 9.0}


def test_a_rule_sees_the_time_since_at_its_own_now(write, bench):
    group = write.group(write.attribute("a", "time_since_first"))
    one = bench(write.plan(group, write.rule(write.criterion("g:a", ">=", 5))))
    assert [len(one.step(START + time, a=None)) for time in (0, 4_999, 5_000, 6_000)] == [
        0,
        0,
        0,
        0,
    ]
    slow = write.rule(write.criterion("g:a", "=", 0))
    last = write.group(write.attribute("a", "time_since_last"))
    one = bench(write.plan(last, slow))
    assert [len(one.step(START + time, a=None)) for time in (0, 4_999, 5_000)] == [1, 1, 1]


def test_times_and_counts_share_their_series(write, bench):
    attributes = [write.attribute("a"), write.attribute("b", "time_since_last")]
    one = bench(write.plan(write.group(*attributes)))
    assert one.series("g:a") == one.series("g:b")


def test_categories_and_distinct_counts_take_values_of_every_kind(write):
    attributes = [
        write.attribute(name, name, property={"type": "atomic", "name": column})
        for name, column in (
            ("category_count", "dvce_ismobile"),
            ("approx_count_distinct", "app_id"),
        )
    ]
    plan = write.plan(write.group(*attributes))
    (one,) = plan.contributions(write.event(dvce_ismobile="1", app_id="shop"), SOURCE, 1)
    assert {value for _, value in one.values} == {True, "shop"}


def test_the_type_of_a_list_says_which_values_contribute(write):
    attribute = write.attribute("a", "unique_list", type="string_list")
    plan = write.plan(write.group(attribute))
    assert plan.contributions(write.event(se_value="1.5"), SOURCE, 1) == []
    assert plan.take_rejected() == {("g_v1:a", "wrong_type"): 1}


@pytest.mark.parametrize("name", ["unique_list", "category_count", "approx_count_distinct"])
def test_a_large_lifetime_is_a_record_of_its_own_and_goes_on(write, bench, name):
    one = bench(write.plan(write.group(write.attribute("a", name), write.attribute("n"))))
    for number in range(600):
        one.step(START + number, a=number % 300, n=None)
        if number % 70 == 0:
            one.reload()
    one.reload()
    assert len(one.store) == 2
    assert len(one.store[b""]) < 2_500
    found = one.read(START + 1_000)["a"]
    if name == "approx_count_distinct":
        assert abs(found - 300) < 10
        assert EXACT_DISTINCT_MAX < 300
    else:
        assert list(found)[-1] in {299, "200"}
        assert len(found) == 100


def test_a_contribution_to_another_series_does_not_write_a_large_lifetime(write, bench):
    attributes = [write.attribute("a", "unique_list"), write.attribute("n")]
    one = bench(write.plan(write.group(*attributes)))
    for number in range(100):
        one.step(START + number, a=number)
    one.reload()
    before = dict(one.store)
    one.step(START + 200, n=None)
    one.reload()
    assert [suffix for suffix in one.store if one.store[suffix] != before[suffix]] == [b""]


def test_a_lifetime_of_frequencies_is_bounded(write, bench):
    attribute = write.attribute("a", "most_frequent", type="int64")
    one = bench(write.plan(write.group(attribute)))
    for number in range(FREQUENCY_VALUES_MAX + 300):
        one.step(START + number, a=number)
    one.reload()
    assert max(map(len, one.store.values())) < 20_000
    assert one.read(START + 9_999)["a"] == FREQUENCY_VALUES_MAX + 299


def test_a_large_lifetime_that_ended_starts_anew(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", "unique_list", ttl=1_000))))
    for number in range(100):
        one.step(START + number, a=number)
    one.reload()
    one.step(START + 5_000, a=7)
    assert one.read(START + 5_000)["a"] == [7]
    one.reload()
    assert one.read(START + 5_000)["a"] == [7]

import random

import pytest

from definitions import (
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    VersionedLinkAttributeGroup,
)
from processor.engine import step
from processor.limits import HEAD_IDS_HORIZON_MS, WINDOW_SLACK_MIN_MS
from tests.by_hand import contribution_of

HOUR = 3_600_000
START = 1_700_000_000_000


# --- values ---------------------------------------------------------------------------------------


def test_every_family_counts_its_contributions(write, bench):
    names = ("sum", "mean", "min", "max", "first", "last")
    group = write.group(
        write.attribute("counter"), *(write.attribute(name, name) for name in names)
    )
    one = bench(write.plan(group))
    one.step(START, counter=None, sum=2)
    one.step(START - 5, counter=None, sum=1.5)
    assert one.read(START) == {
        "counter": 2, "sum": 3.5, "mean": 1.75, "min": 1.5, "max": 2.0, "first": 1.5, "last": 2,
    }  # fmt: skip


def test_attributes_over_the_same_events_share_their_series(write, bench):
    one = bench(write.plan(write.group(write.attribute("a"), write.attribute("b", period=50))))
    assert one.series("g:a") == one.series("g:b")


def test_a_window_ages_without_events(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", period=1_000))))
    one.step(START, a=None)
    assert one.read(START - 1)["a"] is None
    assert one.read(START)["a"] == 1
    assert one.read(START + 999)["a"] == 1
    assert one.read(START + 1_000)["a"] is None


def test_a_late_event_inside_the_window_is_counted(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", period=1_000))))
    one.step(START, a=None)
    one.step(START - 999, a=None)
    one.step(START - 1_000, a=None)
    assert one.read(START)["a"] == 2
    assert one.read(START - 1)["a"] == 2


def test_a_late_event_always_counts_for_a_lifetime_attribute(write, bench):
    one = bench(write.plan(write.group(write.attribute("a"))))
    one.step(START, a=None)
    one.step(1, a=None)
    assert one.read(0)["a"] == 2


def test_a_default_stands_where_nothing_counts(write, bench):
    attributes = [
        write.attribute("a", default_value=0),
        write.attribute("b", period=10, default_value=7),
        write.attribute("c", "sum", ttl=10, default_value=1.5),
    ]
    one = bench(write.plan(write.group(*attributes)))
    assert one.read(START) == {"a": 0, "b": 7, "c": 1.5}


def test_a_float_sum_that_overflows_is_no_result(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", "sum"))))
    one.step(1, a=1e308)
    one.step(2, a=1e308)
    assert one.read(3)["a"] is None


def test_entries_beyond_the_longest_period_do_not_pile_up(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", period=1_000))))
    for number in range(3_000):
        one.step(START + number * 1_000, a=None)
        if number % 50 == 0:
            one.reload()
    one.reload()
    assert sum(map(len, one.store.values())) < 2_500
    one.step(START, a=None)
    assert one.read(START)["a"] is None


def test_a_clock_behind_the_event_times_reads_the_window_as_it_was(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", period=1_000))))
    for number in range(0, WINDOW_SLACK_MIN_MS, 500):
        one.step(START + number, a=None)
    one.reload()
    assert one.read(START + 3_000)["a"] == 2


# --- event ids in the head ------------------------------------------------------------------------


@pytest.fixture
def beside(write, bench):
    """A profile of a worker that has workers of format level 1 beside it."""

    def made(**settings):
        return bench(write.plan(write.group(write.attribute("a")), **settings), remember_ids=True)

    return made


def test_an_event_in_the_head_is_counted_once(beside):
    one = beside()
    assert one.step(START, "e", a=None) == ()
    one.profile.changed = False
    assert one.step(START, "e", a=None) is None
    assert not one.profile.changed
    assert one.read(START)["a"] == 1


def test_an_event_leaves_the_head_after_the_horizon_by_event_time(beside):
    one = beside(deduplication_horizon_ms=1_000)
    one.step(START, "e", a=None)
    assert one.step(START + 999, "e", a=None) is None
    assert one.step(START + 1_000, "e", a=None) == ()


def test_an_event_is_never_longer_in_the_head_than_an_hour(beside):
    one = beside()
    one.step(START, "e", a=None)
    assert one.step(START + HEAD_IDS_HORIZON_MS - 1, "e", a=None) is None
    assert one.step(START + HEAD_IDS_HORIZON_MS, "e", a=None) == ()


def test_an_event_that_is_not_counted_does_not_move_the_time_of_the_profile(beside):
    one = beside(deduplication_horizon_ms=1_000)
    one.step(START, "e", a=None)
    assert one.step(START + 999, "e", a=None) is None
    assert one.step(START + 500, "e", a=None) is None
    assert one.profile.head.latest_ms == START


def test_the_last_ids_in_order_of_arrival_are_in_the_head(beside):
    one = beside(deduplication_ids=2)
    one.step(START, "e1", a=None)
    one.step(START - 9, "e2", a=None)
    assert one.step(START, "e1", a=None) is None
    one.step(START, "e3", a=None)
    assert one.step(START, "e1", a=None) == ()
    assert one.step(START, "e2", a=None) == ()


@pytest.mark.parametrize("off", [{"deduplication_ids": 0}, {"deduplication_horizon_ms": 0}])
def test_deduplication_can_be_off(beside, off):
    one = beside(**off)
    one.step(START, "e", a=None)
    assert one.step(START, "e", a=None) == ()
    assert one.profile.head.id_times == b""


def test_ids_in_the_head_agree_with_a_plain_list(beside):
    seeded = random.Random(5)
    for ids, horizon_ms in ((3, 20), (8, 50), (64, 1_000)):
        one = beside(deduplication_ids=ids, deduplication_horizon_ms=horizon_ms)
        counted, latest_ms = [], 0
        for clock in range(600):
            event_id, time_ms = f"e{seeded.randrange(40)}", clock - seeded.randrange(60) + 60
            floor_ms = max(latest_ms, time_ms) - horizon_ms
            known = any(i == event_id and t > floor_ms for i, t in counted[-ids:])
            assert (one.step(time_ms, event_id, a=None) is None) == known
            if not known:
                counted.append((event_id, time_ms))
                latest_ms = max(latest_ms, time_ms)
            if clock % 100 == 0:
                one.reload()


def test_without_older_workers_nothing_is_added_to_the_head_and_what_is_there_counts(beside):
    one = beside()
    one.step(START, "e1", a=None)
    one.step(START + 60_000, "e2", a=None)
    one.remember_ids = False
    one.step(START + 120_000, "e3", a=None)
    assert len(one.profile.head.id_times) == 2 * 8
    assert one.step(START + 180_000, "e1", a=None) is None
    one.step(START + HEAD_IDS_HORIZON_MS, "e4", a=None)
    assert one.step(START + HEAD_IDS_HORIZON_MS, "e2", a=None) is None
    one.step(START + HEAD_IDS_HORIZON_MS + 60_000, "e5", a=None)
    assert one.profile.head.id_times == one.profile.head.id_hashes == b"", "all are too old"
    one.reload()
    assert one.read(START)["a"] == 5


# --- time to live ---------------------------------------------------------------------------------


def test_an_attribute_with_its_own_ttl_starts_anew_after_it(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", ttl=1_000))))
    one.step(START, a=None)
    one.step(START + 999, a=None)
    assert one.read(START + 1_998)["a"] == 2
    assert one.read(START + 1_999)["a"] is None
    one.step(START + 1_999, a=None)
    assert one.read(START + 1_999)["a"] == 1


def test_a_late_event_does_not_shorten_a_ttl(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", ttl=1_000))))
    one.step(START, a=None)
    one.step(START - 5_000, a=None)
    assert one.read(START + 999)["a"] == 2


def test_any_contribution_keeps_the_whole_group_alive(write, bench):
    a = write.attribute("a")
    b = write.attribute("b", "sum")
    c = write.attribute("c", "max", period=10, property=b.property)
    one = bench(write.plan(write.group(a, b, c, ttl=1_000)))
    one.step(START, a=None)
    one.step(START + 900, b=2)
    one.step(START + 1_800, c=3)
    assert one.read(START + 2_700) == {"a": 1, "b": 5.0, "c": None}
    assert one.read(START + 2_800) == {"a": None, "b": None, "c": None}


def test_a_group_that_expired_drops_all_its_lifetime_values(write, bench):
    one = bench(
        write.plan(write.group(write.attribute("a"), write.attribute("b", "sum"), ttl=1_000))
    )
    one.step(START, a=None, b=2)
    one.step(START + 1_000, b=3)
    assert one.read(START + 1_000) == {"a": None, "b": 3.0}


def test_an_own_ttl_stands_apart_from_that_of_the_group(write, bench):
    attributes = [write.attribute("a", ttl=5_000), write.attribute("b", "sum")]
    one = bench(write.plan(write.group(*attributes, ttl=1_000)))
    one.step(START, a=None, b=2)
    assert one.read(START + 1_000) == {"a": 1, "b": None}
    one.step(START + 1_000, b=3)
    assert one.read(START + 1_000) == {"a": 1, "b": 3.0}


def test_the_ttl_of_the_key_is_that_of_a_group_without_one(write, bench):
    key = write.group(write.attribute()).attribute_key.model_copy(
        update={"ttl": write.attribute(ttl=1_000).ttl}
    )
    one = bench(write.plan(write.group(write.attribute("a"), attribute_key=key)))
    one.step(START, a=None)
    assert one.read(START + 999)["a"] == 1
    assert one.read(START + 1_000)["a"] is None


# --- rules ----------------------------------------------------------------------------------------


def counting_rule(write, limit=2, **fields):
    return write.rule(write.criterion("g:a", ">=", limit), **fields)


def test_a_rule_fires_when_it_becomes_met_and_not_while_it_stays_met(write, bench):
    one = bench(write.plan(write.group(write.attribute("a")), counting_rule(write)))
    assert [len(one.step(START + number, a=None)) for number in range(4)] == [0, 1, 0, 0]


def test_a_rule_fires_again_after_the_window_has_let_go(write, bench):
    group = write.group(write.attribute("a", period=1_000))
    one = bench(write.plan(group, counting_rule(write)))
    times = [0, 500, 900, 3_000, 3_500]
    assert [len(one.step(START + time, a=None)) for time in times] == [0, 1, 0, 0, 1]


def test_what_fired_says_what_a_person_needs_to_know(write, bench):
    group = write.group(write.attribute("a"), write.attribute("b", "sum"))
    rule = counting_rule(write, name="nudge", version=3)
    one = bench(write.plan(group, rule, definitions_offset=42))
    one.step(START, a=None)
    (fired,) = one.step(START + 5, "e9", a=None, b=1.5)
    assert (fired.name, fired.version, fired.definitions_offset) == ("nudge", 3, 42)
    assert (fired.target_key, fired.target_id) == ("domain_userid", "u1")
    assert fired.trigger.time_ms == START + 5
    assert fired.attributes == {"g:a": 2, "g:b": 1.5}
    assert (fired.trigger.event_id, fired.trigger.offset, fired.trigger.source.partition) == (
        "e9",
        2,
        3,
    )
    (because,) = fired.because
    assert (because.attribute, because.before, because.after) == ("g:a", 1, 2)
    assert because.group_version == 1


def test_a_rule_is_evaluated_once_after_all_of_an_events_contributions(write, bench):
    group = write.group(write.attribute("a"), write.attribute("b", "sum"))
    both = [write.criterion("g:a", ">=", 1), write.criterion("g:b", "<", 0)]
    one = bench(write.plan(group, write.rule(InterventionCriteriaAll(all=both))))
    assert len(one.step(START, a=None, b=-1)) == 1


def test_a_rule_is_not_evaluated_for_attributes_that_it_does_not_read(write, bench):
    group = write.group(write.attribute("a", period=1_000), write.attribute("b", "sum"))
    one = bench(write.plan(group, write.rule(write.criterion("g:a", "is null"))))
    one.step(START, a=None)
    assert one.step(START + 5_000, b=1) == ()


def test_before_is_read_at_the_time_of_the_event(write, bench):
    group = write.group(write.attribute("a", period=1_000))
    one = bench(write.plan(group, write.rule(write.criterion("g:a", "=", 1))))
    assert len(one.step(START, a=None)) == 1
    assert len(one.step(START + 2_000, a=None)) == 1


def test_now_is_the_greatest_event_time_of_the_series_that_the_rule_reads(write, bench):
    group = write.group(write.attribute("a", period=1_000), write.attribute("b", "sum"))
    one = bench(write.plan(group, counting_rule(write)))
    one.step(START, a=None)
    one.step(START + 50_000, b=1)
    assert len(one.step(START + 500, a=None)) == 1
    one.step(START + 10_000, a=None)
    assert len(one.step(START + 700, a=None)) == 0


def test_a_ttl_that_ends_with_the_event_counts_as_not_met_before_it(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", ttl=1_000)), counting_rule(write, 1)))
    assert len(one.step(START, a=None)) == 1
    assert len(one.step(START + 500, a=None)) == 0
    assert len(one.step(START + 1_500, a=None)) == 1


def test_a_group_ttl_that_ends_changes_attributes_without_a_contribution(write, bench):
    group = write.group(write.attribute("a"), write.attribute("b", "sum"), ttl=1_000)
    some = [write.criterion("g:a", "is null"), write.criterion("g:b", ">", 100)]
    one = bench(write.plan(group, write.rule(InterventionCriteriaAny(any=some))))
    one.step(START, a=None, b=1)
    assert len(one.step(START + 1_500, b=101)) == 0, "a had ended before: the rule was met already"


def test_a_default_value_counts_as_a_value(write, bench):
    group = write.group(write.attribute("a", default_value=5))
    one = bench(write.plan(group, counting_rule(write)))
    assert one.step(START, a=None) == ()


def test_the_payload_is_that_of_the_groups_given(write, bench):
    other = write.group(write.attribute("x", "max"), name="h", version=2)
    link = VersionedLinkAttributeGroup(name="h", version=2)
    rule = counting_rule(write, 1, payload_attribute_groups=[link])
    one = bench(write.plan(write.group(write.attribute("a")), other, rule))
    (fired,) = one.step(START, a=None)
    assert fired.attributes == {"h:x": None}


def test_rules_fire_in_the_order_of_their_names(write, bench):
    rules = [counting_rule(write, 1, name=name) for name in ("z", "b", "m")]
    one = bench(write.plan(write.group(write.attribute("a")), *rules))
    assert [fired.name for fired in one.step(START, a=None)] == ["b", "m", "z"]


# --- plans that change ----------------------------------------------------------------------------


def test_a_contribution_that_no_live_attribute_reads_changes_nothing(write, bench):
    one = bench(write.plan(write.group(write.attribute("a"))))
    contribution = contribution_of(1, "domain_userid", "u1", START, "e", "click", "", [(77, None)])
    assert step(one.profile, contribution, one.plan) == ((), ())
    assert not one.profile.changed
    assert one.step(START, "e", a=None) == ()


def test_a_new_version_with_the_same_meaning_goes_on_from_the_old_state(write, bench):
    one = bench(write.plan(write.group(write.attribute("a"))))
    one.step(START, a=None)
    one.plan = write.plan(write.group(write.attribute("a"), version=2))
    one.step(START, a=None)
    assert one.read(START)["a"] == 2


def test_a_new_attribute_starts_when_it_is_live(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", "sum"))))
    one.step(START, a=5)
    both = write.group(write.attribute("a", "sum"), write.attribute("b", "max", period=HOUR))
    one.plan = write.plan(both)
    one.step(START + 1, a=3)
    assert one.read(START + 1) == {"a": 8.0, "b": 3.0}


def test_a_rule_that_is_met_when_it_is_published_does_not_fire(write, bench):
    group = write.group(write.attribute("a"))
    one = bench(write.plan(group))
    for number in range(3):
        one.step(START + number, a=None)
    one.plan = write.plan(group, counting_rule(write))
    assert one.step(START + 5, a=None) == ()

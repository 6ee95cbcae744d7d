from datetime import timedelta

from processor.engine import Profile, changed_records, expire, step
from processor.engine.expire import NOTHING_REACHED, Reached
from processor.formats import NEWEST_LEVEL
from processor.limits import SWEEP_LATE_MS, WINDOW_SLACK_MIN_MS
from tests.by_hand import contribution_of
from tests.unit.engine.sweeping import expire_at

HOUR = 3_600_000
START = 1_700_000_000_000


def test_nothing_to_drop_changes_nothing(write, bench):
    one = bench(write.plan(write.group(write.attribute("a"))))
    one.step(START, a=None)
    one.reload()
    expiry = expire_at(one.profile, one.plan, START + 1_000 * HOUR)
    assert (expiry.changed, expiry.empty) == (False, False)
    assert changed_records(one.profile, NEWEST_LEVEL) == []
    assert one.read(START)["a"] == 1


def test_a_window_that_all_entries_left_leaves_an_empty_profile(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", period=1_000))))
    for number in range(300):
        one.step(START + number, a=None)
    one.reload()
    assert len(one.store) > 1
    kept_ms = 299 + 1_000 + WINDOW_SLACK_MIN_MS
    assert not expire_at(one.profile, one.plan, START + kept_ms - 1).changed
    expiry = expire_at(one.profile, one.plan, START + 2 * HOUR)
    assert (expiry.changed, expiry.empty) == (True, True)
    assert dict.fromkeys(one.store) == dict(changed_records(one.profile, NEWEST_LEVEL))


def test_an_empty_profile_starts_anew(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", period=1_000))))
    one.step(START, "e", a=None)
    expire_at(one.profile, one.plan, START + 2 * HOUR)
    assert one.step(START + 3 * HOUR, "e", a=None) == ()
    one.reload()
    assert one.read(START + 3 * HOUR)["a"] == 1


def test_a_profile_is_kept_while_its_head_knows_events(write, bench):
    """A worker of format level 1 has counted them, and nobody else remembers them."""
    one = bench(write.plan(write.group(write.attribute("a", ttl=1_000))), remember_ids=True)
    one.step(START, "e", a=None)
    expiry = expire_at(one.profile, one.plan, START + HOUR - 1)
    assert (expiry.changed, expiry.empty) == (True, False)
    assert one.step(START, "e", a=None) is None
    assert expire_at(one.profile, one.plan, START + HOUR).empty


def test_a_lifetime_that_ended_is_dropped_and_others_stay(write, bench):
    group = write.group(write.attribute("a", ttl=1_000), write.attribute("b", "sum"))
    one = bench(write.plan(group))
    one.step(START, a=None, b=1)
    assert not expire_at(one.profile, one.plan, START + 999).changed
    assert expire_at(one.profile, one.plan, START + 1_000).changed
    assert len(one.profile.head.slots) == 1
    assert one.read(START) == {"a": None, "b": 1.0}


def test_state_that_no_live_attribute_reads_is_dropped(write, bench):
    group = write.group(
        write.attribute("a"),
        write.attribute("b", "sum", period=HOUR),
        write.attribute("c", "max", ttl=9),
    )
    one = bench(write.plan(group))
    for number in range(300):
        one.step(START + number, a=None, b=1.5)
    one.reload()
    plan = write.plan(write.group(write.attribute("a")))
    assert expire(one.profile, plan, NOTHING_REACHED).changed
    deleted = [
        suffix for suffix, record in changed_records(one.profile, NEWEST_LEVEL) if record is None
    ]
    assert len(deleted) == len(one.store) - 1
    head = one.profile.head
    assert (len(head.slots), len(head.seen), head.windows, head.timers) == (1, 1, {}, {})


def test_a_count_of_firings_goes_with_its_cooldown(write, bench):
    rule = write.rule(write.criterion("g:a", ">", 0), cooldown=timedelta(hours=3))
    one = bench(write.plan(write.group(write.attribute("a", ttl=1_000)), rule))
    assert len(one.step(START, a=None)) == 1
    assert not expire_at(one.profile, one.plan, START + 3 * HOUR - 1).empty
    assert len(one.profile.head.firings) == 1
    assert expire_at(one.profile, one.plan, START + 3 * HOUR).empty


def test_a_count_of_firings_that_has_a_maximum_stays_while_its_rule_is_live(write, bench):
    group = write.group(write.attribute("a", ttl=1_000))
    rule = write.rule(write.criterion("g:a", ">", 0), max_fires=1)
    one = bench(write.plan(group, rule))
    assert len(one.step(START, a=None)) == 1
    assert not expire_at(one.profile, one.plan, START + 1_000 * HOUR).empty
    one.reload()
    assert one.step(START + 1_000 * HOUR, a=None) == ()
    assert expire_at(one.profile, write.plan(group), START + 3_000 * HOUR).empty


def test_a_large_state_that_ended_is_deleted_with_its_record(write, bench):
    group = write.group(write.attribute("a", "unique_list", ttl=1_000))
    one = bench(write.plan(group))
    for number in range(100):
        one.step(START + number, a=number)
    one.reload()
    assert len(one.store) == 2
    assert expire_at(one.profile, one.plan, START + 2 * HOUR).empty
    assert dict.fromkeys(one.store) == dict(changed_records(one.profile, NEWEST_LEVEL))


def test_a_profile_that_never_counted_anything_is_empty(write):
    expiry = expire_at(Profile(), write.plan(write.group(write.attribute("a"))), START)
    assert (expiry.changed, expiry.empty) == (False, True)


def test_a_window_that_comes_back_is_read_from_its_own_entries(write, bench):
    group = write.group(write.attribute("a", "unique_list", period=HOUR), write.attribute("b"))
    one = bench(write.plan(group))
    for begin, first in ((START, 0.0), (START + 10 * HOUR, 10.0)):
        for number in range(700):
            one.step(begin + number, a=first + number % 3, b=None)
        assert set(one.read(begin + 699)["a"]) == {first, first + 1, first + 2}
        assert expire_at(one.profile, one.plan, begin + 5 * HOUR).changed
        assert not one.profile.head.windows


def test_what_is_kept_goes_by_arrival_and_not_by_event_time(write, bench):
    group = write.group(write.attribute("a", period=1_000), write.attribute("b", "sum", ttl=1_000))
    one = bench(write.plan(group))
    one.step(START - 1_000 * HOUR, arrival_ms=START, a=None, b=1)
    assert not expire(one.profile, one.plan, Reached(START + SWEEP_LATE_MS, 0)).changed
    assert one.read(START - 1_000 * HOUR) == {"a": 1, "b": 1.0}
    assert expire_at(one.profile, one.plan, START + HOUR).empty


def test_an_idle_window_goes_while_its_profile_does_not_rest(write, bench):
    group = write.group(write.attribute("a", period=1_000), write.attribute("b", "sum"))
    one = bench(write.plan(group))
    one.step(START, a=None)
    one.step(START + HOUR, b=1)
    expire_at(one.profile, one.plan, START + 1_000 + WINDOW_SLACK_MIN_MS - 1)
    assert len(one.profile.head.windows) == 1
    expire_at(one.profile, one.plan, START + 1_000 + WINDOW_SLACK_MIN_MS)
    assert not one.profile.head.windows


def test_a_record_with_an_old_timestamp_stays_for_its_time(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", ttl=HOUR))))
    old = contribution_of(1, "domain_userid", "u1", 5, "e", "click", "", [], None, 5)
    old.values.append((one.series("g:a"), None))
    step(one.profile, old, one.plan, START)
    assert not expire_at(one.profile, one.plan, START + HOUR - 1).changed
    assert expire_at(one.profile, one.plan, START + HOUR).changed


def test_a_profile_that_knows_no_arrival_keeps_what_is_read(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", period=1_000, ttl=None))))
    one.step(START, a=None)
    one.profile.head.arrival_ms = one.profile.head.windows[one.series("g:a")].arrival_ms = -1
    assert not expire_at(one.profile, one.plan, START + 10_000 * HOUR).changed


def test_a_cooldown_of_a_joint_rule_waits_for_all_partitions(write, bench):
    rule = write.rule(
        write.criterion("g:a", ">", 0),
        cooldown=timedelta(hours=3),
        target_attribute_keys=[{"name": "domain_userid"}, {"name": "user_id"}],
    )
    one = bench(write.plan(write.group(write.attribute("a", ttl=1_000)), rule))
    (limit,) = one.plan.limits
    one.profile.head.firings[limit] = (1, START)
    one.profile.head.arrival_ms = START
    over_ms = START + 3 * HOUR + SWEEP_LATE_MS
    assert not expire(one.profile, one.plan, Reached(over_ms, over_ms - 1)).changed
    assert not expire(one.profile, one.plan, Reached(over_ms - 1, over_ms)).changed
    assert expire(one.profile, one.plan, Reached(over_ms, over_ms)).changed

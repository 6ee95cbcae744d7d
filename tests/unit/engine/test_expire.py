from datetime import timedelta

from processor.engine import Profile, changed_records, expire

HOUR = 3_600_000
START = 1_700_000_000_000


def test_nothing_to_drop_changes_nothing(write, bench):
    one = bench(write.plan(write.group(write.attribute("a"))))
    one.step(START, a=None)
    one.reload()
    expiry = expire(one.profile, one.plan, START + 1_000 * HOUR)
    assert (expiry.changed, expiry.empty) == (False, False)
    assert changed_records(one.profile) == []
    assert one.read(START)["a"] == 1


def test_a_window_that_all_entries_left_leaves_an_empty_profile(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", period=1_000))))
    for number in range(300):
        one.step(START + number, a=None)
    one.reload()
    assert len(one.store) > 1
    assert not expire(one.profile, one.plan, START + 500).changed
    expiry = expire(one.profile, one.plan, START + 2 * HOUR)
    assert (expiry.changed, expiry.empty) == (True, True)
    assert dict.fromkeys(one.store) == dict(changed_records(one.profile))


def test_an_empty_profile_starts_anew(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", period=1_000))))
    one.step(START, "e", a=None)
    expire(one.profile, one.plan, START + 2 * HOUR)
    assert one.step(START + 3 * HOUR, "e", a=None) == ()
    one.reload()
    assert one.read(START + 3 * HOUR)["a"] == 1


def test_a_profile_is_kept_while_its_events_could_be_delivered_again(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", ttl=1_000))))
    one.step(START, "e", a=None)
    expiry = expire(one.profile, one.plan, START + HOUR - 1)
    assert (expiry.changed, expiry.empty) == (True, False)
    assert one.step(START, "e", a=None) is None
    assert expire(one.profile, one.plan, START + HOUR).empty


def test_a_lifetime_that_ended_is_dropped_and_others_stay(write, bench):
    group = write.group(write.attribute("a", ttl=1_000), write.attribute("b", "sum"))
    one = bench(write.plan(group))
    one.step(START, a=None, b=1)
    assert not expire(one.profile, one.plan, START + 999).changed
    assert expire(one.profile, one.plan, START + 1_000).changed
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
    assert expire(one.profile, plan, START).changed
    deleted = [suffix for suffix, record in changed_records(one.profile) if record is None]
    assert len(deleted) == len(one.store) - 1
    head = one.profile.head
    assert (len(head.slots), len(head.seen), head.windows, head.timers) == (1, 1, {}, {})


def test_a_count_of_firings_goes_with_its_cooldown(write, bench):
    rule = write.rule(write.criterion("g:a", ">", 0), cooldown=timedelta(hours=3))
    one = bench(write.plan(write.group(write.attribute("a", ttl=1_000)), rule))
    assert len(one.step(START, a=None)) == 1
    assert not expire(one.profile, one.plan, START + 3 * HOUR - 1).empty
    assert len(one.profile.head.firings) == 1
    assert expire(one.profile, one.plan, START + 3 * HOUR).empty


def test_a_count_of_firings_that_has_a_maximum_stays_while_its_rule_is_live(write, bench):
    group = write.group(write.attribute("a", ttl=1_000))
    rule = write.rule(write.criterion("g:a", ">", 0), max_fires=1)
    one = bench(write.plan(group, rule))
    assert len(one.step(START, a=None)) == 1
    assert not expire(one.profile, one.plan, START + 1_000 * HOUR).empty
    one.reload()
    assert one.step(START + 1_000 * HOUR, a=None) == ()
    assert expire(one.profile, write.plan(group), START + 3_000 * HOUR).empty


def test_a_large_state_that_ended_is_deleted_with_its_record(write, bench):
    group = write.group(write.attribute("a", "unique_list", ttl=1_000))
    one = bench(write.plan(group))
    for number in range(100):
        one.step(START + number, a=number)
    one.reload()
    assert len(one.store) == 2
    assert expire(one.profile, one.plan, START + 2 * HOUR).empty
    assert dict.fromkeys(one.store) == dict(changed_records(one.profile))


def test_a_profile_that_never_counted_anything_is_empty(write):
    expiry = expire(Profile(), write.plan(write.group(write.attribute("a"))), START)
    assert (expiry.changed, expiry.empty) == (False, True)


def test_a_window_that_comes_back_is_read_from_its_own_entries(write, bench):
    group = write.group(write.attribute("a", "unique_list", period=HOUR), write.attribute("b"))
    one = bench(write.plan(group))
    for begin, first in ((START, 0.0), (START + 10 * HOUR, 10.0)):
        for number in range(700):
            one.step(begin + number, a=first + number % 3, b=None)
        assert set(one.read(begin + 699)["a"]) == {first, first + 1, first + 2}
        assert expire(one.profile, one.plan, begin + 5 * HOUR).changed
        assert not one.profile.head.windows

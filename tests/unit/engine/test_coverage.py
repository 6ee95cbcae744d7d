"""Since when attributes are complete, and what goes when nothing keeps it any more."""

import pytest

from definitions import AtomicProperty, BatchAttributeGroup, Event, domain_userid
from processor.engine import decode_coverage, new_coverage, read_since
from processor.errors import StateFormatError
from processor.formats import NEWEST_LEVEL

HOUR_MS = 3_600_000
NOW_MS = 1_700_000_000_000
BUY, VIEW = [Event(name="buy")], [Event(name="view")]


@pytest.fixture
def plan(write):
    """Returns plans of one group, each with a later offset than the one before."""
    offsets = iter(range(100))

    def made(*attributes, **group):
        objects = [write.group(*attributes, **group)] if attributes else []
        return write.plan(*objects, definitions_offset=next(offsets))

    return made


def since(coverage, plan, now_ms, group="g"):
    found = read_since(coverage, plan.group_attributes(group), now_ms)
    return {name.rpartition(":")[2]: time_ms for name, time_ms in found.items()}


def begun(*plans):
    """A coverage that noted the plans, the first at the beginning, the next an hour apart."""
    coverage = new_coverage()
    for number, one in enumerate(plans):
        coverage.note(one, NOW_MS + number * HOUR_MS)
    return coverage


def test_what_is_there_at_the_beginning_is_complete(write, plan):
    first = plan(write.attribute("life"), write.attribute("recent", period=HOUR_MS))
    assert since(begun(first), first, NOW_MS) == {}


def test_what_comes_later_says_since_when(write, plan):
    first = plan()
    later = plan(write.attribute("life"), write.attribute("recent", period=HOUR_MS))
    coverage = begun(first, later)
    at = NOW_MS + HOUR_MS
    assert since(coverage, later, at) == {"life": at, "recent": at}
    assert since(coverage, later, at + HOUR_MS - 1) == {"life": at, "recent": at}
    assert since(coverage, later, at + HOUR_MS) == {"life": at}
    assert since(coverage, later, at + 1_000 * HOUR_MS) == {"life": at}


def test_an_attribute_over_what_is_kept_is_complete_at_once(write, plan):
    first = plan(write.attribute("a", "sum"), write.attribute("b", "sum", period=HOUR_MS))
    other = plan(
        write.attribute("c", "sum"),
        write.attribute("d", "mean"),
        write.attribute("e", "min", period=HOUR_MS),
        write.attribute("f", "last", period=HOUR_MS // 2),
        version=2,
    )
    assert since(begun(first, other), other, NOW_MS + HOUR_MS) == {"d": NOW_MS + HOUR_MS}


def test_another_aggregation_over_a_lifetime_begins_with_itself(write, plan):
    first = plan(write.attribute("a", "sum"))
    other = plan(write.attribute("a", "sum"), write.attribute("b", "max"), version=2)
    assert since(begun(first, other), other, NOW_MS + HOUR_MS) == {"b": NOW_MS + HOUR_MS}


def test_a_longer_period_reaches_back_as_far_as_entries_were_kept(write, plan):
    first = plan(write.attribute("a", period=HOUR_MS))
    longer = plan(write.attribute("a", period=HOUR_MS * 10), version=2)
    kept_ms = next(iter(first.series.values())).kept_ms
    coverage = begun(first, longer)
    at = NOW_MS + HOUR_MS
    assert kept_ms >= HOUR_MS
    assert since(coverage, longer, at) == {"a": at - kept_ms}
    assert since(coverage, longer, at - kept_ms + HOUR_MS * 10 - 1) == {"a": at - kept_ms}
    assert since(coverage, longer, at - kept_ms + HOUR_MS * 10) == {}


def test_a_shorter_period_in_between_cuts_what_was_kept(write, plan):
    long, short = ({"period": HOUR_MS * hours} for hours in (10, 1))
    plans = [plan(write.attribute("a", **one)) for one in (long, short, long)]
    kept_ms = next(iter(plans[1].series.values())).kept_ms
    coverage = begun(*plans)
    at = NOW_MS + 2 * HOUR_MS
    assert since(coverage, plans[2], at) == {"a": at - kept_ms}


def test_a_window_over_a_lifetime_series_starts_with_itself(write, plan):
    first = plan(write.attribute("a"))
    both = plan(write.attribute("a"), write.attribute("b", period=HOUR_MS), version=2)
    coverage = begun(first, both)
    assert since(coverage, both, NOW_MS + HOUR_MS) == {"b": NOW_MS + HOUR_MS}


def test_what_was_not_noted_yet_begins_now(write, plan):
    first = plan(write.attribute("a", period=HOUR_MS))
    newer = plan(
        write.attribute("b", events=BUY), write.attribute("c", period=HOUR_MS * 10), version=2
    )
    coverage = begun(first)
    kept_ms = next(iter(first.series.values())).kept_ms
    assert since(coverage, newer, NOW_MS) == {"b": NOW_MS, "c": NOW_MS - kept_ms}


def test_a_plan_that_others_have_left_behind_says_nothing(write, plan):
    older, newer = plan(write.attribute("a")), plan(write.attribute("b", events=BUY))
    coverage = begun(older, newer)
    assert not coverage.note(older, NOW_MS + 9 * HOUR_MS)
    assert since(coverage, newer, NOW_MS) == {"b": NOW_MS + HOUR_MS}
    assert coverage.generation == 1


def test_the_beginning_was_another_one_where_something_was_sent_under_older_definitions(
    write, plan
):
    plan()
    first, newer = plan(write.attribute("a")), plan(write.attribute("a"), version=2)
    coverage = begun(first)
    assert not coverage.sent_under(first.definitions_offset, NOW_MS)
    coverage.note(newer, NOW_MS)
    assert since(coverage, newer, NOW_MS) == {}
    assert not coverage.sent_under(first.definitions_offset, NOW_MS)
    assert coverage.sent_under(first.definitions_offset - 1, NOW_MS)
    assert since(coverage, newer, NOW_MS) == {"a": NOW_MS}
    assert not coverage.sent_under(first.definitions_offset, NOW_MS + 1)


def test_what_is_sent_under_older_definitions_moves_since_of_all_that_is_newer(write, plan):
    a, b = write.attribute("a"), write.attribute("b", events=BUY)
    first, second = plan(a), plan(a, b)
    third = plan(a, b, write.attribute("c", events=VIEW))
    coverage = begun(first)
    for newer in (second, third):
        coverage.note(newer, NOW_MS)
    assert coverage.sent_under(second.definitions_offset, NOW_MS + 5)
    assert since(coverage, third, NOW_MS) == {"b": NOW_MS, "c": NOW_MS + 5}
    assert coverage.sent_under(first.definitions_offset, NOW_MS + 7)
    assert since(coverage, third, NOW_MS) == {"b": NOW_MS + 7, "c": NOW_MS + 7}
    assert not coverage.sent_under(third.definitions_offset, NOW_MS + 9)
    assert not coverage.sent_under(first.definitions_offset, NOW_MS + 7)


def test_what_is_new_begins_when_all_partitions_are_read_under_definitions_that_have_it(
    write, plan
):
    first = plan(write.attribute("a"))
    second = plan(write.attribute("a"), write.attribute("b", events=BUY))
    coverage = begun(first)
    coverage.note(second, NOW_MS)
    assert coverage.read_under(first.definitions_offset, NOW_MS + 10)
    assert coverage.read_under(first.definitions_offset, NOW_MS + 20)
    assert since(coverage, second, NOW_MS) == {"b": NOW_MS + 20}
    assert coverage.read_under(second.definitions_offset, NOW_MS + 30)
    assert not coverage.read_under(second.definitions_offset, NOW_MS + 40)
    assert since(coverage, second, NOW_MS) == {"b": NOW_MS + 30}
    assert decode_coverage(coverage.encode(NEWEST_LEVEL)) == coverage


def test_what_was_confirmed_begins_anew_when_a_partition_is_read_under_older_definitions(
    write, plan
):
    """Its events that only the new attribute counts make no section that would say so."""
    first = plan(write.attribute("a"))
    second = plan(write.attribute("a"), write.attribute("b", events=BUY))
    coverage = begun(first)
    coverage.note(second, NOW_MS)
    assert coverage.read_under(second.definitions_offset, NOW_MS + 30)
    assert coverage.read_under(first.definitions_offset, NOW_MS + 60)
    assert coverage.read_under(second.definitions_offset, NOW_MS + 80)
    assert not coverage.read_under(second.definitions_offset, NOW_MS + 90)
    assert since(coverage, second, NOW_MS) == {"b": NOW_MS + 80}


def test_a_commit_that_names_no_definitions_takes_nothing_back(write, plan):
    first = plan(write.attribute("a"))
    coverage = begun(first)
    assert not coverage.read_under(-1, NOW_MS + 30)
    assert since(coverage, first, NOW_MS) == {}


def test_a_beginning_in_the_future_is_cut(write, plan):
    first = plan(write.attribute("a"))
    second = plan(write.attribute("a"), write.attribute("b", events=BUY))
    coverage = begun(first)
    coverage.note(second, NOW_MS + 48 * HOUR_MS)
    coverage.cut(NOW_MS)
    assert since(coverage, second, NOW_MS) == {"b": NOW_MS}


def test_registered_attributes_have_no_since(write):
    batch = BatchAttributeGroup(
        name="g",
        attribute_key=domain_userid,
        owner="a@example.com",
        attributes=[write.attribute("a")],
        is_published=True,
    )
    made = write.plan(batch, definitions_offset=1)
    assert since(new_coverage(), made, NOW_MS) == {}


def test_what_comes_back_starts_anew(write, plan, bench):
    both = [
        write.attribute("life", "sum"),
        write.attribute("recent", "sum", period=HOUR_MS),
        write.attribute("other", events=VIEW),
    ]
    plans = [plan(*both), plan(both[2], version=2), plan(*both)]
    one = bench(plans[0])
    coverage = begun(plans[0])
    one.step(NOW_MS, life=2.5, other=None)
    assert one.read(NOW_MS) == {"life": 2.5, "recent": 2.5, "other": 1}
    one.reload()
    for later in plans[1:]:
        coverage.note(later, NOW_MS + 1)
    one.plan = plans[2]
    coverage.renew(one.profile)
    assert one.profile.changed
    assert one.read(NOW_MS) == {"life": None, "recent": None, "other": 1}
    assert since(coverage, plans[2], NOW_MS + 2) == {"life": NOW_MS + 1, "recent": NOW_MS + 1}
    one.step(NOW_MS + 2, life=1.0)
    coverage.renew(one.profile)
    assert one.read(NOW_MS + 2) == {"life": 1.0, "recent": 1.0, "other": 1}


def test_everything_that_went_goes_from_a_profile_whenever_it_is_looked_at(write, plan, bench):
    limited = write.rule(write.criterion("g:n", ">", 0), max_fires=1)
    group = write.group(
        write.attribute("n", ttl=HOUR_MS), write.attribute("w", period=HOUR_MS), ttl=HOUR_MS
    )
    one = bench(write.plan(group, limited, definitions_offset=0))
    coverage = begun(one.plan)
    assert one.step(NOW_MS, n=None)
    head = one.profile.head
    assert all((head.slots, head.timers, head.windows, head.seen, head.firings))
    coverage.note(write.plan(definitions_offset=1), NOW_MS)
    coverage.renew(one.profile)
    assert not any((head.slots, head.timers, head.windows, head.seen, head.firings))


def test_chunks_of_a_window_that_went_are_deleted(write, plan, bench):
    one = bench(plan(write.attribute("w", "sum", period=HOUR_MS)))
    coverage = begun(one.plan)
    for number in range(700):
        one.step(NOW_MS + number, w=float(number))
    one.reload()
    assert len(one.store) > 2
    coverage.note(plan(write.attribute("x", events=BUY)), NOW_MS)
    coverage.renew(one.profile)
    one.reload()
    assert list(one.store) == []


def test_a_profile_of_this_generation_is_left_alone(write, plan, bench):
    plans = [plan(write.attribute("a")), plan()]
    coverage = begun(*plans)
    one = bench(plans[0])
    one.profile.head.generation = coverage.generation
    one.step(NOW_MS, a=None)
    coverage.renew(one.profile)
    assert one.read(NOW_MS) == {"a": 1}


def test_what_is_forgotten_goes_from_no_profile(write, plan, bench):
    plans = [plan(write.attribute("a")), plan(), plan(write.attribute("b", events=BUY)), plan()]
    coverage = begun(*plans)
    assert set(coverage.gone.values()) == {1, 2}
    assert coverage.forget_gone(1)
    assert set(coverage.gone.values()) == {2}
    assert not coverage.forget_gone(1)


def test_a_coverage_comes_back_as_it_was(write, plan):
    attributes = [
        write.attribute("a", "sum", property=AtomicProperty(name="se_value")),
        write.attribute("w", period=HOUR_MS),
    ]
    coverage = begun(plan(*attributes), plan(attributes[0], version=2))
    assert coverage.gone
    assert decode_coverage(coverage.encode(NEWEST_LEVEL)) == coverage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:1] + b"\x09" + data[2:], "0xa9/9"),
        (lambda data: b"\x00" + data[1:], "0x00/2"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "checksum"),
    ],
)
def test_a_record_that_is_not_ours_is_refused(write, plan, damage, message):
    data = begun(plan(write.attribute("a"))).encode(NEWEST_LEVEL)
    with pytest.raises(StateFormatError, match=message):
        decode_coverage(damage(data))

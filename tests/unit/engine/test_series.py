from processor.limits import WINDOW_SLACK_MAX_MS, WINDOW_SLACK_MIN_MS

DAY = 86_400_000


def series(plan):
    (one,) = plan.series.values()
    return one


def test_attributes_of_one_series_share_accumulators_of_the_same_family(write):
    one = series(write.plan(write.group(write.attribute("a"), write.attribute("b"))))
    assert len(one.slots) == 1
    ttl = write.attribute("c", ttl=5)
    assert len(series(write.plan(write.group(write.attribute("a"), ttl))).slots) == 2


def test_entries_are_kept_for_the_longest_period_and_a_slack(write):
    for period, slack in ((1_000, WINDOW_SLACK_MIN_MS), (DAY, WINDOW_SLACK_MAX_MS)):
        group = write.group(write.attribute("a", period=1), write.attribute("b", period=period))
        assert series(write.plan(group)).kept_ms == period + slack


def test_entries_that_a_rule_tells_without_reading_them_are_kept_for_an_hour_at_least(write):
    read = write.attribute("a", period=1_000)
    told = write.attribute("b", "sum", period=1_000)
    rule = write.rule(write.criterion("g:a", ">", 0))
    plan = write.plan(write.group(read, told), rule)
    kept = [plan.series[one.series_id].kept_ms for one in plan.group_attributes("g")]
    assert kept == [1_000 + WINDOW_SLACK_MIN_MS, 1_000 + WINDOW_SLACK_MAX_MS]


def test_aggregations_of_one_family_share_their_accumulator_and_their_summaries(write):
    names = ("most_frequent", "least_frequent")
    lifetime = [write.attribute(name, name) for name in names]
    windowed = [write.attribute(f"{name}_recent", name, period=5) for name in names]
    one = series(write.plan(write.group(*lifetime, *windowed)))
    assert (len(one.slots), len(one.large_slots)) == (0, 1)
    assert [aggregate.family for aggregate in one.aggregates] == ["frequencies"]


def test_a_series_without_windows_keeps_no_entries(write):
    assert series(write.plan(write.group(write.attribute("a")))).kept_ms == 0


def test_a_touch_knows_what_the_contribution_can_change(write):
    group = write.group(write.attribute("a"), write.attribute("b", "sum"))
    plan = write.plan(group, write.rule(write.criterion("g:a", ">", 0)))
    a, b = (one.series_id for one in plan.group_attributes("g"))
    assert [len(changing) for _, changing in plan.touch((a,)).rules] == [1]
    assert plan.touch((b,)).rules == ()
    assert plan.touch((a, 5)).series[1] is None
    assert not plan.touch((5,)).live

from processor.engine import Profile, read_attributes, read_values

START = 1_700_000_000_000


def test_values_stand_under_the_names_of_the_attributes(write, bench):
    one = bench(write.plan(write.group(write.attribute("a"), write.attribute("b", "sum"))))
    one.step(START, a=None)
    attributes = one.plan.group_attributes("g")
    assert read_attributes(one.profile, attributes, START) == {"a": 1, "b": None}
    assert read_values(one.profile, attributes[::-1], START) == [None, 1]


def test_an_unknown_profile_has_the_defaults(write):
    plan = write.plan(write.group(write.attribute("a", default_value=0), write.attribute("b")))
    attributes = plan.group_attributes("g")
    assert read_attributes(None, attributes, START) == {"a": 0, "b": None}
    assert read_attributes(Profile(), attributes, START) == {"a": 0, "b": None}


def test_reading_changes_nothing(write, bench):
    one = bench(
        write.plan(write.group(write.attribute("a", ttl=10), write.attribute("b", period=10)))
    )
    one.step(START, a=None)
    one.reload()
    before = one.profile.head.slots.copy()
    one.read(START + 1_000_000)
    assert one.profile.head.slots == before
    assert not one.profile.changed

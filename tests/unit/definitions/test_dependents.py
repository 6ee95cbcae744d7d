"""Who needs whom, and what a change takes out of force."""

from itertools import chain, combinations

import pytest

from definitions import LinkAttributeKey
from definitions.catalog import Catalog
from definitions.dependents import Moved, dependents, moved, stopped
from definitions.life_cycle import delete
from definitions.objects import record_key
from definitions.problems import ProblemCode

APP = LinkAttributeKey(name="app")


def catalog(*objects):
    return Catalog.empty().with_objects(objects)


def users(found):
    return {key: [record_key(one) for one in needing] for key, needing in found.items()}


def everything(write):
    """Objects that need each other in every way, by record key."""
    objects = [
        write.key(),
        write.group("own", attribute_key=write.key("other", "platform")),
        write.group("link", attribute_key=LinkAttributeKey(name="other")),
        write.group("g", 1, ("n", "old"), attribute_key=APP),
        write.group("g", 2, ("n", "new"), attribute_key=APP, is_published=False),
        write.group("g", 3, ("n",), batch=True),
        write.service(("g", 1), ("own", 1)),
        write.rule("g:n", "either", target_attribute_keys=[APP]),
        write.rule("g:old", "first"),
        write.rule("g:n", "second", is_published=False, payload_attribute_groups=[]),
    ]
    return {record_key(one): one for one in objects}


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        (
            ["attribute_key/app"],
            {
                "attribute_key/app": [
                    "attribute_group/g/1",
                    "attribute_group/g/2",
                    "intervention/either/1",
                ]
            },
        ),
        (
            ["attribute_group/own/1"],
            {"attribute_group/own/1": ["attribute_group/link/1", "service/s"]},
        ),
        (["attribute_group/link/1"], {}),
        (["attribute_group/g/1"], {"attribute_group/g/1": ["service/s", "intervention/first/1"]}),
        (["attribute_group/g/2"], {}),
        (["attribute_group/g/3"], {}),
        (
            ["attribute_group/g/1", "attribute_group/g/2", "service/s", "intervention/first/1"],
            {
                "attribute_group/g/1": ["intervention/either/1", "intervention/second/1"],
                "attribute_group/g/2": ["intervention/either/1", "intervention/second/1"],
            },
        ),
        (["service/s", "intervention/either/1"], {}),
    ],
)
def test_who_needs_what_shall_go(write, gone, expected):
    assert users(dependents(catalog(*everything(write).values()), gone)) == expected


def test_what_may_go_leaves_nothing_wrong_and_what_may_not_would(write):
    """Every set of at most three that could be deleted together."""
    objects = everything(write)
    whole = catalog(*(one.model_copy(update={"is_published": False}) for one in objects.values()))
    assert whole.problems() == []
    sets = chain.from_iterable(combinations(objects, size) for size in (1, 2, 3))
    for gone in sets:
        step = delete(whole, gone)
        wrong = {problem.record for problem in step.catalog.problems()}
        in_use = [one for one in step.problems if one.code == ProblemCode.IN_USE]
        assert bool(wrong) == bool(in_use), gone
        told = {name for name in objects if name not in gone and needed_by(whole, gone, name)}
        assert told == wrong, gone


def needed_by(whole, gone, name):
    return any(name in names for names in users(dependents(whole, gone)).values())


def test_a_group_that_says_its_key_itself_still_needs_the_registered_one(write):
    """The registered key may say the time to live."""
    key = write.key()
    found = dependents(catalog(key, write.group(attribute_key=key)), ["attribute_key/app"])
    assert users(found) == {"attribute_key/app": ["attribute_group/g/1"]}


def test_what_needs_something_out_of_force_stops_with_it(write):
    objects = [write.key(), write.group(attribute_key=APP), write.service(("g", 1)), write.rule()]
    before = catalog(*objects)
    after = before.with_objects([write.key(is_published=False)])
    assert stopped(before, after) == [record_key(one) for one in objects]
    assert stopped(after, before) == []


def test_what_was_not_in_force_does_not_stop(write):
    before = catalog(write.group(), write.rule(is_published=False))
    after = before.with_objects([write.group(online=False)])
    assert stopped(before, after) == ["attribute_group/g/1"]


def test_a_rule_moves_to_the_latest_published_version_that_has_the_attribute(write):
    one = catalog(write.group("g", 1, ("n", "m")), write.rule("g:n", "r"), write.rule("g:m", "s"))
    two = one.with_objects([write.group("g", 2, ("n",))])
    assert moved(one, two) == [Moved("intervention/r/1", "g:n", 1, 2)]
    assert moved(two, one) == [Moved("intervention/r/1", "g:n", 2, 1)]
    assert moved(one, one.with_objects([write.group("g", 2, ("n",), is_published=False)])) == []

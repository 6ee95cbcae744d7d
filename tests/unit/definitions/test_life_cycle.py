"""Draft, published, unpublished, deleted."""

import pytest

from definitions import AtomicProperty, AttributeKey, LinkAttributeKey
from definitions.catalog import Catalog
from definitions.life_cycle import (
    create,
    delete,
    draft,
    publish,
    publish_stored,
    records_named,
    replace,
    unpublish,
)
from definitions.objects import record_key

GROUP = "attribute_group/g/1"
RULE = "intervention/r/1"


def catalog(*objects):
    return Catalog.empty().with_objects(objects)


def live(found):
    return [record_key(one) for one in found.published()]


def codes(step):
    return [(problem.code, problem.record) for problem in step.problems]


def test_the_way_of_a_group(write):
    found = Catalog.empty()
    in_force = []
    for take in (
        lambda now: draft(now, [write.group()]),
        lambda now: publish(now, [write.group()]),
        lambda now: unpublish(now, [GROUP]),
        lambda now: publish(now, [write.group()]),
        lambda now: unpublish(now, [GROUP]),
        lambda now: delete(now, [GROUP]),
    ):
        step = take(found)
        assert step.problems == []
        assert step.records == (GROUP,)
        found = step.catalog
        in_force.append(live(found))
    assert in_force == [[], [GROUP], [], [GROUP], [], []]
    assert list(found) == []


def test_what_is_published_whatever_the_object_says(write):
    step = publish(Catalog.empty(), [write.rule(is_published=False), write.group()])
    assert step.records == (GROUP, RULE)
    assert live(step.catalog) == [GROUP, RULE]


@pytest.mark.parametrize("take", [publish, draft])
def test_what_cannot_be_right_is_refused_whether_published_or_stored(write, take):
    step = take(Catalog.empty(), [write.rule("none:n")])
    assert codes(step) == [("unknown_group", RULE)]


def test_a_draft_of_something_that_is_not_published_is_right(write):
    drafts = [write.service(("g", 1)), write.rule()]
    step = draft(catalog(write.group(is_published=False)), drafts)
    assert step.problems == []
    assert live(step.catalog) == []


def test_a_draft_does_not_take_the_place_of_what_is_published(write):
    step = draft(catalog(write.group()), [write.group()])
    assert codes(step) == [("published", GROUP)]


def test_publishing_refuses_to_make_another_definition_wrong(write):
    """Content may change in a draft, also of a group that a rule needs."""
    before = catalog(write.group("g", 1, ("n", "m"), is_published=False), write.rule("g:m"))
    step = publish(before, [write.group("g", 1, ("n",))])
    assert codes(step) == [("unknown_attribute", RULE)]
    both = publish(before, [write.group("g", 1, ("n",)), write.rule("g:n")])
    assert codes(both) == [("published_content", RULE)]


def test_what_was_wrong_before_refuses_nothing_else(write):
    before = catalog(write.group(), write.rule("g:gone"))
    assert publish(before, [write.group("h")]).problems == []


def test_an_unpublished_group_is_no_reason_to_refuse_another_definition(write):
    before = catalog(write.group(is_published=False), write.service(("g", 1)))
    assert publish(before, [write.group("h")]).problems == []


# --- unpublish ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["attribute_key/app", GROUP, "service/s", RULE])
def test_unpublishing_is_never_refused(write, name):
    before = catalog(
        write.key(),
        write.group(attribute_key=LinkAttributeKey(name="app")),
        write.service(("g", 1)),
        write.rule(),
    )
    step = unpublish(before, [name])
    assert step.problems == []
    assert step.records == (name,)
    assert name not in live(step.catalog)


def test_what_needs_it_stays_published_and_is_in_force_again_with_it(write):
    before = catalog(write.group(), write.service(("g", 1)), write.rule())
    without = unpublish(before, [GROUP]).catalog
    assert live(without) == []
    assert live(publish(without, [write.group()]).catalog) == live(before)


def test_unpublishing_in_the_order_of_the_sdk_ends_with_everything_unpublished(write):
    found = catalog(write.group(), write.service(("g", 1)), write.rule())
    for name in (GROUP, "service/s", RULE):
        step = unpublish(found, [name])
        assert step.problems == []
        found = step.catalog
    assert not any(one.is_published for one in found)


def test_a_rule_is_right_whatever_warehouse_versions_its_group_has(write):
    batch = write.group("g", 3, batch=True)
    before = catalog(write.group("g", 2), write.rule())
    for step in (publish(before, [batch]), draft(before, [batch])):
        assert step.problems == []
        assert RULE in live(step.catalog)
        for name in ("attribute_group/g/2", RULE):
            without = unpublish(step.catalog, [name]).catalog
            assert RULE not in live(without)
            assert {one.code for one in without.problems()} <= {"unpublished_group"}


def test_a_rule_that_would_be_wrong_with_what_is_left_is_unpublished_along(write):
    """No other group says what the attribute key that the rule targets is."""
    shop = AttributeKey(name="shop", property=AtomicProperty(name="app_id"))
    before = catalog(
        write.group("g", 1),
        write.group("g", 2, attribute_key=shop),
        write.rule(target_attribute_keys=[LinkAttributeKey(name="shop")]),
    )
    step = unpublish(before, ["attribute_group/g/2"])
    assert step.records == ("attribute_group/g/2", RULE)
    assert step.catalog.problems() == []


def test_versions_live_side_by_side_and_go_one_by_one_or_together(write):
    before = catalog(write.group("g", 1), write.group("g", 2), write.group("g", 10))
    one = unpublish(before, ["attribute_group/g/2"])
    assert live(one.catalog) == ["attribute_group/g/1", "attribute_group/g/10"]
    assert live(unpublish(before, ["attribute_group/g"]).catalog) == []


# --- delete ---------------------------------------------------------------------------------------


def test_what_is_published_is_not_deleted(write):
    step = delete(catalog(write.group()), [GROUP])
    assert codes(step) == [("published", GROUP)]
    assert "unpublish it first" in step.problems[0].hint


def test_what_is_needed_is_not_deleted_and_the_refusal_says_by_what(write):
    before = catalog(
        write.group(is_published=False),
        write.service(("g", 1), is_published=False),
        write.rule(is_published=False),
    )
    step = delete(before, [GROUP])
    assert codes(step) == [("in_use", GROUP)]
    assert step.problems[0].message == "needed by service s, intervention r v1"
    together = delete(before, [GROUP, "service/s", "intervention/r"])
    assert together.problems == []
    assert together.records == (RULE, "service/s", GROUP)
    assert list(together.catalog) == []


def test_all_that_refuses_a_deletion_is_told_at_once(write):
    step = delete(catalog(write.group(), write.rule()), [GROUP, "service/x"])
    assert codes(step) == [("unknown_object", ""), ("published", GROUP), ("in_use", GROUP)]


def test_a_record_that_nobody_can_read_may_be_deleted(write):
    step = delete(catalog(write.group()), ["intervention/broken/1"], ["intervention/broken/1"])
    assert step.problems == []
    assert step.records == ("intervention/broken/1",)


def test_the_content_of_a_deleted_version_is_free(write):
    published = catalog(write.key(), write.group())
    other = write.group(names=("other",))
    assert codes(publish(published, [other])) == [("published_content", GROUP)]
    gone = delete(unpublish(published, [GROUP]).catalog, [GROUP]).catalog
    assert publish(gone, [other]).problems == []
    moved = write.key().model_copy(update={"property": AtomicProperty(name="platform")})
    assert publish(gone, [moved]).problems == []


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["attribute_group/g"], ["attribute_group/g/1", "attribute_group/g/2"]),
        (["attribute_group/g/2", "attribute_group/g"], ["attribute_group/g/2", GROUP]),
        (["service/g"], ["service/g"]),
        ([], []),
    ],
)
def test_a_name_without_version_means_every_version(names, expected):
    stored = ["attribute_group/g/1", "attribute_group/g/2", "attribute_group/gg/1", "service/g"]
    assert records_named(stored, names) == (expected, [])


@pytest.mark.parametrize("name", ["attribute_group/h", "attribute_group", "g", "", "service/g/1"])
def test_a_name_that_means_nothing_is_a_problem(name):
    records, (problem,) = records_named([GROUP, "service/g"], [name])
    assert records == []
    assert (problem.code, problem.place) == ("unknown_object", name)


def test_a_name_that_is_nearly_right_is_told():
    _, (problem,) = records_named([GROUP], ["attribute_groups/g/1"])
    assert problem.hint.endswith(f"did you mean {GROUP}?")


# --- one definition, created or replaced ---------------------------------------------------------


def test_what_is_there_is_not_created_again(write):
    step = create(catalog(write.group()), write.group(names=("other",)))
    assert codes(step) == [("exists", GROUP)]
    assert step.records == ()


@pytest.mark.parametrize("published", [True, False])
def test_what_is_created_is_in_force_as_it_says(write, published):
    step = create(Catalog.empty(), write.group(is_published=published))
    assert step.problems == []
    assert live(step.catalog) == ([GROUP] if published else [])


def test_what_is_not_there_is_not_replaced(write):
    assert codes(replace(Catalog.empty(), write.group())) == [("unknown_object", "")]


def test_a_draft_is_replaced_by_another_and_put_in_force(write):
    drafted = replace(
        catalog(write.group(is_published=False)), write.group(names=("m",), is_published=False)
    )
    assert drafted.problems == []
    step = replace(drafted.catalog, write.group(names=("k",)))
    assert step.problems == []
    assert live(step.catalog) == [GROUP]


def test_what_says_that_it_is_not_published_is_taken_out_of_force_with_its_new_description(write):
    found = catalog(write.group(), write.service(("g", 1)))
    step = replace(found, write.group(is_published=False, description="old"))
    assert step.problems == []
    assert step.records == (GROUP,)
    assert live(step.catalog) == []
    assert step.catalog.attribute_groups["g", 1].description == "old"


def test_a_service_is_taken_out_of_force_after_its_groups(write):
    found = unpublish(catalog(write.group(), write.service(("g", 1))), [GROUP]).catalog
    step = replace(found, write.service(("g", 1), is_published=False))
    assert step.problems == []
    assert not step.catalog.services["s"].is_published


def test_what_is_taken_out_of_force_keeps_its_published_content(write):
    step = replace(catalog(write.group()), write.group(names=("m",), is_published=False))
    assert codes(step) == [("published_content", GROUP)]
    assert live(step.catalog) == [GROUP]


def test_stored_definitions_are_published_by_name_all_or_none(write):
    found = catalog(write.group(is_published=False), write.service(("g", 1), is_published=False))
    assert live(publish_stored(found, [GROUP, "service/s"]).catalog) == [GROUP, "service/s"]
    assert codes(publish_stored(found, ["service/s"])) == [("unpublished_group", "service/s")]
    assert codes(publish_stored(found, [GROUP, "service/t"])) == [("unknown_object", "")]

import pytest

from definitions import Attribute, Service, user_id
from processor.errors import DefinitionError
from tests.by_hand import SOURCE


def names(attributes):
    return [attribute.full_name for attribute in attributes]


def service(*groups):
    return Service(name="s", attribute_groups=groups, owner="a@example.com", is_published=True)


def test_drafts_and_offline_groups_are_not_computed(write):
    draft = write.group(write.attribute("a"), is_published=False)
    offline = write.group(write.attribute("a"), name="h", online=False)
    plan = write.plan(draft, offline)
    assert plan.contributions(write.event(), SOURCE, 0) == []
    with pytest.raises(DefinitionError, match="'g'"):
        plan.group_attributes("g")


def test_a_group_is_read_in_its_latest_version_or_the_one_given(write):
    plan = write.plan(*(write.group(write.attribute("a"), version=number) for number in (2, 10, 1)))
    assert names(plan.group_attributes("g")) == ["g_v10:a"]
    assert names(plan.group_attributes("g", 2)) == ["g_v2:a"]
    with pytest.raises(DefinitionError, match="version 3"):
        plan.group_attributes("g", 3)


def test_attributes_are_those_of_the_key(write):
    groups = [
        write.group(write.attribute("a")),
        write.group(write.attribute("b"), name="h", attribute_key=user_id),
    ]
    plan = write.plan(*groups, service(*groups))
    assert names(plan.service_attributes("s", "user_id")) == ["h_v1:b"]
    assert names(plan.service_attributes("s", "domain_userid")) == ["g_v1:a"]
    assert plan.service_attributes("s", "other") == []
    assert plan.group_attributes("h", key="domain_userid") == []
    with pytest.raises(DefinitionError, match="'t'"):
        plan.service_attributes("t", "user_id")


def test_a_definition_that_is_not_computed_is_named(write):
    one = Attribute(name="u", type="string_list", aggregation="unique_list", events=[])
    with pytest.raises(DefinitionError) as raised:
        write.plan(write.group(one))
    assert "attribute 'u' of g version 1" in str(raised.value)


def test_versions_with_the_same_meaning_measure_an_event_once(write):
    plan = write.plan(*(write.group(write.attribute("a"), version=number) for number in (1, 2)))
    (one,) = plan.contributions(write.event(), SOURCE, 0)
    assert len(one.values) == 1


def test_rules_are_known_by_name_and_version(write):
    rules = [
        write.rule(write.criterion("g:a", ">", 1), name=name, version=number)
        for name, number in (("b", 1), ("a", 2), ("a", 1))
    ]
    plan = write.plan(write.group(write.attribute("a")), *rules)
    assert [(rule.name, rule.version) for rule in plan.rules] == [("a", 1), ("a", 2), ("b", 1)]


def test_a_rule_over_a_group_that_is_not_live_is_not_active(write):
    draft = write.group(write.attribute("a"), is_published=False)
    assert write.plan(draft, write.rule(write.criterion("g:a", ">", 1))).rules == ()

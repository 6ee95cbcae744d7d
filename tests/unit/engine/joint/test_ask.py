"""What an event asks, for joint rules, of the profiles of its keys."""

import pytest

from definitions import (
    AtomicProperty,
    AttributeKey,
    InterventionCriteriaAll,
    LinkAttributeKey,
    VersionedLinkAttributeGroup,
    domain_sessionid,
    user_id,
)
from definitions import Event as Selector
from tests.by_hand import SOURCE

ONE = {"user_id": "jo", "domain_sessionid": "s"}
SHOP = AttributeKey(name="shop", property=AtomicProperty(name="app_id"))


def groups(write):
    click, view = [Selector(name="click")], [Selector(name="view")]
    return [
        write.group(write.attribute("n", events=click), name="u", attribute_key=user_id),
        write.group(
            write.attribute("n", events=view), write.attribute("m", events=click), name="s",
            attribute_key=domain_sessionid,
        ),
        write.group(write.attribute("n", events=view), name="v", attribute_key=SHOP),
    ]  # fmt: skip


def both(write, **fields):
    criteria = [write.criterion("u:n", ">", 0), write.criterion("s:n", ">", 0)]
    return write.rule(InterventionCriteriaAll(all=criteria), **fields)


def targets(*names):
    return [LinkAttributeKey(name=name) for name in names]


def asked(plan, event):
    """By key: the id, how many values, the names of the rules asked, all ids."""
    names = {rule_id: rule.name for rule_id, rule in plan.joints.items()}
    return {
        one.key: (
            one.id,
            len(one.values),
            one.asks and (sorted(names[rule] for rule in one.asks.rules), one.asks.ids),
        )
        for one in plan.contributions(event, SOURCE, 5)
    }


def test_an_event_asks_every_key_that_the_rule_reads_with_values_or_without(write):
    plan = write.plan(*groups(write)[:2], both(write))
    found = asked(plan, write.event(**ONE))
    assert found == {
        "domain_sessionid": ("s", 1, (["r"], ONE)),
        "user_id": ("jo", 1, (["r"], ONE)),
    }
    found = asked(plan, write.event(event_name="view", **ONE))
    assert found == {
        "domain_sessionid": ("s", 1, (["r"], ONE)),
        "user_id": ("jo", 0, (["r"], ONE)),
    }


def test_what_only_asks_names_the_event(write):
    plan = write.plan(*groups(write)[:2], both(write))
    event = write.event(event_name="view", derived_tstamp="2026-11-22 10:00:00.1", **ONE)
    (_, one) = plan.contributions(event, SOURCE, 5)
    assert (one.trigger.offset, one.key, one.id, one.values) == (5, "user_id", "jo", [])
    assert (one.trigger.time_ms, one.trigger.event_id) == (event.time_ms, event.event_id)
    assert (one.trigger.event_name, one.trigger.derived_tstamp) == ("view", "2026-11-22 10:00:00.1")


def test_an_event_that_concerns_no_joint_rule_asks_nothing(write):
    rule = write.rule(write.criterion("s:n", ">", 0), target_attribute_keys=targets("user_id"))
    plan = write.plan(*groups(write)[:2], rule)
    event = write.event(**ONE)
    assert [one.asks for one in plan.contributions(event, SOURCE, 0)] == [None, None]
    assert asked(plan, write.event(event_name="view", **ONE))["domain_sessionid"][2]


def test_series_that_only_the_message_tells_do_not_concern_the_rule(write):
    payload = [VersionedLinkAttributeGroup(name="u"), VersionedLinkAttributeGroup(name="s")]
    rule = write.rule(write.criterion("u:n", ">", 0), payload_attribute_groups=payload)
    plan = write.plan(*groups(write)[:2], rule)
    assert asked(plan, write.event(event_name="view", **ONE)) == {
        "domain_sessionid": ("s", 1, None)
    }
    found = asked(plan, write.event(**ONE))
    assert {key: one[2] for key, one in found.items()} == dict.fromkeys(ONE, (["r"], ONE))


def test_local_rules_are_not_asked_for(write):
    plan = write.plan(*groups(write), write.rule(write.criterion("u:n", ">", 0)))
    assert plan.joints == {}
    assert asked(plan, write.event(**ONE))["user_id"] == ("jo", 1, None)


def test_a_key_without_an_id_is_not_asked(write):
    plan = write.plan(*groups(write)[:2], both(write))
    assert asked(plan, write.event(user_id="jo")) == {
        "user_id": ("jo", 1, (["r"], {"user_id": "jo"}))
    }


def test_without_the_id_of_any_target_nothing_is_asked(write):
    rule = both(write, target_attribute_keys=targets("domain_userid", "shop"))
    plan = write.plan(*groups(write), rule)
    assert asked(plan, write.event(domain_userid="", **ONE))["user_id"] == ("jo", 1, None)
    ids = {**ONE, "shop": "x"}
    found = asked(plan, write.event(domain_userid="", app_id="x", **ONE))
    assert found == {
        "domain_sessionid": ("s", 1, (["r"], ids)),
        "user_id": ("jo", 1, (["r"], ids)),
    }


def test_a_target_that_no_group_is_kept_by_has_the_id_of_its_property(write):
    registered = SHOP.model_copy(update={"is_published": True})
    rule = write.rule(write.criterion("u:n", ">", 0), target_attribute_keys=targets("shop"))
    plan = write.plan(groups(write)[0], registered, rule)
    found = asked(plan, write.event(app_id="x", **ONE))
    assert found == {"user_id": ("jo", 1, (["r"], {"user_id": "jo", "shop": "x"}))}


@pytest.mark.parametrize("app_id", ["", "x" * 300])
def test_an_id_that_is_no_id_is_none_and_counted(write, app_id):
    rule = both(write, target_attribute_keys=targets("shop", "user_id"))
    plan = write.plan(*groups(write), rule)
    found = asked(plan, write.event(app_id=app_id, **ONE))
    assert found["user_id"] == ("jo", 1, (["r"], ONE))
    assert plan.take_rejected() == ({("shop", "identifier"): 1} if app_id else {})


def test_several_rules_ask_with_one_contribution_and_the_ids_of_all(write):
    rules = [both(write, name="b"), both(write, name="a", target_attribute_keys=targets("shop"))]
    plan = write.plan(*groups(write), *rules)
    ids = {**ONE, "shop": "x"}
    assert asked(plan, write.event(app_id="x", **ONE)) == {
        "domain_sessionid": ("s", 1, (["a", "b"], ids)),
        "user_id": ("jo", 1, (["a", "b"], ids)),
    }


def test_only_events_of_the_app_ids_ask(write):
    plan = write.plan(*groups(write)[:2], both(write), app_ids=("shop",))
    assert plan.contributions(write.event(**ONE), SOURCE, 0) == []

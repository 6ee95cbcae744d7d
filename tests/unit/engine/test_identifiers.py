"""Which profiles an event contributes to: keys on any property, and the ids that they give."""

import json

import pytest

from definitions import (
    AtomicProperty,
    AttributeKey,
    EntityProperty,
    EventProperty,
    domain_sessionid,
    domain_userid,
    network_userid,
    user_id,
)
from processor.errors import MalformedEventError
from processor.limits import ENTITIES_MAX, IDENTIFIER_CHARS_MAX

ACCOUNT = EventProperty(vendor="com.acme", name="click", major_version=1, path="account.id")
SECOND_CART = EntityProperty(vendor="com.acme", name="cart", major_version=1, path="id", index=1)
LONGEST = "é" * IDENTIFIER_CHARS_MAX


def key(prop, name="k"):
    return AttributeKey(name=name, property=prop)


def click(**data):
    inner = {"schema": "iglu:com.acme/click/jsonschema/1-0-0", "data": data}
    return json.dumps({"schema": "iglu:a/unstruct_event/jsonschema/1-0-0", "data": inner})


def carts(*ids):
    schema = "iglu:com.acme/cart/jsonschema/1-0-0"
    data = [{"schema": schema, "data": {"id": one}} for one in ids]
    return json.dumps({"schema": "iglu:a/contexts/jsonschema/1-0-0", "data": data})


def ids(plan, event):
    return {one.key: one.id for one in plan.contributions(event, 0)}


@pytest.mark.parametrize(
    ("prop", "columns", "found"),
    [
        ("app_id", {"app_id": "shop"}, "shop"),
        ("app_id", {}, None),
        ("app_id", {"app_id": " "}, " "),
        ("app_id", {"app_id": LONGEST}, LONGEST),
        ("domain_sessionidx", {"domain_sessionidx": "7"}, "7"),
        ("domain_sessionidx", {"domain_sessionidx": "007"}, "7"),
        ("se_value", {"se_value": "1.50"}, "1.5"),
        ("se_value", {"se_value": "2"}, "2.0"),
        ("br_cookies", {"br_cookies": "0"}, "false"),
        ("true_tstamp", {"true_tstamp": "2026-11-22 10:00:00"}, "2026-11-22T10:00:00Z"),
        (ACCOUNT, {"unstruct_event": click(account={"id": "a-1"})}, "a-1"),
        (ACCOUNT, {"unstruct_event": click(account={"id": 17})}, "17"),
        (ACCOUNT, {"unstruct_event": click(account={"id": 1.5})}, "1.5"),
        (ACCOUNT, {"unstruct_event": click(account={"id": True})}, "true"),
        (ACCOUNT, {"unstruct_event": click(account={"id": 2**63 - 1})}, "9223372036854775807"),
        (ACCOUNT, {"unstruct_event": click(account={"id": ""})}, None),
        (ACCOUNT, {"unstruct_event": click(account={"id": None})}, None),
        (ACCOUNT, {"unstruct_event": click(account="a-1")}, None),
        (ACCOUNT, {"unstruct_event": click()}, None),
        (ACCOUNT, {}, None),
        (SECOND_CART, {"contexts": carts("a", "b")}, "b"),
        (SECOND_CART, {"contexts": carts("a"), "derived_contexts": carts("b")}, "b"),
        (SECOND_CART, {"contexts": carts("a")}, None),
        (SECOND_CART, {"contexts": carts(*range(ENTITIES_MAX))}, "1"),
    ],
)
def test_the_id_is_the_text_of_the_value(write, prop, columns, found):
    where = AtomicProperty(name=prop) if isinstance(prop, str) else prop
    plan = write.plan(write.group(write.attribute(), attribute_key=key(where)))
    assert ids(plan, write.event(**columns)) == ({} if found is None else {"k": found})
    assert plan.take_rejected() == {}


@pytest.mark.parametrize(
    ("prop", "columns"),
    [
        ("app_id", {"app_id": LONGEST + "é"}),
        ("app_id", {"app_id": "x" * 500_000}),
        ("domain_sessionidx", {"domain_sessionidx": str(2**63)}),
        ("se_value", {"se_value": "nan"}),
        ("true_tstamp", {"true_tstamp": "yesterday"}),
        (ACCOUNT, {"unstruct_event": click(account={"id": "x" * 300})}),
        (ACCOUNT, {"unstruct_event": click(account={"id": 2**63})}),
        (ACCOUNT, {"unstruct_event": click(account={"id": 10**400})}),
        (ACCOUNT, {"unstruct_event": click(account={"id": ["a"]})}),
        (ACCOUNT, {"unstruct_event": click(account={"id": {"a": 1}})}),
    ],
)
def test_a_value_that_is_no_id_is_skipped_and_counted(write, prop, columns):
    where = AtomicProperty(name=prop) if isinstance(prop, str) else prop
    plan = write.plan(write.group(write.attribute(), attribute_key=key(where)))
    assert ids(plan, write.event(**columns)) == {}
    assert plan.take_rejected() == {("k", "identifier"): 1}


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"domain_userid": ""}, {}),
        ({}, {"domain_userid": "u1"}),
        ({"user_id": "jo"}, {"domain_userid": "u1", "user_id": "jo"}),
        ({"network_userid": "n"}, {"domain_userid": "u1", "network_userid": "n"}),
        ({"domain_userid": "", "domain_sessionid": "s"}, {"domain_sessionid": "s"}),
        (
            {"user_id": "jo", "unstruct_event": click(account={"id": 5}), "contexts": carts(1, 2)},
            {"domain_userid": "u1", "user_id": "jo", "account": "5", "cart": "2"},
        ),
    ],
)
def test_one_event_feeds_the_groups_of_all_keys_that_it_carries(write, columns, found):
    keys = [domain_userid, user_id, network_userid, domain_sessionid]
    keys += [key(ACCOUNT, "account"), key(SECOND_CART, "cart")]
    groups = [
        write.group(write.attribute(), name=f"g{number}", attribute_key=one)
        for number, one in enumerate(keys)
    ]
    assert ids(write.plan(*groups), write.event(**columns)) == found


def test_a_key_without_a_usable_id_leaves_the_others_alone(write):
    groups = [
        write.group(write.attribute(), name="g"),
        write.group(write.attribute(), name="h", attribute_key=user_id),
    ]
    plan = write.plan(*groups)
    assert ids(plan, write.event(user_id="x" * 300)) == {"domain_userid": "u1"}
    assert plan.take_rejected() == {("user_id", "identifier"): 1}


def test_two_keys_may_give_the_same_id(write):
    groups = [
        write.group(write.attribute(), name="g"),
        write.group(write.attribute(), name="h", attribute_key=user_id),
    ]
    found = write.plan(*groups).contributions(write.event(user_id="u1"), 0)
    assert [(one.key, one.id) for one in found] == [("domain_userid", "u1"), ("user_id", "u1")]
    assert found[0].values[0][0] != found[1].values[0][0]


def test_the_same_id_written_as_text_and_as_a_number_is_one_profile(write):
    plan = write.plan(write.group(write.attribute(), attribute_key=key(ACCOUNT)))
    written = [click(account={"id": one}) for one in (17, "17")]
    assert [ids(plan, write.event(unstruct_event=one)) for one in written] == [{"k": "17"}] * 2


def test_broken_json_in_the_column_of_a_key_is_the_events_fault(write):
    plan = write.plan(write.group(write.attribute(), attribute_key=key(ACCOUNT)))
    with pytest.raises(MalformedEventError):
        plan.contributions(write.event(unstruct_event="{"), 0)


@pytest.mark.parametrize(
    ("identifier", "counts"),
    [
        ("8b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3e", True),
        ("8B1E51B9-9A4F-4C0E-8F4F-6F6F3A1C2D3E", True),
        ("00000000-0000-0000-0000-000000000000", True),
        ("8b1e51b99a4f4c0e8f4f6f6f3a1c2d3e", False),
        ("{8b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3e}", False),
        ("8b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3e\n", False),
        ("\u0668b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3", False),
        ("null", False),
    ],
)
def test_an_id_of_a_uuid_key_is_a_uuid(write, identifier, counts):
    user = write.group(write.attribute("a"), attribute_key=user_id)
    device = write.group(write.attribute("a"), name="device")
    plan = write.plan(user, device, uuid_keys=("domain_userid",))
    event = write.event(domain_userid=identifier, user_id="somebody")
    found = {one.key for one in plan.contributions(event, 0)}
    assert found == ({"user_id", "domain_userid"} if counts else {"user_id"})
    assert plan.take_rejected() == ({} if counts else {("domain_userid", "identifier"): 1})


def test_a_missing_id_of_a_uuid_key_is_not_counted(write):
    plan = write.plan(write.group(write.attribute("a")), uuid_keys=("domain_userid",))
    assert plan.contributions(write.event(domain_userid=""), 0) == []
    assert plan.take_rejected() == {}

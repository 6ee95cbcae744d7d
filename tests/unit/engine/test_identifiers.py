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
from tests.by_hand import SOURCE

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
    return {one.key: one.id for one in plan.contributions(event, SOURCE, 0)}


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
        ("se_value", {"se_value": "2"}, "2"),
        ("se_value", {"se_value": "776840450.00"}, "776840450"),
        ("se_value", {"se_value": "-0.0"}, "0"),
        ("br_cookies", {"br_cookies": "0"}, "false"),
        ("true_tstamp", {"true_tstamp": "2026-11-22 10:00:00"}, "2026-11-22T10:00:00Z"),
        (ACCOUNT, {"unstruct_event": click(account={"id": "a-1"})}, "a-1"),
        (ACCOUNT, {"unstruct_event": click(account={"id": 17})}, "17"),
        (ACCOUNT, {"unstruct_event": click(account={"id": 1.5})}, "1.5"),
        (ACCOUNT, {"unstruct_event": click(account={"id": True})}, "true"),
        (ACCOUNT, {"unstruct_event": click(account={"id": False})}, "false"),
        (ACCOUNT, {"unstruct_event": click(account={"id": 1e25})}, "1e+25"),
        (ACCOUNT, {"unstruct_event": click(account={"id": 0.1})}, "0.1"),
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
    found = write.plan(*groups).contributions(write.event(user_id="u1"), SOURCE, 0)
    assert [(one.key, one.id) for one in found] == [("domain_userid", "u1"), ("user_id", "u1")]
    assert found[0].values[0][0] != found[1].values[0][0]


@pytest.mark.parametrize(
    ("spellings", "found"),
    [
        (['"17"', "17", "17.0", "17.00", "1.7e1", "1.7E+1", "170e-1"], "17"),
        (["776840450", '"776840450"', "776840450.0", "7.76840450e8", "776840450.00"], "776840450"),
        (["0", "-0", "0.0", "-0.0", "0e5", "-0e-5"], "0"),
        (["-3", "-3.0", "-0.3e1"], "-3"),
        (["2.5", "25e-1", "2.50"], "2.5"),
        (["9007199254740992", "9007199254740992.0", "9.007199254740992e15"], "9007199254740992"),
        (["9007199254740993"], "9007199254740993"),
        (["100000000000000000", "1e17"], "100000000000000000"),
        (["-9223372036854775808", "-9223372036854775808.0"], "-9223372036854775808"),
        (["1e20", "100000000000000000000.0", "1E+20"], "1e+20"),
        (["1e-7", "0.0000001", "10e-8"], "1e-7"),
        (["true"], "true"),
    ],
)
def test_a_number_is_one_id_however_it_is_spelled(write, spellings, found):
    plan = write.plan(write.group(write.attribute(), attribute_key=key(ACCOUNT)))
    written = [click(account={"id": "HERE"}).replace('"HERE"', one) for one in spellings]
    given = [ids(plan, write.event(unstruct_event=one)) for one in written]
    assert given == [{"k": found}] * len(spellings)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "100000000000000000000"])
def test_a_number_that_nothing_holds_is_no_id(write, number):
    plan = write.plan(write.group(write.attribute(), attribute_key=key(ACCOUNT)))
    written = click(account={"id": "HERE"}).replace('"HERE"', number)
    assert ids(plan, write.event(unstruct_event=written)) == {}
    assert plan.take_rejected() == {("k", "identifier"): 1}


def test_broken_json_in_the_column_of_a_key_is_the_events_fault(write):
    plan = write.plan(write.group(write.attribute(), attribute_key=key(ACCOUNT)))
    with pytest.raises(MalformedEventError):
        plan.contributions(write.event(unstruct_event="{"), SOURCE, 0)


@pytest.mark.parametrize(
    ("identifier", "counts"),
    [
        ("8b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3e", True),
        ("8B1E51B9-9A4F-4C0E-8F4F-6F6F3A1C2D3E", True),
        ("8b1E51b9-9A4f-4c0e-8F4f-6f6f3a1c2d3e", True),
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
    found = {one.key for one in plan.contributions(event, SOURCE, 0)}
    assert found == ({"user_id", "domain_userid"} if counts else {"user_id"})
    assert plan.take_rejected() == ({} if counts else {("domain_userid", "identifier"): 1})


def test_a_missing_id_of_a_uuid_key_is_not_counted(write):
    plan = write.plan(write.group(write.attribute("a")), uuid_keys=("domain_userid",))
    assert plan.contributions(write.event(domain_userid=""), SOURCE, 0) == []
    assert plan.take_rejected() == {}


UUID = "8b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3e"
CAPITALS = UUID.upper()
NIL = "00000000-0000-0000-0000-000000000000"
NIL_SPELLINGS = [NIL, NIL.replace("-", ""), "{" + NIL + "}"]
COOKIES = [domain_userid, domain_sessionid, network_userid]


def one_key(write, attribute_key, **settings):
    return write.plan(write.group(write.attribute(), attribute_key=attribute_key), **settings)


def kept(plan, write, column, identifier):
    (found,) = plan.contributions(
        write.event(**{"domain_userid": "", column: identifier}), SOURCE, 0
    )
    return found.id


@pytest.mark.parametrize("spelling", [UUID, CAPITALS, CAPITALS[:20] + UUID[20:]])
@pytest.mark.parametrize("cookie", COOKIES, ids=lambda one: one.name)
def test_a_cookie_that_is_a_uuid_is_one_id_in_any_case(write, cookie, spelling):
    plan = one_key(write, cookie)
    assert kept(plan, write, cookie.name, spelling) == UUID
    assert plan.identities.kept(cookie.name, spelling) == UUID


@pytest.mark.parametrize(
    ("name", "column"), [("user", "domain_userid"), ("session", "domain_sessionid")]
)
def test_the_older_names_of_the_keys_mean_the_same_ids(write, name, column):
    plan = one_key(write, AttributeKey(name=name, key=column))
    assert kept(plan, write, column, CAPITALS) == UUID
    assert plan.identities.kept(name, CAPITALS) == UUID


def test_a_key_of_ones_own_over_such_a_column_means_the_same_ids(write):
    plan = one_key(write, key(AtomicProperty(name="domain_userid"), "visitor"))
    assert kept(plan, write, "domain_userid", CAPITALS) == UUID
    assert plan.identities.kept("visitor", CAPITALS) == UUID


@pytest.mark.parametrize(
    "identifier",
    ["ANN", "Ann@Example.com", CAPITALS[1:], CAPITALS + "A", CAPITALS.replace("-", ""), "É" * 36],
)
@pytest.mark.parametrize("cookie", COOKIES, ids=lambda one: one.name)
def test_a_cookie_that_is_no_uuid_stays_as_it_is(write, cookie, identifier):
    plan = one_key(write, cookie)
    assert kept(plan, write, cookie.name, identifier) == identifier
    assert plan.identities.kept(cookie.name, identifier) == identifier


@pytest.mark.parametrize(
    ("own", "columns"),
    [
        (user_id, {"user_id": CAPITALS}),
        (key(AtomicProperty(name="app_id")), {"app_id": CAPITALS}),
        (key(AtomicProperty(name="refr_domain_userid")), {"refr_domain_userid": CAPITALS}),
        (key(ACCOUNT), {"unstruct_event": click(account={"id": CAPITALS})}),
    ],
)
def test_ids_of_other_keys_stay_as_they_are(write, own, columns):
    plan = one_key(write, own)
    (found,) = plan.contributions(write.event(domain_userid="", **columns), SOURCE, 0)
    assert found.id == CAPITALS
    assert plan.identities.kept(own.name, CAPITALS) == CAPITALS


def test_keys_that_are_not_defined_are_known_by_their_names(write):
    identities = write.plan().identities
    assert identities.kept("domain_sessionid", CAPITALS) == UUID
    assert identities.kept("session", CAPITALS) == UUID
    assert identities.kept("user_id", CAPITALS) == identities.kept("k", CAPITALS) == CAPITALS


def test_a_property_of_such_a_column_is_as_it_stands(write):
    prop = AtomicProperty(name="domain_sessionid")
    plan = write.plan(write.group(write.attribute("a", "last", type="string", property=prop)))
    (found,) = plan.contributions(write.event(domain_sessionid=CAPITALS), SOURCE, 0)
    assert [value for _, value in found.values] == [CAPITALS]


@pytest.mark.parametrize("nil", NIL_SPELLINGS)
@pytest.mark.parametrize("uuid_keys", [(), ("domain_userid", "user_id", "k")])
def test_the_nil_uuid_is_nobody_under_any_key(write, nil, uuid_keys):
    keys = [*COOKIES, user_id, key(AtomicProperty(name="app_id")), key(ACCOUNT, "account")]
    groups = [
        write.group(write.attribute(), name=f"g{at}", attribute_key=one)
        for at, one in enumerate(keys)
    ]
    plan = write.plan(*groups, uuid_keys=uuid_keys)
    columns = dict.fromkeys((*(one.name for one in COOKIES), "user_id", "app_id"), nil)
    event = write.event(**columns, unstruct_event=click(account={"id": nil}))
    assert plan.contributions(event, SOURCE, 0) == []
    rejected = plan.take_rejected()
    assert {name for name, _ in rejected} == {one.name for one in keys}
    reasons = {"nobody"} if nil == NIL or not uuid_keys else {"nobody", "identifier"}
    assert {reason for _, reason in rejected} == reasons
    assert all(plan.identities.is_nobody(one.name, nil) for one in keys)


def test_an_event_of_nobody_counts_for_its_other_keys(write):
    groups = [
        write.group(write.attribute(), name="g", attribute_key=network_userid),
        write.group(write.attribute(), name="h", attribute_key=user_id),
    ]
    event = write.event(network_userid=NIL, user_id="me")
    assert ids(write.plan(*groups), event) == {"user_id": "me"}


NOBODY = ("null", "undefined", "[object Object]", "None", "NaN", "0", CAPITALS)


@pytest.mark.parametrize(
    ("identifier", "counts"),
    [
        *((one, False) for one in NOBODY),
        ("Null", True),
        ("null ", True),
        (" ", True),
        (UUID, True),
        ("00", True),
    ],
)
def test_ids_that_the_settings_list_are_nobody_to_the_letter(write, identifier, counts):
    plan = one_key(write, user_id, nobody_ids=NOBODY)
    event = write.event(domain_userid="", user_id=identifier)
    assert [one.id for one in plan.contributions(event, SOURCE, 0)] == [identifier] * counts
    assert plan.take_rejected() == ({} if counts else {("user_id", "nobody"): 1})
    assert plan.identities.is_nobody("user_id", identifier) is not counts


def test_a_listed_uuid_of_a_cookie_is_nobody_in_any_case(write):
    plan = one_key(write, domain_userid, nobody_ids=(CAPITALS,))
    for spelling in (UUID, CAPITALS):
        assert plan.contributions(write.event(domain_userid=spelling), SOURCE, 0) == []
        assert plan.identities.is_nobody("domain_userid", spelling)


def test_a_number_that_is_listed_is_nobody(write):
    plan = one_key(write, key(ACCOUNT), nobody_ids=("0", "false"))
    for nobody in (0, 0.0, -0.0, "0", False):
        event = write.event(domain_userid="", unstruct_event=click(account={"id": nobody}))
        assert plan.contributions(event, SOURCE, 0) == []

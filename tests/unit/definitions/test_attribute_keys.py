"""Names and properties of attribute keys."""

import pytest
from pydantic import ValidationError

from definitions import (
    AtomicProperty,
    AttributeKey,
    EventProperty,
    domain_sessionid,
    domain_userid,
    network_userid,
    session_attribute_key,
    user_attribute_key,
    user_id,
)

PLAN = EventProperty(vendor="v", name="n", major_version=1, path="account.plan")


@pytest.mark.parametrize("key", [user_id, domain_userid, domain_sessionid, network_userid])
def test_built_in_keys_read_the_column_of_their_name(key):
    assert key.property is None
    assert key.resolved_property == AtomicProperty(name=key.name)


def test_older_built_in_keys_read_the_column_that_they_stand_for():
    assert user_attribute_key.resolved_property == AtomicProperty(name="domain_userid")
    assert session_attribute_key.resolved_property == AtomicProperty(name="domain_sessionid")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"property": PLAN}, "plan"),
        ({"property": AtomicProperty(name="app_id")}, "app_id"),
        ({"external_column": "CUSTOMER_ID"}, "CUSTOMER_ID"),
        ({"name": "tier", "property": PLAN}, "tier"),
        ({"property": PLAN.model_dump()}, "plan"),
    ],
)
def test_the_name_follows_from_the_rest(arguments, name):
    assert AttributeKey(**arguments).name == name


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"key": "user_id"},
        {"name": "a", "external_column": "b"},
        {"property": {**PLAN.model_dump(), "path": "plans[0]"}},
    ],
)
def test_a_key_without_a_usable_name_is_refused(arguments):
    with pytest.raises(ValidationError):
        AttributeKey(**arguments)


def test_a_key_that_is_no_column_and_has_no_property_is_a_link():
    assert AttributeKey(name="tier").resolved_property is None

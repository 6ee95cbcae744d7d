"""The base of all definitions."""

import warnings

import pytest
from pydantic import ValidationError

from definitions import (
    AtomicProperty,
    Attribute,
    Event,
    PageView,
    RuleIntervention,
    StreamAttributeGroup,
    UnknownFieldWarning,
    domain_userid,
)
from definitions.model import collected_mistakes


def test_an_unknown_field_warns_with_its_name_its_object_and_what_was_meant():
    with pytest.warns(UnknownFieldWarning, match="'perod' of Attribute 'c' .*'period'"):
        Attribute(name="c", type="int32", aggregation="counter", events=[], perod=1)


def test_an_unknown_field_of_a_nested_object_warns_once():
    raw = {
        "name": "g",
        "attribute_key": {"name": "user_id"},
        "owner": "a@b.com",
        "attributes": [
            {
                "name": "c",
                "type": "int32",
                "aggregation": "last",
                "events": [],
                "property": {"type": "atomic", "name": "app_id", "colour": "red"},
            }
        ],
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        StreamAttributeGroup.model_validate(raw)
    assert len(caught) == 1
    assert "'colour' of AtomicProperty 'app_id'" in str(caught[0].message)


def test_definitions_are_frozen_and_can_be_hashed():
    group = StreamAttributeGroup(
        name="g",
        attribute_key=domain_userid,
        owner="a@b.com",
        attributes=[Attribute(name="c", type="int32", aggregation="counter", events=[PageView()])],
    )
    assert hash(group) == hash(group.model_copy())
    with pytest.raises(ValidationError):
        group.name = "h"


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(ValidationError):
        Attribute(
            name="c",
            type="double",
            aggregation="sum",
            events=[],
            property=AtomicProperty(name="se_value"),
            default_value=float("nan"),
        )


def test_types_of_values_survive():
    for value in (True, 1, 1.0, "1", (1, "a", False)):
        attribute = Attribute(
            name="c", type="string", aggregation="last", events=[], default_value=value
        )
        again = Attribute.model_validate_json(attribute.model_dump_json())
        assert repr(again.default_value) == repr(value)


def test_a_wrong_call_is_collected_and_leaves_an_unchecked_object():
    with collected_mistakes() as mistakes:
        event = Event(name="not a name", vendor="com.acme")
    assert [mistake.kind for mistake in mistakes] == ["Event"]
    assert (event.name, event.vendor, event.version) == ("not a name", "com.acme", None)
    with pytest.raises(ValidationError):
        Event(name="not a name")


def test_a_rule_given_as_several_branches_at_once_is_refused():
    leaf = {"attribute": "g:a", "operator": "=", "value": 1}
    with pytest.raises(ValidationError):
        RuleIntervention(name="r", owner="a@b.com", criteria={"all": [leaf], "any": [leaf]})

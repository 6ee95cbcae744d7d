import json

import pytest

from definitions import (
    AtomicProperty,
    CalculatedProperty,
    Criteria,
    Criterion,
    EntityProperty,
    Event,
)
from processor.engine.attribute import series_name, value_domain
from processor.engine.names import canonical_property, state_id
from processor.errors import DefinitionError

A = Criterion.eq(AtomicProperty(name="app_id"), "shop")
B = Criterion.gt(AtomicProperty(name="se_value"), 3)


def name(attribute, key="user_id"):
    return series_name(key, attribute, value_domain(attribute))


def test_a_name_has_63_bits_and_never_changes():
    assert state_id("series", "user_id", 1) == 5_415_132_372_330_911_633
    assert 0 <= state_id("a") < 2**63
    assert state_id("a", 1) == state_id("a", 1) != state_id("a", 2)


def test_order_and_repetition_do_not_change_a_series(write):
    one = write.attribute(events=[Event(name="a"), Event(name="b")], criteria=Criteria(all=[A, B]))
    other = write.attribute(
        events=[Event(name="b"), Event(name="a"), Event(name="b")], criteria=Criteria(all=[B, A, A])
    )
    assert name(one) == name(other)


def test_name_period_default_and_aggregation_do_not_change_a_series(write):
    one = write.attribute("a", "sum")
    other = write.attribute("b", "max", period=5, default_value=1.5, description="x")
    assert name(one) == name(other)


def test_what_is_counted_changes_a_series(write):
    one = write.attribute("a", "sum")
    others = [
        write.attribute("a"),
        write.attribute("a", "sum", type="int64"),
        write.attribute("a", "sum", events=[Event(name="x")]),
        write.attribute("a", "sum", events=[Event(event_specification_id="x")]),
        write.attribute("a", "sum", criteria=Criteria(all=[A])),
        write.attribute("a", "sum", criteria=Criteria(any=[A])),
        write.attribute("a", "sum", property=AtomicProperty(name="tr_total")),
    ]
    assert len({name(one), name(one, "domain_userid"), *map(name, others)}) == 9


def test_spelling_of_a_path_does_not_matter():
    paths = ("price", "$.price")
    made = [
        canonical_property(EntityProperty(vendor="v", name="n", major_version=1, path=path))
        for path in paths
    ]
    assert made[0] == made[1]


def test_what_is_read_of_a_property_changes_its_name():
    at = "derived_tstamp"
    parts = [AtomicProperty(name=at), AtomicProperty(name="true_tstamp", date_part="active_day")]
    parts += [AtomicProperty(name=at, date_part=part) for part in ("active_day", "hour_of_day")]
    made = [
        *parts,
        CalculatedProperty(operation="concat", properties=parts[:2]),
        CalculatedProperty(operation="concat", properties=parts[:2], separator="-"),
        CalculatedProperty(operation="concat", properties=parts[1::-1]),
        CalculatedProperty(operation="coalesce", properties=parts[:2]),
        CalculatedProperty(operation="coalesce", properties=parts[:1]),
    ]
    assert len({json.dumps(canonical_property(one)) for one in made}) == len(made)


def test_no_separator_is_the_empty_one():
    parts = [AtomicProperty(name="app_id"), AtomicProperty(name="platform")]
    made = [
        CalculatedProperty(operation="concat", properties=parts, separator=separator)
        for separator in (None, "")
    ]
    assert canonical_property(made[0]) == canonical_property(made[1])


def test_what_is_not_computed_is_refused():
    with pytest.raises(DefinitionError, match="None"):
        canonical_property(None)

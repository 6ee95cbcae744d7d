"""The table contains what native code can compute, and None or `odd` for everything else."""

import pytest

from definitions import (
    AtomicProperty,
    CalculatedProperty,
    Criteria,
    Criterion,
    EntityProperty,
    Event,
    EventProperty,
    domain_sessionid,
)
from processor.events.columns import COLUMN_INDEX
from processor.limits import ENTITIES_MAX, INTEGER_MAX

VENDOR = {"vendor": "com.acme", "name": "product", "major_version": 2}
WIDTH = ("column", COLUMN_INDEX["br_viewwidth"], "int")


def measure(write, **fields):
    table = write.plan(write.group(write.attribute(**fields))).stage_table()
    assert len(table.measures) == 1
    return table.measures[0]


@pytest.mark.parametrize(
    ("definition", "row"),
    [
        (AtomicProperty(name="br_viewwidth"), WIDTH),
        (AtomicProperty(name="true_tstamp"), ("column", COLUMN_INDEX["true_tstamp"], "timestamp")),
        (EventProperty(**VENDOR, path="$.a[1].b"), ("event", "com.acme/product/2", ("a", 1, "b"))),
        (EntityProperty(**VENDOR, path="a", index=3), ("entity", "com.acme/product/2", 3, ("a",))),
        (EntityProperty(**VENDOR, path="a", index=ENTITIES_MAX), None),
        (AtomicProperty(name="true_tstamp", date_part="active_day"), None),
        (EventProperty(**VENDOR, path="a", date_part="hour_of_day"), None),
        (
            CalculatedProperty(operation="coalesce", properties=[AtomicProperty(name="se_value")]),
            None,
        ),
    ],
)
def test_a_property_is_a_row_or_left_to_the_plan(write, definition, row) -> None:
    found = measure(write, aggregation="last", type="string", property=definition)
    assert found[5] == (row, "string")


def test_a_counter_reads_no_value(write) -> None:
    assert measure(write)[5] is None


@pytest.mark.parametrize(
    ("operator", "value", "row"),
    [
        ("=", 5, (WIDTH, "=", 5)),
        ("!=", "a", (WIDTH, "!=", "a")),
        ("<", 2.5, (WIDTH, "<", 2.5)),
        ("=", True, (WIDTH, "=", True)),
        ("=", INTEGER_MAX + 1, (None, "odd", None)),
        ("in", [1, 2], (WIDTH, "in", (frozenset(), [1, 2]))),
        ("in", ["a", "b"], (WIDTH, "in", (frozenset({"a", "b"}), []))),
        ("in", list(range(65)), (None, "odd", None)),
        ("in", [1, INTEGER_MAX + 1], (None, "odd", None)),
        ("like", "%a\\%", (WIDTH, "like", (True, "a%", False))),
        ("like", "a%b", (None, "odd", None)),
        ("like", "a_", (None, "odd", None)),
        ("is null", None, (WIDTH, "is null", None)),
        ("is not null", None, (WIDTH, "is not null", None)),
    ],
)
def test_a_criterion_is_a_row_or_odd(write, operator, value, row) -> None:
    given = {"property": AtomicProperty(name="br_viewwidth"), "operator": operator}
    if value is not None:
        given["value"] = value
    one = Criterion.model_validate(given)
    assert measure(write, criteria=Criteria(any=[one]))[4] == [row]
    assert measure(write, criteria=Criteria(all=[one]))[3:5] == ([row], None)


def test_the_first_text_that_a_property_must_equal_has_a_place_of_its_own(write) -> None:
    of = AtomicProperty(name="page_title")
    every = [Criterion.eq(property=of, value=one) for one in ("a", "b")]
    row = ("column", COLUMN_INDEX["page_title"], "string")
    found = measure(write, criteria=Criteria(all=every))
    assert found[2:4] == ((0, row, "a"), [(row, "=", "b")])


def test_equal_properties_have_equal_numbers(write) -> None:
    def one(name: str, column: str, value: str):
        criterion = Criterion.eq(property=AtomicProperty(name=column), value=value)
        return write.attribute(name, criteria=Criteria(all=[criterion]))

    plan = write.plan(
        write.group(
            one("a", "page_title", "x"), one("b", "app_id", "x"), one("c", "page_title", "y")
        )
    )
    assert [row[2][0] for row in plan.stage_table().measures] == [0, 1, 0]


def test_selectors_keys_and_series_are_those_of_the_plan(write) -> None:
    events = [Event(name="click"), Event(event_specification_id="s")]
    both = [write.attribute(events=events)]
    plan = write.plan(
        write.group(*both),
        write.group(*both, name="h", attribute_key=domain_sessionid),
        app_ids=("shop",), uuid_keys=("domain_userid",), nobody_ids=("null",),
    )  # fmt: skip
    table = plan.stage_table()
    assert table.app_ids == ["shop"]
    assert [key[0] for key in table.keys] == ["domain_sessionid", "domain_userid"]
    assert [key[2:4] for key in table.keys] == [(True, False), (True, True)]
    assert all("null" in key[4] for key in table.keys)
    (found,) = table.measures
    assert found[:2] == (((None, "click", None),), frozenset({"s"}))
    assert sorted(series_id for _, series_id in found[6]) == sorted(plan.series)
    assert sorted(position for position, _ in found[6]) == [0, 1]
    assert found[7] is False

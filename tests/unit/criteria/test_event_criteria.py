from typing import get_args

import pytest

from definitions import AtomicProperty, CalculatedProperty, Criterion
from definitions.operators import CriterionOperator
from processor.criteria import compile_criteria
from processor.events import ATOMIC_COLUMNS, parse_event
from processor.limits import VALUE_CHARS_MAX

APP = AtomicProperty(name="app_id")
PLATFORM = AtomicProperty(name="platform")


def event(**columns):
    values = {
        "event_id": "0b6b5c6a-9a4f-4c0e-8f4f-6f6f3a1c2d3e",
        "collector_tstamp": "2026-11-22 10:00:00.123",
        **columns,
    }
    return parse_event("\t".join(values.get(name, "") for name in ATOMIC_COLUMNS).encode())


SHOP = event(app_id="shop", platform="web")
OTHER = event(app_id="other", platform="web")
IS_SHOP = Criterion.eq(APP, "shop")
IS_WEB = Criterion.eq(PLATFORM, "web")
IS_MOBILE = Criterion.eq(PLATFORM, "mob")


def test_nothing_asked_for_is_no_test():
    assert compile_criteria([], None) is None


@pytest.mark.parametrize(
    ("every", "some", "shop", "other"),
    [
        ([IS_SHOP], None, True, False),
        ([IS_SHOP, IS_WEB], None, True, False),
        ([IS_SHOP, IS_MOBILE], None, False, False),
        ([], [IS_SHOP, IS_MOBILE], True, False),
        ([IS_WEB], [IS_SHOP, IS_MOBILE], True, False),
        ([IS_SHOP], [IS_MOBILE], False, False),
        ([IS_WEB], [], False, False),
    ],
)
def test_all_and_any_must_both_hold(every, some, shop, other):
    met = compile_criteria(every, some)
    assert (met(SHOP), met(OTHER)) == (shop, other)


TITLE = AtomicProperty(name="page_title")
NUMBER = AtomicProperty(name="se_value")
FLAG = AtomicProperty(name="br_cookies")
COUNT = AtomicProperty(name="txn_id")

# A property and operator with a value: the texts of the column that meet it, and that do not.
# "" is a column without a value.
OPERATORS = [
    (TITLE, "=", "Shop", ["Shop"], ["shop", "Shop ", ""]),
    (TITLE, "!=", "Shop", ["shop", " "], ["Shop", ""]),
    (TITLE, "<", "b", ["a", "B", "aé"], ["b", "c", ""]),
    (TITLE, ">=", "b", ["b", "c", "é"], ["a", ""]),
    (TITLE, "like", "%shop%", ["a shop", "shop"], ["a Shop", "sho", ""]),
    (TITLE, "like", "s_op", ["shop", "séop"], ["sop", "shops", ""]),
    (TITLE, "like", r"100\%", ["100%"], ["1000", ""]),
    (TITLE, "in", ("a", "b"), ["a", "b"], ["A", "ab", ""]),
    (TITLE, "in", (1, True), [], ["1", "true", ""]),
    (TITLE, "is null", None, [""], ["a", " "]),
    (TITLE, "is not null", None, ["a", "0"], [""]),
    (TITLE, ">", 1, [], ["2", "a", ""]),
    (NUMBER, "=", 1, ["1", "1.0", "1e0"], ["1.5", "", "one"]),
    (NUMBER, "!=", 1, ["1.5", "-1"], ["1.0", "", "one"]),
    (NUMBER, ">", 1.5, ["1.6", "2"], ["1.5", "-2", "", "nan"]),
    (NUMBER, "<=", 0, ["0", "-0.5"], ["0.1", "", "-Infinity"]),
    (NUMBER, "in", (1, 2.5), ["1", "2.50"], ["2", "", "1,0"]),
    (NUMBER, "=", "1", [], ["1", ""]),
    (NUMBER, "!=", "1", ["1", "2"], ["", "one"]),
    (NUMBER, "like", "1%", [], ["1", ""]),
    (NUMBER, "is null", None, ["", "nan", "one"], ["0"]),
    (COUNT, "=", 2**63 - 1, [str(2**63 - 1)], [str(2**63 - 2), str(2**63), ""]),
    (COUNT, "is null", None, ["", str(2**63)], ["0"]),
    (FLAG, "=", True, ["1"], ["0", "", "2"]),
    (FLAG, "!=", True, ["0"], ["1", "", "2"]),
    (FLAG, "=", 1, [], ["1", "0", ""]),
    (FLAG, ">", 0, [], ["1", "0", ""]),
    (FLAG, "in", (False, "x"), ["0"], ["1", ""]),
]


@pytest.mark.parametrize(("prop", "operator", "value", "meeting", "others"), OPERATORS)
def test_an_operator_is_met_by_values_of_its_kind(prop, operator, value, meeting, others):
    met = compile_criteria([Criterion(property=prop, operator=operator, value=value)], None)
    assert [text for text in meeting + others if met(event(**{prop.name: text}))] == meeting


def test_every_operator_of_event_criteria_is_in_the_table():
    operators = {operator for _, operator, *_ in OPERATORS}
    assert operators == set(get_args(CriterionOperator))


@pytest.mark.parametrize(
    ("prop", "operator", "value", "meeting", "others"),
    [
        (
            AtomicProperty(name="derived_tstamp", date_part="hour_of_day"),
            ">=",
            9,
            ["2026-11-22 09:00:00", "2026-11-22 09:59:59.999"],
            ["2026-11-22 08:59:59.999", ""],
        ),
        (
            CalculatedProperty(operation="concat", properties=[APP, TITLE], separator="/"),
            "like",
            "shop/%",
            ["a", "a/b"],
            ["", "x" * VALUE_CHARS_MAX],
        ),
    ],
)
def test_criteria_are_met_by_parts_of_dates_and_calculated_values(
    prop, operator, value, meeting, others
):
    column = "derived_tstamp" if isinstance(prop, AtomicProperty) else "page_title"
    met = compile_criteria([Criterion(property=prop, operator=operator, value=value)], None)
    events = {text: event(app_id="shop", **{column: text}) for text in meeting + others}
    assert [text for text, one in events.items() if met(one)] == meeting

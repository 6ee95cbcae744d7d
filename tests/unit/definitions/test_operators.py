from typing import get_args

from definitions.operators import OPERATORS, CriterionOperator, Operand, Pattern, RuleOperator


def test_each_name_has_one_row_in_the_same_order():
    assert list(OPERATORS) == list(get_args(RuleOperator))


def test_criteria_of_events_have_all_operators_but_those_of_rules_alone():
    of_events = [name for name, row in OPERATORS.items() if not row.rule_only]
    assert of_events == list(get_args(CriterionOperator))


def test_what_negates_an_operator_takes_the_same_operand():
    negations = [row for row in OPERATORS.values() if row.negates]
    assert len(negations) > 3
    for row in negations:
        negated = OPERATORS[row.negates]
        assert row.operand is negated.operand
        assert not negated.negates


def test_what_compares_with_the_value_before_is_of_rules_and_takes_nothing():
    changes = [row for row in OPERATORS.values() if row.change]
    assert "changed" in {row.name for row in changes}
    assert all(row.rule_only and row.operand is Operand.NOTHING for row in changes)


def test_patterns_say_how_to_write_one():
    patterns = {row.operand for row in OPERATORS.values() if isinstance(row.operand, Pattern)}
    assert all(pattern.hint for pattern in patterns)
    assert all(pattern.compile("a")("a") for pattern in patterns)

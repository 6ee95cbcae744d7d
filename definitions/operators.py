"""The operators, one row each. Checks, the engine and the pages read what they need from here.

A new operator is a name in `RuleOperator` (and in `CriterionOperator`, if criteria of events have
it), a row in `OPERATORS`, and its comparison in `processor/criteria/comparison.py`. If it negates
another operator, or its operand is a pattern, the comparison follows from its row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Literal

from definitions.patterns import TextTest, compile_like, compile_regular_expression

CriterionOperator = Literal["=", "!=", "<", ">", "<=", ">=", "like", "in", "is null", "is not null"]
RuleOperator = Literal[
    "=",
    "!=",
    "<",
    ">",
    "<=",
    ">=",
    "like",
    "not like",
    "rlike",
    "not rlike",
    "in",
    "not in",
    "is null",
    "is not null",
    "changed",
]


class Operand(Enum):
    """What a definition gives an operator to compare with, unless that is a pattern."""

    NOTHING = auto()
    VALUE = auto()
    ORDERED_VALUE = auto()  # a number or a text: true and false have no order
    LIST = auto()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text that is compiled to a test of texts; `hint` explains how to write one."""

    compile: Callable[[str], TextTest]
    hint: str


@dataclass(frozen=True, slots=True)
class Operator:
    """What one operator compares.

    `rule_only`: criteria of rules have it, and criteria of events do not.
    `negates`: the operator of which it is the opposite, for each value that is not missing.
    `change`: it compares the value after an event with the value before. Such a criterion must be
    alone or in `all`.
    """

    name: RuleOperator
    operand: Operand | Pattern
    rule_only: bool = False
    negates: RuleOperator | None = None
    change: bool = False


_LIKE: Final = Pattern(
    compile_like, "% is any run of characters, _ one character, a backslash makes them plain"
)
_RLIKE: Final = Pattern(
    compile_regular_expression,
    "write a regular expression of RE2: github.com/google/re2/wiki/Syntax",
)

OPERATORS: Final[Mapping[str, Operator]] = {
    row.name: row
    for row in (
        Operator("=", Operand.VALUE),
        Operator("!=", Operand.VALUE, negates="="),
        Operator("<", Operand.ORDERED_VALUE),
        Operator(">", Operand.ORDERED_VALUE),
        Operator("<=", Operand.ORDERED_VALUE),
        Operator(">=", Operand.ORDERED_VALUE),
        Operator("like", _LIKE),
        Operator("not like", _LIKE, rule_only=True, negates="like"),
        Operator("rlike", _RLIKE, rule_only=True),
        Operator("not rlike", _RLIKE, rule_only=True, negates="rlike"),
        Operator("in", Operand.LIST),
        Operator("not in", Operand.LIST, rule_only=True, negates="in"),
        Operator("is null", Operand.NOTHING),
        Operator("is not null", Operand.NOTHING),
        Operator("changed", Operand.NOTHING, rule_only=True, change=True),
    )
}

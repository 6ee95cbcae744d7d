"""The algebra of running aggregates: add a value, merge parts, read the result."""

from processor.aggregates.aggregate import (
    Aggregate,
    Gather,
    Ranked,
    Result,
    State,
    Value,
    unchanged,
)
from processor.aggregates.families import AGGREGATES, FAMILIES
from processor.aggregates.ranks import Label, Ranks
from processor.aggregates.total import plain_state

__all__ = [
    "AGGREGATES",
    "FAMILIES",
    "Aggregate",
    "Gather",
    "Label",
    "Ranked",
    "Ranks",
    "Result",
    "State",
    "Value",
    "plain_state",
    "unchanged",
]

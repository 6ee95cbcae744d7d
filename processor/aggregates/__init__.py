"""The algebra of running aggregates: add a value, merge parts, read the result."""

from processor.aggregates.aggregate import Aggregate, Result, State, Value, unchanged
from processor.aggregates.families import AGGREGATES, FAMILIES

__all__ = ["AGGREGATES", "FAMILIES", "Aggregate", "Result", "State", "Value", "unchanged"]

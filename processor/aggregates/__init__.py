"""The algebra of running aggregates: add a value, merge parts, read the result."""

from processor.aggregates.aggregate import Aggregate, State, Value, unchanged
from processor.aggregates.families import AGGREGATES

__all__ = ["AGGREGATES", "Aggregate", "State", "Value", "unchanged"]

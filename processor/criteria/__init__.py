"""Event selectors, event criteria and comparisons, compiled to closures."""

from processor.criteria.comparison import Change, Comparison, compile_change, compile_comparison
from processor.criteria.event_criteria import EventTest, compile_criteria
from processor.criteria.selectors import Selectors, carried_specifications, compile_selectors

__all__ = [
    "Change",
    "Comparison",
    "EventTest",
    "Selectors",
    "carried_specifications",
    "compile_change",
    "compile_comparison",
    "compile_criteria",
    "compile_selectors",
]

"""The value that was seen least often; of equally rare ones, the one that was seen last."""

from processor.aggregates.aggregate import Result, State
from processor.aggregates.distinct import value_of
from processor.aggregates.frequencies import frequencies


def _result(state: State) -> Result:
    return value_of(min(reversed(state.items()), key=lambda item: item[1][0])[0])


LEAST_FREQUENT = frequencies("least_frequent", _result)

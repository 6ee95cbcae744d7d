"""The value that was seen most often; of equally frequent ones, the one that was seen last."""

from processor.aggregates.aggregate import Result, State
from processor.aggregates.distinct import value_of
from processor.aggregates.frequencies import frequencies


def _result(state: State) -> Result:
    return value_of(max(reversed(state.items()), key=lambda item: item[1][0])[0])


MOST_FREQUENT = frequencies("most_frequent", _result)

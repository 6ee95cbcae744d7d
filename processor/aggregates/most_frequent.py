"""The value that was seen most often; of equally frequent ones, the most recently seen."""

from processor.aggregates.aggregate import Ranked, Result, State
from processor.aggregates.distinct import keys_of, value_of
from processor.aggregates.frequencies import frequencies
from processor.aggregates.ranks import Ranks


def _result(state: State) -> Result:
    return value_of(max(reversed(state.items()), key=lambda item: item[1][0])[0])


def _ranked(ranks: Ranks) -> Result:
    return value_of(ranks.most())


MOST_FREQUENT = frequencies("most_frequent", _result, Ranked(keys_of, _ranked))

"""The value that was seen least often; of equally rare ones, the most recently seen."""

from processor.aggregates.aggregate import Ranked, Result, State
from processor.aggregates.distinct import keys_of, value_of
from processor.aggregates.frequencies import frequencies
from processor.aggregates.ranks import Ranks


def _result(state: State) -> Result:
    return value_of(min(reversed(state.items()), key=lambda item: item[1][0])[0])


def _ranked(ranks: Ranks) -> Result:
    return value_of(ranks.least())


LEAST_FREQUENT = frequencies("least_frequent", _result, Ranked(keys_of, _ranked))

"""The 100 most frequent values as text, with their counts, most frequent first.

Among equally frequent values, the most recently seen comes first. Different values with the same
text (the number 5 and the string "5") are one category.
"""

from itertools import islice

from processor.aggregates.aggregate import Ranked, Result, State, Value
from processor.aggregates.distinct import keys_of, text_of
from processor.aggregates.frequencies import frequencies
from processor.aggregates.ranks import Label, Ranks
from processor.limits import RESULT_VALUES_MAX


def _result(state: State) -> Result:
    counts: dict[str, int] = {}
    for key, (count, _) in reversed(state.items()):
        text = text_of(key)
        counts[text] = counts.get(text, 0) + count
    by_count = sorted(counts.items(), key=lambda item: -item[1])  # stable: latest first
    return dict(islice(by_count, RESULT_VALUES_MAX))


def _texts(values: list[Value]) -> list[Label]:
    keys = keys_of(values)
    return keys if {*map(type, keys)} == {str} else [text_of(key) for key in keys]


def _ranked(ranks: Ranks) -> Result:
    return {str(text): count for text, count in ranks.first(RESULT_VALUES_MAX).items()}


CATEGORY_COUNT = frequencies("category_count", _result, Ranked(_texts, _ranked))

"""The 100 most frequent values as text, with their counts, most frequent first.

Of equally frequent ones, the one that was seen last comes first. Different values of one text (the
number 5 and the string "5") are one category.
"""

from itertools import islice

from processor.aggregates.aggregate import Result, State
from processor.aggregates.distinct import text_of
from processor.aggregates.frequencies import frequencies
from processor.limits import RESULT_VALUES_MAX


def _result(state: State) -> Result:
    counts: dict[str, int] = {}
    for key, (count, _) in reversed(state.items()):
        text = text_of(key)
        counts[text] = counts.get(text, 0) + count
    by_count = sorted(counts.items(), key=lambda item: -item[1])  # stable: seen last comes first
    return dict(islice(by_count, RESULT_VALUES_MAX))


CATEGORY_COUNT = frequencies("category_count", _result)

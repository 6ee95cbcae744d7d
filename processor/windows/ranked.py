"""Which ranks are read for a part of a window, and whether they are worth keeping.

A window and period has several rankings if rules read it at different times. Each such time only
increases, so each ranking only moves forward. A read at a time before all of them gets a new one.
"""

from collections.abc import Callable
from typing import NamedTuple

from processor.aggregates import Aggregate, Label, Ranked, Ranks, State, Value
from processor.limits import (
    RANKED_VALUES_MIN,
    RANKINGS_BACK_MS,
    RANKINGS_BYTES_MAX,
    RANKINGS_OF_PERIOD_MAX,
)
from processor.windows.node import NOT_KEPT
from processor.windows.parts import Parts
from processor.windows.ranking import Ranking
from processor.windows.tree import Tree
from processor.windows.window import Window


class _Name(NamedTuple):
    """The name of a ranking: a series, its labels, and a length in ms."""

    series_id: int
    labels: Callable[[list[Value]], list[Label]]
    period_ms: int


def ranks_between(
    window: Window, parts: Parts, aggregate: Aggregate, after_ms: int, until_ms: int
) -> Ranks | None:
    """Return the ranks of the entries at times in (after_ms, until_ms], until the next call.

    None if `state_between` costs no more: for another aggregate, or few values.
    """
    ranked, children = aggregate.ranked, window.children
    if ranked is None or not children or children[-1].last_ms <= after_ms:
        return None
    name = _Name(window.series_id, ranked.labels, until_ms - after_ms)
    kept: list[Ranking] = parts.rankings.pop(name, [])
    if not kept and not _has_many_values(window, parts, aggregate):
        return None
    ranking = _chosen(kept, until_ms) or _made(kept, parts, ranked)
    kept = [one for one in kept if one is not ranking]  # already removed if a part is missing
    ranking.move(window, parts, after_ms, until_ms)
    parts.rankings[name] = [*kept, ranking]
    parts.count_rankings()
    return ranking.ranks


def _chosen(kept: list[Ranking], until_ms: int) -> Ranking | None:
    """Return the ranking closest before a time, or at most a moment after it."""
    before = [one for one in kept if one.until_ms <= until_ms]
    if before:
        return max(before, key=lambda one: one.until_ms)
    nearest = min(kept, key=lambda one: one.until_ms, default=None)
    return nearest if nearest and nearest.until_ms <= until_ms + RANKINGS_BACK_MS else None


def _made(kept: list[Ranking], parts: Parts, ranked: Ranked) -> Ranking:
    """Return a new ranking, after making room for it."""
    while len(kept) >= RANKINGS_OF_PERIOD_MAX:
        kept.pop(0)
    rankings = parts.rankings
    size = sum(one.bytes for some in rankings.values() for one in some)
    while rankings and size > RANKINGS_BYTES_MAX:
        size -= sum(one.bytes for one in rankings.pop(next(iter(rankings))))
    return Ranking(ranked)


def _has_many_values(window: Window, parts: Parts, aggregate: Aggregate) -> bool:
    """Return whether a state over many chunks would have many values.

    A window without nodes has so few entries that this does not matter.
    """
    if aggregate.family not in window.large_families:
        return True
    at = window.large_families.index(aggregate.family)
    tree = Tree(window, parts)
    children, level = window.children, window.level
    while level and len(children) == 1:
        children, level = tree.node(children[0]).children, level - 1
    if not level:
        return True
    # The first node keeps no states after chunks were dropped from it.
    states: list[State] = [tree.node(child).states[at] for child in children[1:]]
    sizes = [RANKED_VALUES_MIN if one is NOT_KEPT else len(one or ()) for one in states]
    return max(sizes) >= RANKED_VALUES_MIN

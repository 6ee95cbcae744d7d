"""What a step does with the values of a series, combined for all attributes that read it."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from processor.aggregates import Aggregate, State, Value
from processor.engine.attribute import CompiledAttribute
from processor.interventions import LocalRule, Reader
from processor.limits import WINDOW_SLACK_MAX_MS, WINDOW_SLACK_MIN_MS


@dataclass(frozen=True, slots=True, eq=False)
class Timer:
    """A time to live, and the accumulators that end with it."""

    timer: int
    ttl_ms: int
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CompiledSeries:
    """A live series.

    `slots` are its accumulators and how they add a value; `large_slots` are those whose state is
    not always small. `aggregates` are those that windows over it read, one of each family.
    `kept_ms` is how long its entries are kept, 0 if there is no window. `timers` restart with each
    contribution.
    """

    series_id: int
    slots: tuple[tuple[int, Callable[[State, int, Value], State]], ...]
    large_slots: tuple[tuple[int, Aggregate], ...]
    aggregates: tuple[Aggregate, ...]
    kept_ms: int
    timers: tuple[Timer, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Touch:
    """What a contribution with values of certain series affects.

    `series` are in the order of the values; None for a series that no live attribute reads. `rules`
    are the rules to evaluate, with the readers whose values the contribution can change.
    """

    series: tuple[CompiledSeries | None, ...]
    live: bool
    timers: tuple[Timer, ...]
    rules: tuple[tuple[LocalRule, tuple[tuple[int, Reader], ...]], ...]


def compile_touch(series: tuple[CompiledSeries | None, ...], rules: Iterable[LocalRule]) -> Touch:
    """Return what values of these series affect; `rules` are all rules that read one of them."""
    timers = {timer.timer: timer for one in series if one for timer in one.timers}
    touched = {one.series_id for one in series if one}

    def changing(rule: LocalRule) -> tuple[tuple[int, Reader], ...]:
        # A time to live that ends also ends accumulators of other series.
        return tuple(
            (position, read)
            for position, (read, of) in enumerate(zip(rule.readers, rule.reads, strict=True))
            if timers or of in touched
        )

    return Touch(
        series,
        live=bool(touched),
        timers=tuple(timers.values()),
        rules=tuple((rule, changing(rule)) for rule in rules),
    )


def compile_series(
    attributes: Iterable[CompiledAttribute],
    group_timers: dict[tuple[str, int], int],
    told: Collection[int] = (),
) -> dict[int, CompiledSeries]:
    """Return every series that the attributes read, by its id.

    `group_timers` names the timer of each group version that has a time to live. `told` are the
    series that are only in a rule's message and not in its criteria.
    """
    known = list(attributes)
    timers = _timers(known)
    readers: dict[int, list[CompiledAttribute]] = {}
    for attribute in known:
        if attribute.series_id is not None:
            readers.setdefault(attribute.series_id, []).append(attribute)
    least_ms = dict.fromkeys(told, WINDOW_SLACK_MAX_MS)
    return {
        series_id: _series(
            series_id,
            found,
            timers,
            group_timers,
            _kept_ms(found, least_ms.get(series_id, WINDOW_SLACK_MIN_MS)),
        )
        for series_id, found in readers.items()
    }


def _timers(attributes: Iterable[CompiledAttribute]) -> dict[int, Timer]:
    slots: dict[int, set[int]] = {}
    ttl_ms: dict[int, int] = {}
    for attribute in attributes:
        lifetime = attribute.lifetime
        if lifetime is not None and lifetime.timer is not None and lifetime.ttl_ms is not None:
            slots.setdefault(lifetime.timer, set()).add(lifetime.slot)
            ttl_ms[lifetime.timer] = lifetime.ttl_ms
    return {timer: Timer(timer, ttl_ms[timer], tuple(slots[timer])) for timer in slots}


def _series(
    series_id: int,
    attributes: list[CompiledAttribute],
    timers: dict[int, Timer],
    group_timers: dict[tuple[str, int], int],
    kept_ms: int,
) -> CompiledSeries:
    slots: dict[int, Callable[[State, int, Value], State]] = {}
    large_slots: dict[int, Aggregate] = {}
    aggregates: dict[str, Aggregate] = {}
    touched: dict[int, Timer] = {}
    for attribute in attributes:
        aggregate, lifetime = attribute.aggregate, attribute.lifetime
        if aggregate is None:
            continue
        if lifetime is None:
            aggregates[aggregate.family] = aggregate
        elif aggregate.size is None:
            slots[lifetime.slot] = aggregate.add
        else:
            large_slots[lifetime.slot] = aggregate
        own = None if lifetime is None else lifetime.timer
        for timer in (group_timers.get((attribute.group, attribute.version)), own):
            if timer in timers:
                touched[timer] = timers[timer]
    return CompiledSeries(
        series_id,
        tuple(slots.items()),
        tuple(large_slots.items()),
        tuple(aggregates[name] for name in sorted(aggregates)),
        kept_ms,
        tuple(touched.values()),
    )


def _kept_ms(attributes: Iterable[CompiledAttribute], slack_ms: int) -> int:
    """Return how long entries are kept: the longest period, and at least `slack_ms` beyond it."""
    longest_ms = max((attribute.period_ms or 0 for attribute in attributes), default=0)
    slack_ms = min(max(longest_ms, slack_ms), WINDOW_SLACK_MAX_MS)
    return longest_ms + slack_ms if longest_ms else 0

"""One published attribute compiled: where its state is, and how its value is read.

The input of an attribute is its *series*: attribute key, selectors, criteria, property, and the
domain of the values. Attributes with the same five share a series, whatever they aggregate, and the
values are contributed once. How the values are stored depends on the attribute:

- without a period, they go into a *slot*, one for each family of aggregations (most_frequent and
  least_frequent share one). A slot lasts until its *timer* ends: the timer of the attribute's own
  time to live, else the timer of its group, else none. With another timer, it is another slot
- with a period, they are the entries of a *window*, of which each attribute reads its own period

The names of series, slots and timers are hashes of their content (names.py). So definitions with
the same meaning share state, and a definition that changes its meaning starts without state.
plan.py combines the attributes of all definitions, and lists these words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import definitions
from definitions import AttributeGroup
from definitions.aggregations import AGGREGATIONS, TIME_UNITS_MS
from definitions.attribute_types import DOMAINS, FLOATS, item_type
from processor.aggregates import AGGREGATES, Aggregate, Result, State, unchanged
from processor.engine.names import (
    canonical_criteria,
    canonical_property,
    canonical_selectors,
    state_id,
)
from processor.engine.profile import Profile
from processor.errors import DefinitionError
from processor.interventions import Reader
from processor.windows import ranks_between, state_between

NO_VALUE = "none"
_ANY_VALUE = "scalar"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The accumulator of a lifetime attribute, and the timer that ends it (None: it never ends)."""

    slot: int
    timer: int | None
    ttl_ms: int | None


@dataclass(frozen=True, slots=True, eq=False)
class CompiledAttribute:
    """A published attribute of one group version.

    `read(profile, now_ms)` is its value at that time, or `default` if it has no result.
    `series_id` is None for attributes that are registered but not computed from the stream.
    `period_ms` is None for lifetime attributes, `lifetime` for windowed ones. `timeless`: the value
    does not depend on the time at which it is read.
    """

    group: str
    version: int
    name: str
    key: str
    type: str
    series_id: int | None
    aggregate: Aggregate | None
    period_ms: int | None
    lifetime: Lifetime | None
    default: Result
    timeless: bool
    read: Reader

    @property
    def full_name(self) -> str:
        """Return `group_v1:attribute`."""
        return f"{self.group}_v{self.version}:{self.name}"


def compile_attribute(
    group: AttributeGroup, attribute: definitions.Attribute, domain: str
) -> CompiledAttribute:
    """Compile an attribute of a published stream group, with values of `domain`.

    Raises:
        DefinitionError: its property is not computed.
    """
    aggregate = AGGREGATES[attribute.aggregation]
    key = group.attribute_key.name
    series_id = series_name(key, attribute, domain)
    period_ms = None if attribute.period is None else milliseconds(attribute.period)
    lifetime = None if period_ms is not None else _lifetime(group, attribute, series_id)
    return CompiledAttribute(
        group=group.name,
        version=group.version,
        name=attribute.name,
        key=key,
        type=attribute.type,
        series_id=series_id,
        aggregate=aggregate,
        period_ms=period_ms,
        lifetime=lifetime,
        default=_default(attribute),
        timeless=lifetime is not None and lifetime.timer is None and attribute.time_unit is None,
        read=_reader(attribute, aggregate, series_id, lifetime or period_ms),
    )


def registered_attribute(group: AttributeGroup, name: str, kind: str) -> CompiledAttribute:
    """Return an attribute that is served as null, because it is not computed from the stream."""
    return CompiledAttribute(
        group=group.name,
        version=group.version,
        name=name,
        key=group.attribute_key.name,
        type=kind,
        series_id=None,
        aggregate=None,
        period_ms=None,
        lifetime=None,
        default=None,
        timeless=True,
        read=lambda _profile, _now_ms: None,
    )


def value_domain(attribute: definitions.Attribute) -> str:
    """Return which values can contribute; raise DefinitionError if the type is not computed."""
    aggregation = attribute.aggregation
    row = AGGREGATIONS[aggregation]
    if not row.takes_property:
        return NO_VALUE
    domain = _ANY_VALUE if row.own_result else DOMAINS.get(item_type(attribute.type))
    if domain is None:
        message = f"type {attribute.type!r} is not computed for {aggregation}"
        raise DefinitionError(message)
    if attribute.property is None:
        message = f"aggregation {aggregation!r} needs a property"
        raise DefinitionError(message)
    return domain


def group_timer(group: AttributeGroup) -> int:
    """Return the name of the timer of a group's time to live."""
    return state_id("timer", group.attribute_key.name, group.name, group.version)


def group_ttl_ms(group: AttributeGroup) -> int | None:
    """Return the time to live of a group: its own, else that of its attribute key."""
    ttl = group.ttl or group.attribute_key.ttl
    return None if ttl is None else milliseconds(ttl)


def milliseconds(duration: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return duration // timedelta(milliseconds=1)


def series_name(key: str, attribute: definitions.Attribute, domain: str) -> int:
    """Return the id of the series that an attribute reads."""
    return state_id(
        "series",
        key,
        canonical_selectors(attribute.events),
        canonical_criteria(attribute),
        None if domain == NO_VALUE else canonical_property(attribute.property),
        domain,
    )


def _lifetime(group: AttributeGroup, attribute: definitions.Attribute, series_id: int) -> Lifetime:
    family = AGGREGATES[attribute.aggregation].family
    if attribute.ttl is not None:
        ttl_ms = milliseconds(attribute.ttl)
        slot = state_id("slot", series_id, family, "attribute", ttl_ms)
        return Lifetime(slot, slot, ttl_ms)
    ttl = group_ttl_ms(group)
    if ttl is None:
        return Lifetime(state_id("slot", series_id, family), None, None)
    timer = group_timer(group)
    return Lifetime(state_id("slot", series_id, family, "group", timer), timer, ttl)


def _default(attribute: definitions.Attribute) -> Result:
    default = attribute.default_value
    return list(default) if isinstance(default, tuple) else default


# The result of a state that is not empty, at a time in ms.
ResultAt = Callable[[State, int], Result]


def _reader(
    attribute: definitions.Attribute,
    aggregate: Aggregate,
    series_id: int,
    kept: Lifetime | int | None,
) -> Reader:
    """Return the reader of a lifetime attribute, or of a window whose period is `kept` ms."""
    default = _default(attribute)
    if isinstance(kept, Lifetime):
        return _lifetime_reader(kept, attribute, aggregate)
    period_ms = kept or 0
    result_at = _result_at(attribute, aggregate)

    def read_window(profile: Profile, now_ms: int) -> Result:
        window = profile.head.windows.get(series_id)
        if window is None:
            return default
        state = state_between(window, profile.parts, aggregate, now_ms - period_ms, now_ms)
        value = None if state is None else result_at(state, now_ms)
        return default if value is None else value

    ranked = aggregate.ranked
    if ranked is None:
        return read_window

    def read_ranked(profile: Profile, now_ms: int) -> Result:
        window = profile.head.windows.get(series_id)
        if window is None:
            return default
        ranks = ranks_between(window, profile.parts, aggregate, now_ms - period_ms, now_ms)
        if ranks is None:
            return read_window(profile, now_ms)
        return ranked.result(ranks) if len(ranks) else default

    return read_ranked


def _result(attribute: definitions.Attribute, aggregate: Aggregate) -> Callable[[State], Result]:
    return aggregate.result_float if attribute.type in FLOATS else aggregate.result


def _result_at(attribute: definitions.Attribute, aggregate: Aggregate) -> ResultAt:
    if attribute.time_unit is None:
        result = _result(attribute, aggregate)
        return lambda state, _now_ms: result(state)
    unit_ms = TIME_UNITS_MS[attribute.time_unit]
    return lambda time_ms, now_ms: max(now_ms - time_ms, 0) / unit_ms


def _lifetime_reader(
    kept: Lifetime, attribute: definitions.Attribute, aggregate: Aggregate
) -> Reader:
    slot, default = kept.slot, _default(attribute)
    result_at = _result_at(attribute, aggregate)

    def read_state(profile: Profile, _now_ms: int) -> Result:
        value: Result = profile.head.slots.get(slot, default)
        return value

    def read_result(profile: Profile, now_ms: int) -> Result:
        state = profile.slot_state(slot)
        value = None if state is None else result_at(state, now_ms)
        return default if value is None else value

    plain = attribute.time_unit is None and _result(attribute, aggregate) is unchanged
    read_slot = read_state if plain else read_result
    if kept.timer is None or kept.ttl_ms is None:
        return read_slot
    timer, ttl_ms = kept.timer, kept.ttl_ms

    def read_while_alive(profile: Profile, now_ms: int) -> Result:
        latest_ms = profile.head.timers.get(timer)
        if latest_ms is None or latest_ms <= now_ms - ttl_ms:
            return default
        return read_slot(profile, now_ms)

    return read_while_alive

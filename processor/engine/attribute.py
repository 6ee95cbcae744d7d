"""One published attribute compiled: where its state is, and how its value is read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import definitions
from definitions import AttributeGroup
from processor.aggregates import AGGREGATES, Aggregate, State, Value, unchanged
from processor.engine.names import (
    canonical_criteria,
    canonical_property,
    canonical_selectors,
    state_id,
)
from processor.engine.profile import Profile
from processor.errors import DefinitionError
from processor.interventions import Reader
from processor.windows import state_between

# How a contributed value must look, by attribute type.
DOMAINS = {
    "string": "string",
    "timestamp": "string",
    "bytes": "string",
    "bool": "boolean",
    "int32": "integer",
    "int64": "integer",
    "double": "number",
    "float": "number",
    "unix_timestamp": "number",
}
NO_VALUE = "none"
_FLOAT_TYPES = frozenset({"double", "float"})


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The accumulator of a lifetime attribute, and the timer that ends it (None: it never ends)."""

    slot: int
    timer: int | None
    ttl_ms: int | None


@dataclass(frozen=True, slots=True, eq=False)
class CompiledAttribute:
    """A published attribute of one group version.

    `read(profile, now_ms)` is its value at that time, `default` where it has no result.
    `series_id` is None for attributes that are registered but not computed from the stream.
    `period_ms` is None for lifetime attributes, `lifetime` for windowed ones.
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
    default: Value
    read: Reader

    @property
    def timeless(self) -> bool:
        """Whether the value does not depend on the time at which it is read."""
        return self.period_ms is None and (self.lifetime is None or self.lifetime.timer is None)

    @property
    def full_name(self) -> str:
        """Return `group_v1:attribute`."""
        return f"{self.group}_v{self.version}:{self.name}"


def compile_attribute(
    group: AttributeGroup, attribute: definitions.Attribute, domain: str
) -> CompiledAttribute:
    """Compile an attribute of a published stream group whose values are of `domain`.

    Raises:
        DefinitionError: an aggregation or property that is not computed.
    """
    aggregate = AGGREGATES.get(attribute.aggregation)
    if aggregate is None:
        message = f"aggregation {attribute.aggregation!r} is not computed"
        raise DefinitionError(message)
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
        read=_reader(attribute, aggregate, series_id, lifetime or period_ms),
    )


def registered_attribute(group: AttributeGroup, name: str, kind: str) -> CompiledAttribute:
    """Return an attribute that is served as null: nothing computes it from the stream."""
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
        read=lambda _profile, _now_ms: None,
    )


def value_domain(attribute: definitions.Attribute) -> str:
    """Return which values can contribute; DefinitionError for a type that is not computed."""
    domain = NO_VALUE if attribute.aggregation == "counter" else DOMAINS.get(attribute.type)
    if domain is None:
        message = f"type {attribute.type!r} is not computed"
        raise DefinitionError(message)
    if domain != NO_VALUE and attribute.property is None:
        message = f"aggregation {attribute.aggregation!r} needs a property"
        raise DefinitionError(message)
    return domain


def group_timer(group: AttributeGroup) -> int:
    """Return the name of the timer of a group's time to live."""
    return state_id("timer", group.attribute_key.name, group.name, group.version)


def group_ttl_ms(group: AttributeGroup) -> int | None:
    """Return the time to live of a group: its own, else its key's."""
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
    family = attribute.aggregation
    if attribute.ttl is not None:
        ttl_ms = milliseconds(attribute.ttl)
        slot = state_id("slot", series_id, family, "attribute", ttl_ms)
        return Lifetime(slot, slot, ttl_ms)
    ttl = group_ttl_ms(group)
    if ttl is None:
        return Lifetime(state_id("slot", series_id, family), None, None)
    timer = group_timer(group)
    return Lifetime(state_id("slot", series_id, family, "group", timer), timer, ttl)


def _default(attribute: definitions.Attribute) -> Value:
    default = attribute.default_value
    if default is None or isinstance(default, str | int | float):
        return default
    message = f"default value {default!r} is not a single value"
    raise DefinitionError(message)


def _reader(
    attribute: definitions.Attribute,
    aggregate: Aggregate,
    series_id: int,
    kept: Lifetime | int | None,
) -> Reader:
    """Return the reader of a lifetime attribute, or of a window whose period is `kept` ms."""
    floating = attribute.type in _FLOAT_TYPES
    result = aggregate.result_float if floating else aggregate.result
    default = _default(attribute)
    if isinstance(kept, Lifetime):
        return _lifetime_reader(kept, result, default)
    period_ms = kept or 0

    def read_window(profile: Profile, now_ms: int) -> Value:
        window = profile.head.windows.get(series_id)
        if window is None:
            return default
        state = state_between(window, profile.chunks, aggregate, now_ms - period_ms, now_ms)
        value = None if state is None else result(state)
        return default if value is None else value

    return read_window


def _lifetime_reader(kept: Lifetime, result: Callable[[State], Value], default: Value) -> Reader:
    slot = kept.slot

    def read_state(profile: Profile, _now_ms: int) -> Value:
        value: Value = profile.head.slots.get(slot, default)
        return value

    def read_result(profile: Profile, _now_ms: int) -> Value:
        state = profile.head.slots.get(slot)
        value = None if state is None else result(state)
        return default if value is None else value

    read_slot = read_state if result is unchanged else read_result
    if kept.timer is None or kept.ttl_ms is None:
        return read_slot
    timer, ttl_ms = kept.timer, kept.ttl_ms

    def read_while_alive(profile: Profile, now_ms: int) -> Value:
        latest_ms = profile.head.timers.get(timer)
        if latest_ms is None or latest_ms <= now_ms - ttl_ms:
            return default
        return read_slot(profile, now_ms)

    return read_while_alive

"""Published definitions compiled: what the two stages and the reads work by.

A plan is never changed, apart from what it remembers to be fast and the rejected values it counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import orjson

from definitions import Attribute, AttributeGroup
from definitions.catalog import Catalog
from processor.criteria import compile_selectors
from processor.engine.attribute import (
    NO_VALUE,
    CompiledAttribute,
    compile_attribute,
    group_timer,
    group_ttl_ms,
    registered_attribute,
    series_name,
    value_domain,
)
from processor.engine.contribution import Contribution
from processor.engine.identifiers import uuids_only
from processor.engine.matching import Matching, Measure, split_criteria
from processor.engine.names import (
    canonical_criteria,
    canonical_property,
    canonical_selectors,
)
from processor.engine.rules import compile_rules
from processor.engine.series import CompiledSeries, Timer, Touch, compile_series, compile_touch
from processor.errors import DefinitionError
from processor.events import Event, PropertyReader, compile_property
from processor.interventions import CompiledRule, FiringLimit, JointRule
from processor.limits import DEDUPLICATION_HORIZON_MS, DEDUPLICATION_IDS_MAX, TOUCH_CACHE_MAX

Groups = dict[tuple[str, int], list[CompiledAttribute]]


class Deduplication(NamedTuple):
    """How many counted events a profile remembers, and for how long by event time."""

    ids: int
    horizon_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Compiled definitions.

    `rules` are the local ones in the order of name and version, `joints` the others by their ids.
    """

    definitions_offset: int
    deduplication: Deduplication
    rules: tuple[CompiledRule, ...]
    joints: dict[int, JointRule]
    series: dict[int, CompiledSeries]
    timers: dict[int, Timer]
    slots: frozenset[int]
    limits: dict[int, FiringLimit]
    _matching: Matching
    _groups: Groups
    _services: dict[str, list[tuple[str, int]]]
    _rules_of: dict[int, list[CompiledRule]]
    _touches: dict[tuple[int, ...], Touch] = field(default_factory=dict)

    def contributions(self, event: Event, offset: int) -> list[Contribution]:
        """Return what the event contributes, one contribution for each profile.

        Raises:
            MalformedEventError: a column that a definition reads holds broken JSON.
        """
        return self._matching.contributions(event, offset)

    def take_rejected(self) -> dict[tuple[str, str], int]:
        """Return how many values could not be used since the last call.

        By (`group_v1:attribute` or name of the attribute key, reason): `wrong_type`, `rejected`
        (too long, not finite, beyond 64 bits, an object), `identifier` (no usable id).
        """
        return self._matching.take_rejected()

    def touch(self, series_ids: tuple[int, ...]) -> Touch:
        """Return what values of these series concern."""
        try:
            return self._touches[series_ids]
        except KeyError:
            return self._learn(series_ids)

    def group_attributes(
        self, group: str, version: int | None = None, key: str | None = None
    ) -> list[CompiledAttribute]:
        """Return the attributes of a group, of its latest version if none is given.

        Empty if its attribute key is not `key`.

        Raises:
            DefinitionError: no such group is live.
        """
        versions = [of for name, of in self._groups if name == group and version in {None, of}]
        if not versions:
            known = f"no live attribute group {group!r}"
            message = known if version is None else f"{known} in version {version}"
            raise DefinitionError(message)
        attributes = self._groups[group, max(versions)]
        return [attribute for attribute in attributes if key in {None, attribute.key}]

    def key_attributes(self, key: str) -> list[CompiledAttribute]:
        """Return every attribute of an attribute key, by group and version.

        Raises:
            DefinitionError: no live group has that key.
        """
        found = [one for identity in sorted(self._groups) for one in self._groups[identity]]
        mine = [attribute for attribute in found if attribute.key == key]
        if not mine:
            message = f"no live attribute group has the key {key!r}"
            raise DefinitionError(message)
        return mine

    def service_attributes(self, service: str, key: str) -> list[CompiledAttribute]:
        """Return the attributes of a service's groups whose attribute key is `key`.

        Raises:
            DefinitionError: no such service is live.
        """
        links = self._services.get(service)
        if links is None:
            message = f"no live service {service!r}"
            raise DefinitionError(message)
        found = chain.from_iterable(self._groups[link] for link in links)
        return [attribute for attribute in found if attribute.key == key]

    def _learn(self, series_ids: tuple[int, ...]) -> Touch:
        series = tuple(self.series.get(series_id) for series_id in series_ids)
        concerned = {id(rule) for of in series_ids for rule in self._rules_of.get(of, ())}
        touch = compile_touch(series, (rule for rule in self.rules if id(rule) in concerned))
        if len(self._touches) >= TOUCH_CACHE_MAX:
            self._touches.clear()
        self._touches[series_ids] = touch
        return touch


def compile_plan(
    catalog: Catalog,
    *,
    app_ids: tuple[str, ...] = (),
    uuid_keys: tuple[str, ...] = (),
    deduplication_ids: int = DEDUPLICATION_IDS_MAX,
    deduplication_horizon_ms: int = DEDUPLICATION_HORIZON_MS,
    definitions_offset: int = -1,
) -> Plan:
    """Compile what is live of a catalog without problems.

    `app_ids`: only their events count; empty for all. `uuid_keys`: attribute keys whose ids must be
    UUIDs. De-duplication is off where either number is 0. `definitions_offset` is that of the
    definitions' last record.

    Raises:
        DefinitionError: a definition that is not computed; its detail names it.
    """
    live = catalog.published()
    groups = {identity: _attributes(group) for identity, group in live.attribute_groups.items()}
    computed = [group for group in live.attribute_groups.values() if not group.offline]
    rules, joints = compile_rules(live.interventions, groups)
    both: list[CompiledRule | JointRule] = [*rules, *joints]
    series = compile_series(
        chain.from_iterable(groups.values()),
        {(one.name, one.version): group_timer(one) for one in computed if group_ttl_ms(one)},
        told={series_id for rule in both for series_id in rule.told_ids},
    )
    rules_of: dict[int, list[CompiledRule]] = {}
    for rule in rules:
        for series_id in rule.series_ids:
            rules_of.setdefault(series_id, []).append(rule)
    return Plan(
        definitions_offset=definitions_offset,
        deduplication=Deduplication(deduplication_ids, deduplication_horizon_ms),
        rules=rules,
        joints={rule.rule_id: rule for rule in joints},
        series=series,
        timers={timer.timer: timer for one in series.values() for timer in one.timers},
        slots=frozenset(
            slot for one in series.values() for slot, _ in (*one.slots, *one.large_slots)
        ),
        limits={one.limit.name: one.limit for one in both if one.limit is not None},
        _matching=Matching(
            _measures(computed), _key_readers(computed, joints, live, uuid_keys), app_ids, joints
        ),
        _groups=groups,
        _services={
            name: [(link.name, link.version) for link in service.attribute_groups]
            for name, service in live.services.items()
        },
        _rules_of=rules_of,
    )


def _attributes(group: AttributeGroup) -> list[CompiledAttribute]:
    attributes = group.attributes or ()
    if not group.offline:
        return [_compiled(group, attribute) for attribute in attributes]
    return [
        *(registered_attribute(group, one.name, one.type) for one in attributes),
        *(registered_attribute(group, one.name, one.type) for one in group.fields or ()),
    ]


def _compiled(group: AttributeGroup, attribute: Attribute) -> CompiledAttribute:
    try:
        return compile_attribute(group, attribute, value_domain(attribute))
    except DefinitionError as error:
        place = f"attribute {attribute.name!r} of {group.name} version {group.version}"
        raise DefinitionError(error.message, detail=place, hint=error.hint) from error


def _key_readers(
    groups: Iterable[AttributeGroup],
    joints: Iterable[JointRule],
    live: Catalog,
    uuid_keys: Iterable[str],
) -> dict[str, PropertyReader]:
    """Return the reader of every attribute key that is computed, or that a joint rule names."""
    readers: dict[str, PropertyReader] = {}
    for group in groups:
        key = group.attribute_key
        if key.name not in readers:
            where = key.resolved_property
            if where is None:
                message = f"attribute key {key.name!r} has no property"
                raise DefinitionError(message)
            readers[key.name] = compile_property(where)
    for name in {name for rule in joints for name in rule.keys} - readers.keys():
        where = live.property_of(name)
        if where is not None:  # a key that only a warehouse knows has no id in events
            readers[name] = compile_property(where)
    for name in readers.keys() & set(uuid_keys):
        readers[name] = uuids_only(readers[name])
    return readers


def _measures(groups: Iterable[AttributeGroup]) -> Sequence[Measure]:
    """Return one measure for all attributes that look at the same events for the same value."""
    measures: dict[bytes, Measure] = {}
    for group in groups:
        for attribute in group.attributes or ():
            compiled = _compiled(group, attribute)
            domain = value_domain(attribute)
            read = domain != NO_VALUE
            name = orjson.dumps(
                [
                    canonical_selectors(attribute.events),
                    canonical_criteria(attribute),
                    canonical_property(attribute.property) if read else None,
                    domain,
                ]
            )
            measure = measures.get(name)
            if measure is None:
                measure = measures[name] = _measure(attribute, domain)
            measure.series[compiled.key] = series_name(compiled.key, attribute, domain)
            if compiled.full_name not in measure.names:
                measure.names.append(compiled.full_name)
    return list(measures.values())


def _measure(attribute: Attribute, domain: str) -> Measure:
    equal, test = split_criteria(attribute.criteria)
    read = None
    if domain != NO_VALUE:
        read = compile_property(attribute.property)  # type: ignore[arg-type]  # named above
    return Measure(compile_selectors(attribute.events), equal, test, read, domain)

"""Published definitions compiled to a plan, which the two stages and the reads use.

A definition states what an attribute is; attributes share what the engine computes:

    attribute   one attribute of one group version, compiled: the series that it reads, where its
                state is, and how its value is read (attribute.py)
    series      the input of all attributes that read the same value from the same events on the
                same attribute key. A contribution is an attribute key, an id and (series id, value)
    measure     the series that differ only in their attribute key: an event is tested once, and
                its value is read once, for all of them (matching.py)
    slot        an accumulator: the state of the lifetime attributes of one series and one family of
                aggregations, in a profile
    window      the entries of a series, for its attributes with a period, whatever the period
    timer       a time to live: it restarts with every contribution to one of its series, and its
                slots end with it
    rule        the criteria of an intervention over attributes. A local rule reads one profile; a
                joint rule reads several, which send parts to it (joint/)
    touch       what the values of some series affect: the series themselves, their timers, and the
                local rules that read them. Touches are remembered by their series (series.py)

The path of an event through a plan:

    event ─▶ measures whose selectors and criteria it meets ─▶ values by series
          ─▶ one contribution for each attribute key and id, with what joint rules ask
          ─▶ at the profile: the touch of its series ─▶ timers, slots, windows, rules (step.py)

A plan never changes, apart from its caches and its counts of rejected values.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import orjson

from definitions import Attribute, AttributeGroup
from definitions.catalog import Catalog
from definitions.properties import LeafProperty
from processor.aggregates import State
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
from processor.engine.identifiers import Identities, identities_of
from processor.engine.matching import Matching, Measure, split_criteria
from processor.engine.names import (
    canonical_criteria,
    canonical_property,
    canonical_selectors,
)
from processor.engine.rules import compile_rules
from processor.engine.series import CompiledSeries, Timer, Touch, compile_series, compile_touch
from processor.engine.stage_table import KeyDefinition, StageTable, stage_table
from processor.errors import DefinitionError
from processor.events import Event, Source, compile_property
from processor.interventions import FiringLimit, JointRule, LocalRule
from processor.limits import (
    DEDUPLICATION_HORIZON_MS,
    HEAD_IDS_HORIZON_MS,
    HEAD_IDS_MAX,
    TOUCH_CACHE_MAX,
)

Groups = dict[tuple[str, int], list[CompiledAttribute]]


class Deduplication(NamedTuple):
    """For how long, by arrival, a counted event is recognised; 0 for not at all.

    If workers of format level 1 are or were in the group, a profile's head holds up to `head_ids`
    event ids, which count for `head_horizon_ms` by event time.
    """

    horizon_ms: int
    head_ids: int
    head_horizon_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Compiled definitions.

    `rules` are the local rules in the order of name and version; `joints` are the others by id.
    `identities` determines which ids are the same, and which belong to nobody.
    `cuts` contains, for accumulators that hold event times, how these are cut to a limit.
    """

    definitions_offset: int
    identities: Identities
    deduplication: Deduplication
    rules: tuple[LocalRule, ...]
    joints: dict[int, JointRule]
    series: dict[int, CompiledSeries]
    timers: dict[int, Timer]
    slots: frozenset[int]
    limits: dict[int, FiringLimit]
    cuts: dict[int, Callable[[State, int], State]]
    _matching: Matching
    _keys: dict[str, KeyDefinition]
    _groups: Groups
    _services: dict[str, list[tuple[str, int]]]
    _rules_of: dict[int, list[LocalRule]]
    _touches: dict[tuple[int, ...], Touch] = field(default_factory=dict)

    def contributions(self, event: Event, source: Source, offset: int) -> list[Contribution]:
        """Return what the event contributes, one contribution for each profile.

        `source` and `offset` are where the event was read.

        Raises:
            MalformedEventError: a column that a definition reads holds broken JSON.
        """
        return self._matching.contributions(event, source, offset)

    def stage_table(self) -> StageTable:
        """Return what native code needs to compute the same contributions."""
        return stage_table(self._matching, self._keys, self.identities)

    def take_rejected(self) -> dict[tuple[str, str], int]:
        """Return how many values have been unusable since the last call.

        By (`group_v1:attribute` or name of the attribute key, reason): `wrong_type`, `rejected`
        (too long, not finite, beyond 64 bits, an object), `identifier` (no usable id), `nobody` (an
        id that belongs to nobody).
        """
        return self._matching.take_rejected()

    def touch(self, series_ids: tuple[int, ...]) -> Touch:
        """Return what values of these series affect."""
        try:
            return self._touches[series_ids]
        except KeyError:
            return self._learn(series_ids)

    def group_attributes(
        self, group: str, version: int | None = None, key: str | None = None
    ) -> list[CompiledAttribute]:
        """Return the attributes of a group, by default of its latest version.

        Empty if its attribute key is not `key`.

        Raises:
            DefinitionError: no such group is live.
        """
        if version is None:
            versions = [of for name, of in self._groups if name == group]
        else:
            versions = [version] if (group, version) in self._groups else []
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
        groups = (self._groups[link] for link in links)
        # All attributes of a group have the same key.
        of_key = (group for group in groups if group and group[0].key == key)
        return list(chain.from_iterable(of_key))

    def _learn(self, series_ids: tuple[int, ...]) -> Touch:
        series = tuple(self.series.get(series_id) for series_id in series_ids)
        concerned = {id(rule) for of in series_ids for rule in self._rules_of.get(of, ())}
        touch = compile_touch(series, (rule for rule in self.rules if id(rule) in concerned))
        if len(self._touches) >= TOUCH_CACHE_MAX:
            self._touches.clear()
        self._touches[series_ids] = touch
        return touch


def compile_plan(  # noqa: PLR0913 - one argument a setting
    catalog: Catalog,
    *,
    app_ids: tuple[str, ...] = (),
    uuid_keys: tuple[str, ...] = (),
    nobody_ids: tuple[str, ...] = (),
    deduplication_ids: int = HEAD_IDS_MAX,
    deduplication_horizon_ms: int = DEDUPLICATION_HORIZON_MS,
    definitions_offset: int = -1,
) -> Plan:
    """Compile the live definitions of a catalog without problems.

    Args:
        catalog: published and unpublished definitions.
        app_ids: only events of these applications count; empty for all.
        uuid_keys: attribute keys whose ids must be UUIDs.
        nobody_ids: ids that belong to nobody, beside the nil UUID.
        deduplication_ids: 0 turns de-duplication off; other values affect only heads.
        deduplication_horizon_ms: for how long, by arrival, a counted event is recognised; 0 turns
            it off.
        definitions_offset: the offset of the last record of the definitions.

    Raises:
        DefinitionError: a definition cannot be computed; the error's detail names it.
    """
    live = catalog.published()
    groups = {identity: _attributes(group) for identity, group in live.attribute_groups.items()}
    computed = [group for group in live.attribute_groups.values() if not group.offline]
    rules, joints = compile_rules(live.interventions, groups)
    both: list[LocalRule | JointRule] = [*rules, *joints]
    identities = identities_of(live, nobody_ids)
    keys = _key_definitions(computed, joints, live, uuid_keys)
    readers = {name: identities.reader(name, *key) for name, key in keys.items()}
    series = compile_series(
        chain.from_iterable(groups.values()),
        {(one.name, one.version): group_timer(one) for one in computed if group_ttl_ms(one)},
        told={series_id for rule in both for series_id in rule.told_ids},
    )
    rules_of: dict[int, list[LocalRule]] = {}
    for rule in rules:
        for series_id in rule.series_ids:
            rules_of.setdefault(series_id, []).append(rule)
    return Plan(
        definitions_offset=definitions_offset,
        identities=identities,
        deduplication=_deduplication(deduplication_ids, deduplication_horizon_ms),
        rules=rules,
        joints={rule.rule_id: rule for rule in joints},
        series=series,
        timers={timer.timer: timer for one in series.values() for timer in one.timers},
        slots=frozenset(
            slot for one in series.values() for slot, _ in (*one.slots, *one.large_slots)
        ),
        cuts={
            one.lifetime.slot: one.aggregate.cut
            for attributes in groups.values()
            for one in attributes
            if one.lifetime is not None and one.aggregate is not None and one.aggregate.cut
        },
        limits={one.limit.name: one.limit for one in both if one.limit is not None},
        _matching=Matching(_measures(computed), readers, app_ids, joints),
        _keys=keys,
        _groups=groups,
        _services={
            name: [(link.name, link.version) for link in service.attribute_groups]
            for name, service in live.services.items()
        },
        _rules_of=rules_of,
    )


def _deduplication(ids: int, horizon_ms: int) -> Deduplication:
    return Deduplication(horizon_ms if ids else 0, ids, min(horizon_ms, HEAD_IDS_HORIZON_MS))


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


def _key_definitions(
    groups: Iterable[AttributeGroup],
    joints: Iterable[JointRule],
    live: Catalog,
    uuid_keys: Sequence[str],
) -> dict[str, KeyDefinition]:
    """Return where every attribute key is read that is computed, or that a joint rule names."""
    properties: dict[str, LeafProperty] = {}
    for group in groups:
        key = group.attribute_key
        if key.name not in properties:
            where = key.resolved_property
            if where is None:
                message = f"attribute key {key.name!r} has no property"
                raise DefinitionError(message)
            properties[key.name] = where
    for name in {name for rule in joints for name in rule.keys} - properties.keys():
        where = live.property_of(name)
        if where is not None:  # a key that exists only in a warehouse has no id in events
            properties[name] = where
    return {
        name: KeyDefinition(where, uuids_only=name in uuid_keys)
        for name, where in properties.items()
    }


def _measures(groups: Iterable[AttributeGroup]) -> Sequence[Measure]:
    """Return one measure for all attributes that read the same value from the same events."""
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
    return Measure(attribute, compile_selectors(attribute.events), equal, test, read, domain)

"""Which series an event contributes to, and with which values. This runs for every event.

Two look-ups keep events that concern nobody cheap. The first goes from the columns vendor, name and
version, as they stand, and from the event specifications that selectors ask for and the event
carries, to a *matcher* of the series whose selectors match; it is remembered per combination. The
second is inside the matcher: where series of one kind of event are told apart by the text that one
property must equal (such as the type of an action), the property is read once and its value leads
to the series, instead of asking each of them.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from definitions import Criteria, Criterion
from processor.aggregates import Value
from processor.criteria import EventTest, Selectors, carried_specifications, compile_criteria
from processor.engine.asking import Asking, JointsOf, joints_of
from processor.engine.contribution import Contribution
from processor.engine.identifiers import identify
from processor.engine.names import canonical_property
from processor.events import REJECTED, Event, PropertyReader, PropertyValue, compile_property
from processor.events.columns import APP_ID
from processor.interventions import JointRule
from processor.limits import INTEGER_MAX, SELECTOR_CACHE_MAX

_TYPES: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "scalar": frozenset({str, bool, int, float}),
}


@dataclass(slots=True, eq=False)
class Measure:
    """Series that differ in their attribute key alone: one test and one value for all of them.

    `read` is None where values are not read (a counter). `equal` is the property and the text that
    it must equal, if there is such a criterion, and `test` what else the criteria ask for.
    """

    selects: Selectors
    equal: tuple[bytes, PropertyReader, str] | None
    test: EventTest | None
    read: PropertyReader | None
    domain: str
    series: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


def split_criteria(
    criteria: Criteria | None,
) -> tuple[tuple[bytes, PropertyReader, str] | None, EventTest | None]:
    """Return the first criterion of `all` that asks for a text, and the test of all the others."""
    if criteria is None:
        return None, None
    every = list(criteria.all or ())
    for criterion in every:
        if criterion.operator == "=" and isinstance(criterion.value, str):
            every.remove(criterion)
            return _equal(criterion, criterion.value), compile_criteria(every, criteria.any)
    return None, compile_criteria(every, criteria.any)


def _equal(criterion: Criterion, text: str) -> tuple[bytes, PropertyReader, str]:
    name = orjson.dumps(canonical_property(criterion.property))
    read = compile_property(criterion.property)
    return name, read, text


class Matcher:
    """The measures of one kind of event."""

    __slots__ = ("_always", "_asking", "_by_value", "_keys")

    def __init__(
        self, measures: Sequence[Measure], keys: dict[str, PropertyReader], joints: JointsOf
    ) -> None:
        """Match kinds of events that `measures` select; `joints` read the series of all kinds."""
        wanted = {key for measure in measures for key in measure.series}
        self._keys = tuple((key, keys[key]) for key in sorted(wanted))
        self._always = tuple(measure for measure in measures if measure.equal is None)
        readers: dict[bytes, PropertyReader] = {}
        tables: dict[bytes, dict[PropertyValue, list[Measure]]] = {}
        for measure in measures:
            if measure.equal is not None:
                name, read, text = measure.equal
                readers.setdefault(name, read)
                tables.setdefault(name, {}).setdefault(text, []).append(measure)
        self._by_value = tuple((readers[name], tables[name]) for name in tables)
        mine = {series_id for measure in measures for series_id in measure.series.values()}
        concerned = {series_id: joints[series_id] for series_id in mine if series_id in joints}
        self._asking = Asking(concerned, keys, wanted) if concerned else None

    def contributions(
        self, event: Event, offset: int, rejected: Counter[tuple[str, str]]
    ) -> list[Contribution]:
        """Return one contribution for each profile; count in `rejected` what cannot be used."""
        targets = [
            (key, identifier)
            for key, read in self._keys
            if (identifier := identify(key, read(event), rejected)) is not None
        ]
        if not targets:
            return []
        found: list[tuple[Measure, Value]] = []
        for measure in self._always:
            _measure(measure, event, found, rejected)
        for read, table in self._by_value:
            for measure in table.get(read(event), ()):
                _measure(measure, event, found, rejected)
        if not found:
            return []
        contributions = _contributions(event, offset, targets, found)
        if self._asking is None:
            return contributions
        return self._asking.added(event, offset, contributions, dict(targets), rejected)


def _measure(
    measure: Measure,
    event: Event,
    found: list[tuple[Measure, Value]],
    rejected: Counter[tuple[str, str]],
) -> None:
    if measure.test is not None and not measure.test(event):
        return
    if measure.read is None:
        found.append((measure, None))
        return
    value = measure.read(event)
    if value is None:
        return
    if type(value) in _TYPES[measure.domain]:
        found.append((measure, value))  # type: ignore[arg-type]  # REJECTED is of none of the types
        return
    reason = _REJECTED if value is REJECTED else _WRONG_TYPE
    if measure.domain == "integer" and isinstance(value, float) and value.is_integer():
        if -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
            found.append((measure, int(value)))
            return
        reason = _REJECTED
    for name in measure.names:
        rejected[name, reason] += 1


_REJECTED = "rejected"
_WRONG_TYPE = "wrong_type"


def _contributions(
    event: Event,
    offset: int,
    targets: Iterable[tuple[str, str]],
    found: list[tuple[Measure, Value]],
) -> list[Contribution]:
    contributions = []
    for key, identifier in targets:
        values = [(measure.series[key], value) for measure, value in found if key in measure.series]
        if values:
            contributions.append(
                Contribution(
                    offset,
                    key,
                    identifier,
                    event.time_ms,
                    event.event_id,
                    event.event_name,
                    event.derived_tstamp,
                    values,
                )
            )
    return contributions


class Matching:
    """All measures of a plan."""

    __slots__ = (
        "_app_ids",
        "_joints",
        "_keys",
        "_matchers",
        "_measures",
        "_rejected",
        "_specifications",
    )

    def __init__(
        self,
        measures: Sequence[Measure],
        keys: dict[str, PropertyReader],
        app_ids: Iterable[str],
        joints: Iterable[JointRule],
    ) -> None:
        self._joints = joints_of(joints)
        self._measures = tuple(measures)
        self._keys = keys
        self._app_ids = frozenset(app_id.encode() for app_id in app_ids)
        self._specifications: frozenset[str] = frozenset().union(
            *(measure.selects.specifications for measure in self._measures)
        )
        self._matchers: dict[Hashable, Matcher | None] = {}
        self._rejected: Counter[tuple[str, str]] = Counter()

    def contributions(self, event: Event, offset: int) -> list[Contribution]:
        """Return what the event contributes, one contribution for each profile."""
        if self._app_ids and event.column(APP_ID) not in self._app_ids:
            return []
        carried: frozenset[str] = frozenset()
        kind: Hashable = event.kind
        if self._specifications:
            carried = carried_specifications(event) & self._specifications
            kind = (kind, carried)
        try:
            matcher = self._matchers[kind]
        except KeyError:
            matcher = self._learn(event, kind, carried)
        return [] if matcher is None else matcher.contributions(event, offset, self._rejected)

    def take_rejected(self) -> dict[tuple[str, str], int]:
        """Return the counts since the last call by (attribute or key, reason)."""
        counts = dict(self._rejected)
        self._rejected.clear()
        return counts

    def _learn(self, event: Event, kind: Hashable, carried: frozenset[str]) -> Matcher | None:
        schema = (event.event_vendor, event.event_name, event.event_version)
        measures = [one for one in self._measures if one.selects.match(*schema, carried)]
        if len(self._matchers) >= SELECTOR_CACHE_MAX:
            self._matchers.clear()
        matcher = self._matchers[kind] = (
            Matcher(measures, self._keys, self._joints) if measures else None
        )
        return matcher

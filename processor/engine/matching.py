"""Which series an event contributes to, and which values. This runs for every event.

Two lookups keep events that no series needs cheap. The first lookup maps the raw columns vendor,
name and version, and the event specifications that selectors ask for and the event carries, to a
*matcher* of the series whose selectors match. The result is remembered for each combination. The
second lookup is inside the matcher. If series of one kind of event differ in the text that one
property must equal (such as the type of an action), the property is read once and its value selects
the series, instead of testing each of them.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from definitions import Attribute, Criteria, Criterion
from processor.aggregates import Value
from processor.criteria import EventTest, Selectors, carried_specifications, compile_criteria
from processor.engine.contribution import Contribution
from processor.engine.identifiers import IdentifierReader
from processor.engine.joint.ask import Asking, JointsOf, joints_of
from processor.engine.names import canonical_property
from processor.events import (
    REJECTED,
    Event,
    PropertyReader,
    PropertyValue,
    Source,
    Trigger,
    compile_property,
)
from processor.events.columns import APP_ID
from processor.interventions import JointRule
from processor.limits import (
    CONTRIBUTED_TEXT_BYTES_MAX,
    INTEGER_MAX,
    SELECTOR_CACHE_MAX,
    VALUE_CHARS_MAX,
)

_TYPES: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "scalar": frozenset({str, bool, int, float}),
}


@dataclass(slots=True, eq=False)
class Measure:
    """Series that differ only in their attribute key: one test and one value for all of them.

    `definition` is one of their attributes. `read` is None if no values are read (a counter).
    `equal` is the property and the text that it must equal, if there is such a criterion. `test`
    tests all other criteria.
    """

    definition: Attribute
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
    """Return the first criterion of `all` that requires a text, and the test of all others."""
    if criteria is None:
        return None, None
    equal, others = first_equal(criteria)
    test = compile_criteria(others, criteria.any)
    if equal is None:
        return None, test
    name = orjson.dumps(canonical_property(equal.property))
    return (name, compile_property(equal.property), str(equal.value)), test


def first_equal(criteria: Criteria) -> tuple[Criterion | None, list[Criterion]]:
    """Return the first criterion of `all` that requires a text, and the others of `all`."""
    every = list(criteria.all or ())
    for criterion in every:
        if criterion.operator == "=" and isinstance(criterion.value, str):
            every.remove(criterion)
            return criterion, every
    return None, every


class Matcher:
    """The measures of one kind of event."""

    __slots__ = ("_always", "_asking", "_by_value", "_keys")

    def __init__(
        self, measures: Sequence[Measure], keys: dict[str, IdentifierReader], joints: JointsOf
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
        self, event: Event, source: Source, offset: int, rejected: Counter[tuple[str, str]]
    ) -> list[Contribution]:
        """Return one contribution for each profile; count unusable values in `rejected`."""
        targets = [
            (key, identifier)
            for key, read in self._keys
            if (identifier := read(event, rejected)) is not None
        ]
        if not targets:
            return []
        found: list[tuple[Measure, Value]] = []
        for measure in self._always:
            _measure(measure, event, found, rejected)
        for read, table in self._by_value:
            for measure in table.get(read(event), ()):
                _measure(measure, event, found, rejected)
        if len(found) * len(targets) > _VALUES_THAT_FIT:
            found = _fitting(found, dict(targets), rejected)
        if not found:
            return []
        trigger = event.trigger(source, offset)
        contributions = _contributions(trigger, targets, found)
        if self._asking is None:
            return contributions
        return self._asking.added(event, trigger, contributions, dict(targets), rejected)


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
        found.append((measure, value))  # type: ignore[arg-type]  # REJECTED has none of the types
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
# This many texts always fit, however long they are: a character has at most four bytes.
_VALUES_THAT_FIT = CONTRIBUTED_TEXT_BYTES_MAX // (4 * VALUE_CHARS_MAX)


def _fitting(
    found: Sequence[tuple[Measure, Value]],
    keys: Collection[str],
    rejected: Counter[tuple[str, str]],
) -> list[tuple[Measure, Value]]:
    """Return the values, without the longest texts if all would be too many bytes for a frame.

    Texts that are left out are counted in `rejected`.
    """
    sizes = [
        len(value.encode()) * sum(key in keys for key in measure.series)
        if isinstance(value, str)
        else 0
        for measure, value in found
    ]
    surplus = sum(sizes) - CONTRIBUTED_TEXT_BYTES_MAX
    left_out = set()
    for at in sorted(range(len(found)), key=sizes.__getitem__, reverse=True):
        if surplus <= 0:
            break
        surplus -= sizes[at]
        left_out.add(at)
        for name in found[at][0].names:
            rejected[name, _REJECTED] += 1
    return [one for at, one in enumerate(found) if at not in left_out]


def _contributions(
    trigger: Trigger, targets: Iterable[tuple[str, str]], found: list[tuple[Measure, Value]]
) -> list[Contribution]:
    contributions = []
    for key, identifier in targets:
        values = [(measure.series[key], value) for measure, value in found if key in measure.series]
        if values:
            contributions.append(Contribution(trigger, key, identifier, values))
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
        keys: dict[str, IdentifierReader],
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

    def contributions(self, event: Event, source: Source, offset: int) -> list[Contribution]:
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
        if matcher is None:
            return []
        return matcher.contributions(event, source, offset, self._rejected)

    @property
    def app_ids(self) -> frozenset[bytes]:
        """The applications whose events count; empty for all."""
        return self._app_ids

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures, in the order of their values in a contribution."""
        return self._measures

    @property
    def joint_series(self) -> Collection[int]:
        """The ids of the series that joint rules read."""
        return self._joints.keys()

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

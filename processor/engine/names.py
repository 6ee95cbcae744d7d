"""Names of state: series, accumulators and timers are kept under 63-bit hashes of their content.

Two definitions with the same meaning get the same name, in whatever order or spelling they were
written, so that they share their state.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from definitions import (
    AtomicProperty,
    Attribute,
    CalculatedProperty,
    Criterion,
    EntityProperty,
    Event,
    EventProperty,
)
from definitions.paths import parse_path
from processor.errors import DefinitionError

Canonical = Any  # JSON values


def state_id(*parts: Canonical) -> int:
    """Return the 63-bit name of the state that the parts describe."""
    digest = hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).digest()
    return int.from_bytes(digest[:8]) >> 1


def canonical_selectors(selectors: Iterable[Event]) -> Canonical:
    """Return selectors in a fixed order, each once."""
    return _sorted(map(_canonical_selector, selectors))


def canonical_criteria(attribute: Attribute) -> Canonical:
    """Return the criteria, each list in a fixed order; null for a list that is not given."""
    criteria = attribute.criteria
    if criteria is None:
        return [[], None]
    some = criteria.any
    return [
        _sorted(map(_canonical_criterion, criteria.all or ())),
        None if some is None else _sorted(map(_canonical_criterion, some)),
    ]


def canonical_property(definition: Any) -> Canonical:  # checked here
    """Return the property with its path split; raise DefinitionError if it is not computed."""
    match definition:
        case CalculatedProperty():
            parts = [canonical_property(part) for part in definition.properties]
            return ["calculated", definition.operation, definition.separator or "", parts]
        case AtomicProperty():
            value: Canonical = ["atomic", definition.name]
        case EventProperty():
            schema = [definition.vendor, definition.name, definition.major_version]
            value = ["event", *schema, parse_path(definition.path)]
        case EntityProperty():
            schema = [definition.vendor, definition.name, definition.major_version]
            value = ["entity", *schema, definition.index, parse_path(definition.path)]
        case _:
            message = f"property of type {getattr(definition, 'type', None)!r} is not computed"
            raise DefinitionError(message)
    return value if definition.date_part is None else ["date_part", definition.date_part, value]


def _canonical_selector(selector: Event) -> Canonical:
    specification = selector.event_specification_id
    if specification is not None:
        return {"event_specification_id": specification}
    return [selector.vendor, selector.name, selector.version]


def _canonical_criterion(criterion: Criterion) -> Canonical:
    return [canonical_property(criterion.property), criterion.operator, criterion.value]


def _sorted(items: Iterable[Canonical]) -> list[Canonical]:
    texts = {orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in items}
    return [orjson.loads(text) for text in sorted(texts)]

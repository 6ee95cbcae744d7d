"""Event selectors: which events an attribute uses, by their schema or event specification."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import definitions
from processor.events import Event

_SPECIFICATION = "com.snowplowanalytics.snowplow/event_specification/1"


@dataclass(frozen=True, slots=True)
class Selectors:
    """Matches if any selector matches, or if there is none.

    A selector by schema matches if every part that it names is equal; a selector by event
    specification, if the event carries that specification.
    """

    schemas: tuple[tuple[str | None, str | None, str | None], ...]
    specifications: frozenset[str]

    def match(self, vendor: str, name: str, version: str, carried: Collection[str]) -> bool:
        """Return whether an event with this schema and these event specifications matches."""
        if not (self.schemas or self.specifications):
            return True
        return not self.specifications.isdisjoint(carried) or any(
            wanted_vendor in {None, vendor}
            and wanted_name in {None, name}
            and wanted_version in {None, version}
            for wanted_vendor, wanted_name, wanted_version in self.schemas
        )


def compile_selectors(selectors: Sequence[definitions.Event]) -> Selectors:
    """Return the test of an event's schema and event specifications."""
    return Selectors(
        tuple(
            (one.vendor, one.name, one.version)
            for one in selectors
            if one.event_specification_id is None
        ),
        frozenset(
            one.event_specification_id
            for one in selectors
            if one.event_specification_id is not None
        ),
    )


def carried_specifications(event: Event) -> frozenset[str]:
    """Return the event specifications that an event carries, by the ids in its entities.

    Raises:
        MalformedEventError: the entities are not JSON.
    """
    count = event.entity_count(_SPECIFICATION)
    if not count:
        return _NONE
    found = (event.entity_data(_SPECIFICATION, index) for index in range(count))
    ids = (one.get("id") for one in found if type(one) is dict)
    return frozenset(one for one in ids if type(one) is str)


_NONE: frozenset[str] = frozenset()

"""Which profile of an attribute key an event belongs to, and which spellings are the same id.

The cookies and sessions of a browser are UUIDs. Trackers and Enrich write them in lower case, some
programs in upper case. If a key is read from such a column, its ids that are UUIDs are *kept* in
lower case; ids of all other keys are kept unchanged. Some ids belong to nobody: the nil UUID, which
a collector sets for anonymous visitors, and the ids that a setting lists.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeGuard

from definitions import AtomicProperty
from definitions.attribute_keys import BUILT_IN_KEYS
from definitions.catalog import Catalog
from processor.events import COLUMN_TYPES, REJECTED, ColumnType, Event, Property, compile_property
from processor.events.event import column_reader
from processor.events.values import json_text
from processor.limits import IDENTIFIER_CHARS_MAX

# Returns the id that an event has for a key, or None if it has no usable id. Unusable ids are
# counted by key and reason.
IdentifierReader = Callable[[Event, Counter[tuple[str, str]]], str | None]

NIL_UUIDS: Final = frozenset(
    form.format(*("0" * size for size in (8, 4, 4, 4, 12)))
    for form in ("{}-{}-{}-{}-{}", "{}{}{}{}{}", "{{{}-{}-{}-{}-{}}}")
)
_BROWSER_COLUMNS: Final = frozenset({"domain_userid", "domain_sessionid", "network_userid"})
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_UUID_CHARS = 36
_IDENTIFIER = "identifier"
_NOBODY = "nobody"


def folded(identifier: str) -> str:
    """Return a UUID in lower case, and any other text unchanged."""
    return identifier.lower() if _UUID.fullmatch(identifier) else identifier


@dataclass(frozen=True, slots=True)
class Identities:
    """How ids of attribute keys are interpreted.

    `folded_keys` are the keys whose UUIDs are the same id in any case. `nobody` are the ids, beside
    the nil UUID, that belong to nobody.
    """

    folded_keys: frozenset[str]
    nobody: frozenset[str] = frozenset()

    def kept(self, key: str, identifier: str) -> str:
        """Return an id as profiles, messages and topics contain it."""
        return folded(identifier) if key in self.folded_keys else identifier

    def is_nobody(self, key: str, identifier: str) -> bool:
        """Return whether an id belongs to nobody: no profile is kept for it."""
        return self.kept(key, identifier) in self.nobody_of(key)

    def reader(self, key: str, where: Property, uuids_only: bool) -> IdentifierReader:
        """Return the function that reads the kept id of a key from an event.

        `uuids_only`: a text that is not a UUID is not an id.
        """
        nobody, folds = self.nobody_of(key), key in self.folded_keys
        if not uuids_only and _is_text_column(where):
            return _column_reader(key, where.name, nobody, folds=folds)
        return _value_reader(key, where, nobody, folds=folds, uuids_only=uuids_only)

    def nobody_of(self, key: str) -> frozenset[str]:
        """Return the ids of a key, as they are kept, that belong to nobody."""
        listed = map(folded, self.nobody) if key in self.folded_keys else self.nobody
        return NIL_UUIDS.union(listed)


def identities_of(live: Catalog, nobody: Iterable[str]) -> Identities:
    """Return the interpretation of ids under `live`; `nobody` are the ids the settings list."""
    names = {*BUILT_IN_KEYS, *live.attribute_keys}
    return Identities(
        frozenset(name for name in names if _is_browsers(live.property_of(name))),
        frozenset(nobody),
    )


def _is_browsers(where: Property | None) -> bool:
    return where is not None and _is_text_column(where) and where.name in _BROWSER_COLUMNS


def _is_text_column(where: Property) -> TypeGuard[AtomicProperty]:
    return (
        isinstance(where, AtomicProperty)
        and where.date_part is None
        and COLUMN_TYPES[where.name] is ColumnType.STRING
    )


def _column_reader(
    key: str, column: str, nobody: frozenset[str], *, folds: bool
) -> IdentifierReader:
    """Return the reader of a text column: most ids are in one, and are kept unchanged."""
    read = column_reader(column)

    def read_id(event: Event, rejected: Counter[tuple[str, str]]) -> str | None:
        text = read(event)
        if not text:
            return None
        identifier = text.decode()
        if folds and len(text) == _UUID_CHARS and not text.islower():
            identifier = folded(identifier)
        if len(text) > IDENTIFIER_CHARS_MAX or identifier in nobody:
            return _checked(key, identifier, nobody, rejected)
        return identifier

    return read_id


def _value_reader(
    key: str, where: Property, nobody: frozenset[str], *, folds: bool, uuids_only: bool
) -> IdentifierReader:
    """Return the reader of any property."""
    read = compile_property(where)

    def read_id(event: Event, rejected: Counter[tuple[str, str]]) -> str | None:
        value = read(event)
        if value is None or value == "":
            return None
        if value is REJECTED:
            rejected[key, _IDENTIFIER] += 1
            return None
        identifier = value if isinstance(value, str) else json_text(value)
        if uuids_only and not (isinstance(value, str) and _UUID.fullmatch(identifier)):
            rejected[key, _IDENTIFIER] += 1
            return None
        return _checked(key, folded(identifier) if folds else identifier, nobody, rejected)

    return read_id


def _checked(
    key: str, identifier: str, nobody: frozenset[str], rejected: Counter[tuple[str, str]]
) -> str | None:
    """Return an id if it is usable; otherwise count it."""
    if len(identifier) > IDENTIFIER_CHARS_MAX:
        rejected[key, _IDENTIFIER] += 1
        return None
    if identifier in nobody:
        rejected[key, _NOBODY] += 1
        return None
    return identifier

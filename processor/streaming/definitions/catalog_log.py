"""Which definitions are good, as the records of their topic are read. Pure: no Kafka."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from definitions.catalog import Catalog
from definitions.objects import Definition
from definitions.problems import Problem, ProblemCode
from definitions.records import RecordError, from_record


@dataclass(frozen=True, slots=True)
class DefinitionRecord:
    """One record of the topic; a value of None deletes the object."""

    offset: int
    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that was not accepted, and the value that stays in force for its key."""

    record: DefinitionRecord
    problems: tuple[Problem, ...]
    good: bytes | None


class CatalogLog:
    """The good definitions, as records are read.

    Whenever something changes, the last values of all keys are checked again, all together. So
    what is in force depends neither on the order of the records, which compaction changes, nor on
    when reading began. If the last value of a key is not valid, the last good value stays.
    """

    def __init__(self) -> None:
        self.catalog = Catalog.empty()
        self.values: dict[str, bytes] = {}
        self.offset = -1
        self._latest: dict[str, DefinitionRecord] = {}
        self._refused: dict[str, int] = {}

    def take(self, records: Iterable[DefinitionRecord]) -> list[RefusedRecord]:
        """Take records; return those that are refused now but were not refused before.

        A definition that names an unpublished group is not refused: it is only not in force.
        """
        for record in records:
            self.offset = max(self.offset, record.offset)
            if record.value is None:
                self._latest.pop(record.key, None)
                self.values.pop(record.key, None)
            else:
                self._latest[record.key] = record
        problems: dict[str, tuple[Problem, ...]] = {}
        chosen = {key: found for key in self._latest if (found := self._choose(key, problems))}
        while True:
            self.catalog = Catalog.empty().with_objects(one for one, _ in chosen.values())
            wrong = _problems_by_record(self.catalog, chosen)
            if not wrong:
                break
            for key, mistakes in wrong.items():
                problems.setdefault(key, tuple(mistakes))
                good = self._good(key) if chosen[key][1] == self._latest[key].value else None
                if good is None or good == chosen[key]:
                    del chosen[key]
                else:
                    chosen[key] = good
        before = dict(self.values)
        self.values.update({key: value for key, (_, value) in chosen.items()})
        return self._newly_refused(problems, before)

    def _choose(
        self, key: str, problems: dict[str, tuple[Problem, ...]]
    ) -> tuple[Definition, bytes] | None:
        """Return the key's last readable value, with its bytes; note why the last is not."""
        value = self._latest[key].value
        assert value is not None, "deletions are not kept"
        try:
            return from_record(key, value), value
        except RecordError as error:
            problems[key] = tuple(error.problems)
            return self._good(key)

    def _good(self, key: str) -> tuple[Definition, bytes] | None:
        value = self.values.get(key)
        return None if value is None else (from_record(key, value), value)

    def _newly_refused(
        self, problems: Mapping[str, tuple[Problem, ...]], good: Mapping[str, bytes]
    ) -> list[RefusedRecord]:
        refused = {key: self._latest[key].offset for key in problems}
        new = [
            RefusedRecord(self._latest[key], problems[key], good.get(key))
            for key, offset in refused.items()
            if self._refused.get(key) != offset
        ]
        self._refused = refused
        return new


def _problems_by_record(catalog: Catalog, keys: Container[str]) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for problem in catalog.problems():
        if problem.record in keys and problem.code != ProblemCode.UNPUBLISHED_GROUP:
            found.setdefault(problem.record, []).append(problem)
    return found

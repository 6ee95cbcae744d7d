"""The good definitions as records of their topic go by. Pure: no Kafka."""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from definitions.catalog import Catalog, Problem
from definitions.problems import ProblemCode
from definitions.records import RecordError, from_record


@dataclass(frozen=True, slots=True)
class DefinitionRecord:
    """One record of the topic; a value of None deletes the object."""

    offset: int
    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that was not taken over, and the value that stays in force for its key."""

    record: DefinitionRecord
    problems: tuple[Problem, ...]
    good: bytes | None


class CatalogLog:
    """The catalog of the good definitions so far, and their records' values by key."""

    def __init__(self) -> None:
        self.catalog = Catalog.empty()
        self.values: dict[str, bytes] = {}
        self.offset = -1

    def take(self, records: Iterable[DefinitionRecord]) -> list[RefusedRecord]:
        """Take records that came together; return those that cannot be right.

        They are judged together, by the last value of each key: compaction changes their order.
        A definition is not refused because a group that it names is unpublished: then it is only
        not in force.
        """
        latest: dict[str, DefinitionRecord] = {}
        for record in records:
            latest[record.key] = record
            self.offset = max(self.offset, record.offset)
        refused: dict[str, RefusedRecord] = {}
        objects = {}
        for key, record in latest.items():
            if record.value is None:
                self.catalog = self.catalog.without(key)
                self.values.pop(key, None)
                continue
            try:
                objects[key] = from_record(key, record.value)
            except RecordError as error:
                refused[key] = RefusedRecord(record, tuple(error.problems), self.values.get(key))
        while True:
            candidate = self.catalog.with_objects(objects.values())
            wrong = _problems_by_record(candidate, objects)
            if not wrong:
                break
            for key, problems in wrong.items():
                del objects[key]
                refused[key] = RefusedRecord(latest[key], tuple(problems), self.values.get(key))
        self.catalog = candidate
        for key in objects:
            value = latest[key].value
            assert value is not None, "deletions are no objects"
            self.values[key] = value
        return list(refused.values())


def _problems_by_record(catalog: Catalog, keys: Container[str]) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for problem in catalog.problems():
        if problem.record in keys and problem.code != ProblemCode.UNPUBLISHED_GROUP:
            found.setdefault(problem.record, []).append(problem)
    return found

"""What publishing definitions would change, in each of them and in those that stay."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from definitions.catalog import Catalog
from definitions.dependents import Moved, moved, stopped
from definitions.life_cycle import publish
from definitions.objects import Definition
from definitions.problems import Problem


class Outcome(StrEnum):
    """What publishing does to a definition."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Difference:
    """One definition: `fields` change in place; `problems` are why it is refused."""

    record: str
    outcome: Outcome
    fields: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Differences:
    """What publishing changes, in the order in which it would be written.

    Definitions that publishing would make wrong are last, as refused. `stopped` and `moved` are
    effects on definitions in force; they are empty if something is refused.
    """

    definitions: tuple[Difference, ...]
    stopped: tuple[str, ...]
    moved: tuple[Moved, ...]

    @property
    def refused(self) -> bool:
        """Whether publishing would change nothing at all, because something is refused."""
        return any(one.outcome is Outcome.REFUSED for one in self.definitions)


def differences(old: Catalog, objects: Iterable[Definition]) -> Differences:
    """Compare definitions, as they would be after publishing, with the stored ones."""
    step = publish(old, objects)
    problems: dict[str, list[Problem]] = {record: [] for record in step.records}
    for problem in step.problems:
        problems.setdefault(problem.record, []).append(problem)
    found = tuple(
        Difference(record, Outcome.REFUSED, problems=tuple(why))
        if why
        else _difference(record, old.by_record.get(record), step.catalog.by_record[record])
        for record, why in problems.items()
    )
    if step.problems:
        return Differences(found, (), ())
    return Differences(found, tuple(stopped(old, step.catalog)), tuple(moved(old, step.catalog)))


def _difference(record: str, old: Definition | None, new: Definition) -> Difference:
    if old is None:
        return Difference(record, Outcome.NEW)
    was, now = old.registry_json(), new.registry_json()
    if _text(was) == _text(now):
        return Difference(record, Outcome.UNCHANGED)
    parts_before, parts_after = dict(_parts(was)), dict(_parts(now))
    names = dict.fromkeys([*parts_before, *parts_after])
    fields = tuple(one for one in names if parts_before.get(one) != parts_after.get(one))
    return Difference(record, Outcome.CHANGED, fields or ("order of attributes",))


def _parts(value: dict[str, Any]) -> Iterator[tuple[str, str]]:  # JSON values
    for field, content in value.items():
        one = {"attributes": "attribute", "fields": "field"}.get(field)
        if one is None:
            yield field, _text(content)
            continue
        for item in content:
            yield f"{one} {item['name']}", _text(item)


def _text(value: Any) -> str:  # JSON values; text, because 1, 1.0 and true are equal in Python
    return json.dumps(value, sort_keys=True)

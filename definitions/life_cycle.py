"""Draft, published, unpublished, deleted: what each step does to a catalog, and what refuses it.

Publishing and storing a draft are refused if a definition is wrong, if it changes published
content, or if it makes another definition wrong. Unpublishing is never refused: definitions that
need the unpublished one stop being in force but stay published, so that they are in force again as
soon as possible. Only definitions that would then be wrong are unpublished with it. Deleting is
refused while the definition is published, and while a remaining definition needs it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from definitions.catalog import Catalog
from definitions.changes import refusals
from definitions.dependents import dependents
from definitions.objects import Definition, place_of, record_key
from definitions.problems import Problem, ProblemCode, ProblemList, shown_record


@dataclass(frozen=True, slots=True)
class LifeCycleStep:
    """The catalog after a step, and the records that it writes; `problems` refuse it.

    `records` are in the order in which they are written: each after what it needs or, if they are
    deleted, before it.
    """

    catalog: Catalog
    records: tuple[str, ...]
    problems: list[Problem]


def publish(catalog: Catalog, objects: Iterable[Definition]) -> LifeCycleStep:
    """Put definitions in force."""
    return _stored(catalog, [_with_state(one, published=True) for one in objects])


def draft(catalog: Catalog, objects: Iterable[Definition]) -> LifeCycleStep:
    """Store definitions that are not in force; published definitions are refused."""
    drafts = [_with_state(one, published=False) for one in objects]
    step = _stored(catalog, drafts)
    problems: list[Problem] = []
    for definition in drafts:
        before = catalog.by_record.get(record_key(definition))
        if before is not None and before.is_published:
            hint = "unpublish it first, or store the draft under another name or version"
            problems.append(_problem(before, ProblemCode.PUBLISHED, "it is published", hint))
    return LifeCycleStep(step.catalog, step.records, problems + step.problems)


def unpublish(catalog: Catalog, names: Iterable[str]) -> LifeCycleStep:
    """Take definitions out of force; they stay stored. `names`: see `records_named`."""
    records, problems = records_named(catalog.by_record, names)
    wanted = set(records)
    while True:
        objects = [_with_state(catalog.by_record[record], published=False) for record in wanted]
        after = catalog.with_objects(objects)
        along = {problem.record for problem in _made_wrong(catalog, after.problems())} - wanted
        if not along:
            return LifeCycleStep(after, _in_order(after, wanted), problems)
        wanted |= along


def delete(catalog: Catalog, names: Iterable[str], stored: Collection[str] = ()) -> LifeCycleStep:
    """Remove definitions, including definitions that need each other, in one step.

    `stored` are existing records beside the catalog's: no definition needs an unreadable record.
    `names`: see `records_named`.
    """
    records, problems = records_named([*catalog.by_record, *stored], names)
    users = dependents(catalog, records)
    for record in records:
        definition = catalog.by_record.get(record)
        if definition is None:
            continue
        if definition.is_published:
            hint = f"unpublish it first: {record}"
            problems.append(_problem(definition, ProblemCode.PUBLISHED, "it is published", hint))
        if record in users:
            message = f"needed by {', '.join(place_of(one) for one in users[record])}"
            hint = "delete what needs it first, or in the same step"
            problems.append(_problem(definition, ProblemCode.IN_USE, message, hint))
    after = catalog
    for record in records:
        after = after.without(record)
    known = _in_order(catalog, records)[::-1]
    unreadable = [record for record in records if record not in catalog.by_record]
    return LifeCycleStep(after, (*known, *unreadable), problems)


def create(catalog: Catalog, definition: Definition) -> LifeCycleStep:
    """Store a new definition, in force or not, as its own fields state."""
    before = catalog.by_record.get(record_key(definition))
    if before is not None:
        hint = "replace it, or choose another name or version"
        problem = _problem(before, ProblemCode.EXISTS, "it is there already", hint)
        return LifeCycleStep(catalog, (), [problem])
    return (publish if definition.is_published else draft)(catalog, [definition])


def replace(catalog: Catalog, definition: Definition) -> LifeCycleStep:
    """Replace a stored definition, in force or not, as its own fields state.

    If it was in force and states that it no longer is, it is taken out of force as in `unpublish`.
    """
    record = record_key(definition)
    before = catalog.by_record.get(record)
    if before is None:
        return LifeCycleStep(catalog, (), records_named(catalog.by_record, [record])[1])
    if definition.is_published:
        return publish(catalog, [definition])
    if not before.is_published:
        return draft(catalog, [definition])
    found = [one for one in _stored(catalog, [definition]).problems if one.record == record]
    if found:
        return LifeCycleStep(catalog, (), found)
    return unpublish(catalog.with_objects([_with_state(definition, published=True)]), [record])


def publish_stored(catalog: Catalog, names: Iterable[str]) -> LifeCycleStep:
    """Put stored definitions in force. `names`: see `records_named`."""
    records, problems = records_named(catalog.by_record, names)
    step = publish(catalog, [catalog.by_record[record] for record in records])
    return LifeCycleStep(step.catalog, step.records, problems + step.problems)


def records_named(stored: Iterable[str], names: Iterable[str]) -> tuple[list[str], list[Problem]]:
    """The record keys that names refer to, each once, and a problem for each unknown name.

    A name is a record key, or one without its version: it then refers to every version.
    """
    known = list(dict.fromkeys(stored))
    meant: dict[str, list[str]] = {}
    for one in known:
        meant.setdefault(one, []).append(one)
        meant.setdefault(one.rpartition("/")[0], []).append(one)
    found: dict[str, None] = {}
    problems = ProblemList("")
    for name in names:
        records = meant.get(name, [])
        found.update(dict.fromkeys(records))
        if not records:
            problems.add(
                ProblemCode.UNKNOWN_OBJECT,
                shown_record(name),
                "nothing of this name is stored",
                hint="write attribute_key/NAME, attribute_group/NAME/VERSION, service/NAME, "
                "intervention/NAME/VERSION or event_log/NAME" + problems.near(name, known),
            )
    return list(found), problems.items


def _stored(catalog: Catalog, objects: list[Definition]) -> LifeCycleStep:
    after = catalog.with_objects(objects)
    mine = {record_key(one) for one in objects}
    found = refusals(catalog, objects)
    problems = after.problems()
    others = [problem for problem in problems if problem.record not in mine]
    found += [problem for problem in problems if problem.record in mine]
    return LifeCycleStep(after, _in_order(after, mine), found + _made_wrong(catalog, others))


def _made_wrong(old: Catalog, problems: Iterable[Problem]) -> list[Problem]:
    """The problems that did not exist before; being out of force is not a problem."""
    found = [one for one in problems if one.code != ProblemCode.UNPUBLISHED_GROUP]
    if not found:
        return []
    known = {(one.record, one.code, one.place) for one in old.problems()}
    return [one for one in found if (one.record, one.code, one.place) not in known]


def _in_order(catalog: Catalog, records: Collection[str]) -> tuple[str, ...]:
    """Record keys in a catalog's order: keys, groups, services, interventions."""
    return tuple(record for record in catalog.by_record if record in records)


def _with_state(definition: Definition, *, published: bool) -> Definition:
    return definition.model_copy(update={"is_published": published})


def _problem(definition: Definition, code: ProblemCode, message: str, hint: str) -> Problem:
    return Problem(code, place_of(definition), "", message, hint, record_key(definition))

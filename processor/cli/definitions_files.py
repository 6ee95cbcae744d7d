"""`check`, `diff`, `publish`, `unpublish`, `delete`: definitions from a Python file or JSON."""

import json
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from definitions import UnknownFieldWarning
from definitions.attribute_types import ValueDomain
from definitions.catalog import Catalog
from definitions.dependents import Moved
from definitions.differences import Difference, Differences, differences
from definitions.objects import Definition
from definitions.problems import Problem, ProblemCode
from definitions.records import RecordError, objects_from_file, record_key
from processor.cli.kafka import topics_of
from processor.cli.setting_options import with_settings
from processor.engine import compile_plan
from processor.errors import BrokerError, InvalidDefinitionsError, TopicError
from processor.events import COLUMN_TYPES, ColumnType
from processor.printable import printable, printable_json
from processor.settings import Settings
from processor.streaming.definitions.definitions_topic import (
    DefinitionsWriter,
    Written,
    read_catalog,
)

File = Annotated[
    Path,
    typer.Argument(
        exists=True,
        dir_okay=False,
        readable=True,
        help="a Python file, or a JSON file with one definition or a list",
    ),
]
Names = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME",
        help="KIND/NAME/VERSION, KIND/NAME (every version), or a file (everything it defines); "
        "KIND is attribute_key, attribute_group, service or intervention",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object")]
_ALONE = "the file is looked at alone; to compare it with what is published: processor diff"
_NOT_KNOWN = frozenset({ProblemCode.UNKNOWN_GROUP, ProblemCode.UNKNOWN_ATTRIBUTE_KEY})
_KNOWN = "is known"
# Of the types of columns whose values are of one kind for sure.
_DOMAINS: dict[ColumnType, ValueDomain] = {
    ColumnType.STRING: "string",
    ColumnType.INT: "integer",
    ColumnType.DOUBLE: "number",
    ColumnType.BOOL: "boolean",
}
_COLUMN_DOMAINS = {n: _DOMAINS[kind] for n, kind in COLUMN_TYPES.items() if kind in _DOMAINS}


def check(file: File, *, as_json: Json = False) -> None:
    """Validate the definitions of a file as if there were no others; does not contact Kafka."""
    with problems_told(as_json=as_json, alone=True):
        objects = read_file(file)
        catalog = catalog_of(objects)
        compile_plan(catalog)
    warn(catalog, objects)
    if as_json:
        _print_json(definitions=[record_key(one) for one in objects], problems=[])
        return
    for definition in objects:
        typer.echo(printable(f"ok  {record_key(definition)}{_note(definition)}"))


@with_settings("bootstrap_servers", "app_id", "definitions_topic")
def diff(file: File, *, as_json: Json = False, settings: Settings) -> None:
    """Show what publishing a file would change; nothing is written.

    Exits with status 1 if a definition would be refused, because then nothing would be published.
    """
    with problems_told(as_json=as_json):
        objects = read_file(file, settings)
        old = _published(settings)
        found = differences(old, objects)
    if not found.refused:
        warn(old.with_objects(objects), objects)
    if as_json:
        _print_json(
            definitions=[_plain_difference(one) for one in found.definitions],
            stopped=found.stopped,
            moved=[asdict(one) for one in found.moved],
        )
    else:
        _tell_differences(found)
    if found.refused:
        raise typer.Exit(1)


@with_settings("bootstrap_servers", "app_id", "definitions_topic")
def publish(
    file: File,
    *,
    draft: Annotated[bool, typer.Option("--draft", help="only store them, not in force")] = False,
    as_json: Json = False,
    settings: Settings,
) -> None:
    """Publish the definitions of a file, all or none; workers use them without a restart."""
    with problems_told(as_json=as_json):
        done = publish_file(file, settings, draft=draft)
    _tell(done, "stored" if draft else "published", as_json=as_json)


@with_settings("bootstrap_servers", "app_id", "definitions_topic")
def unpublish(names: Names, *, as_json: Json = False, settings: Settings) -> None:
    """Take definitions out of force; they and their dependents stay stored.

    The output lists the dependents: they are not in force, either, until the definitions are
    published again.
    """
    with problems_told(as_json=as_json):
        records = _records(names)
        _require_topic(settings)
        done = DefinitionsWriter(settings).unpublish(records)
    _tell(done, "unpublished", as_json=as_json)


@with_settings("bootstrap_servers", "app_id", "definitions_topic")
def delete(names: Names, *, as_json: Json = False, settings: Settings) -> None:
    """Delete definitions permanently, all or none.

    Refused while one of them is published, or while a definition that stays depends on it.
    """
    with problems_told(as_json=as_json):
        records = _records(names)
        _require_topic(settings)
        done = DefinitionsWriter(settings).delete(records)
    _tell(done, "deleted", as_json=as_json)


def publish_file(file: Path, settings: Settings, *, draft: bool = False) -> Written:
    """Publish a file, or store it as drafts, and return what changed.

    Raises:
        RecordError, InvalidDefinitionsError: the definitions have problems; nothing was written.
        BrokerError, TopicError, ConflictError: they could not be written.
    """
    objects = read_file(file, settings)
    _require_topic(settings)
    writer = DefinitionsWriter(settings)
    done = writer.draft(objects) if draft else writer.publish(objects)
    warn(done.catalog, objects)
    return done


def read_file(file: Path, settings: Settings | None = None) -> list[Definition]:
    """Return the definitions of a file; print a warning for each unknown field.

    With `settings`, what they name is looked up in what is published as well; otherwise the file
    stands alone.

    Raises:
        RecordError: the file cannot be read; it has all problems.
    """

    def known() -> Catalog:
        try:
            return Catalog.empty() if settings is None else _published(settings)
        except BrokerError as error:
            typer.echo(f"warning: not compared with what is published: {error}", err=True)
            return Catalog.empty()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnknownFieldWarning)
        try:
            return objects_from_file(file, known)
        finally:  # an unknown field may be why another one is missing
            for warning in caught:
                typer.echo(printable(f"warning: {warning.message}"), err=True)


def warn(catalog: Catalog, objects: Sequence[Definition]) -> None:
    """Print a warning for each comparison of these definitions that no value can meet."""
    records = {record_key(one) for one in objects}
    for problem in catalog.never_met(records, _COLUMN_DOMAINS):
        typer.echo(printable(f"warning: {problem}"), err=True)


def _require_topic(settings: Settings) -> None:
    """Refuse a topic that does not exist: nobody reads a topic whose name is misspelt.

    Raises:
        BrokerError: no Kafka answers. TopicError: the topic does not exist.
    """
    topic = settings.definitions_topic
    if topic not in topics_of(settings):
        message = f"Kafka at {settings.bootstrap_servers} has no topic {topic!r}"
        hint = "correct PROCESSOR_DEFINITIONS_TOPIC, or create it: processor topics create"
        raise TopicError(message, detail="nothing was written", hint=hint)


def _published(settings: Settings) -> Catalog:
    """Return what is in the definitions topic, nothing where there is none.

    Raises:
        BrokerError: no Kafka answers.
    """
    known = settings.definitions_topic in topics_of(settings)
    return read_catalog(settings) if known else Catalog.empty()


def catalog_of(objects: Sequence[Definition]) -> Catalog:
    """Return the catalog of these definitions alone, all of them published.

    Raises:
        RecordError: they are not valid; it has all problems.
    """
    published = [one.model_copy(update={"is_published": True}) for one in objects]
    catalog = Catalog.empty().with_objects(published)
    problems = catalog.problems()
    if problems:
        raise RecordError(problems)
    return catalog


@contextmanager
def problems_told(*, as_json: bool, alone: bool = False) -> Iterator[None]:
    """Print every problem on its own line and exit with status 1.

    `alone`: the definitions were looked at without those that are published.
    """
    try:
        yield
    except (RecordError, InvalidDefinitionsError) as error:
        problems = [_of_file(one) if alone else one for one in error.problems]
        if as_json:
            _print_json(problems=[_plain(problem) for problem in problems])
        else:
            for problem in problems:
                typer.echo(printable(f"error: {problem}"), err=True)
        raise typer.Exit(1) from error


def _of_file(problem: Problem) -> Problem:
    """Return what is said of a problem where only the file is known, and not what is published."""
    if problem.code not in _NOT_KNOWN or not problem.message.endswith(_KNOWN):
        return problem
    message = f"{problem.message.removesuffix(_KNOWN)}is in the file"
    return replace(problem, message=message, hint=f"{problem.hint}; {_ALONE}")


def _records(names: Iterable[str]) -> list[str]:
    """Return the record keys, replacing each file name by the keys of that file."""
    records = []
    for name in names:
        path = Path(name)
        records += [record_key(one) for one in read_file(path)] if path.is_file() else [name]
    return records


def _note(definition: Definition) -> str:
    stored_only = getattr(definition, "offline", False) or not getattr(definition, "online", True)
    return " (registered, not computed)" if stored_only else ""


def _tell(done: Written, what: str, *, as_json: bool) -> None:
    if as_json:
        _print_json(
            changed=done.changed,
            unchanged=done.unchanged,
            stopped=done.stopped,
            moved=[asdict(one) for one in done.moved],
            problems=[],
        )
        return
    for word, records in ((what, done.changed), ("unchanged", done.unchanged)):
        for record in records:
            typer.echo(printable(f"{word}  {record}"))
    _tell_consequences(done.stopped, done.moved)


def _tell_differences(found: Differences) -> None:
    for one in found.definitions:
        fields = f": {', '.join(one.fields)}" if one.fields else ""
        typer.echo(printable(f"{one.outcome.value:<9}  {one.record}{fields}"))
        for problem in one.problems:
            typer.echo(printable(f"           {problem}"))
    _tell_consequences(found.stopped, found.moved)


def _tell_consequences(stopped: Iterable[str], moved: Iterable[Moved]) -> None:
    for record in stopped:
        typer.echo(printable(f"no longer in force as a result:  {record}"))
    for one in moved:
        versions = f"version {one.version_after} instead of {one.version_before}"
        typer.echo(printable(f"now reads {one.attribute} of {versions}:  {one.record}"))


def _plain_difference(one: Difference) -> dict[str, Any]:  # JSON values
    return {
        "record": one.record,
        "outcome": one.outcome.value,
        "fields": one.fields,
        "problems": [_plain(problem) for problem in one.problems],
    }


def _plain(problem: Problem) -> dict[str, str]:
    return {
        "code": problem.code,
        "place": problem.place,
        "value": problem.value,
        "message": problem.message,
        "hint": problem.hint,
    }


def _print_json(**values: Any) -> None:  # JSON values
    typer.echo(printable_json(json.dumps(values, ensure_ascii=False)))

"""`check`, `diff`, `publish`, `unpublish`, `delete`: definitions from a Python file or JSON."""

import json
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from definitions import UnknownFieldWarning
from definitions.catalog import Catalog
from definitions.dependents import Moved
from definitions.differences import Difference, Differences, differences
from definitions.objects import Definition
from definitions.problems import Problem
from definitions.records import RecordError, objects_from_file, record_key
from processor.cli.kafka import topics_of
from processor.cli.setting_options import with_settings
from processor.engine import compile_plan
from processor.errors import InvalidDefinitionsError
from processor.settings import Settings
from processor.streaming.definitions_topic import (
    DefinitionsWriter,
    Written,
    read_catalog,
)

File = Annotated[
    Path,
    typer.Argument(
        exists=True, dir_okay=False, readable=True, help="a Python file, or JSON: one or a list"
    ),
]
Names = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME",
        help="KIND/NAME/VERSION, KIND/NAME (every version), or a file: all that it defines; "
        "KIND is attribute_key, attribute_group, service or intervention",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object")]


def check(file: File, *, as_json: Json = False) -> None:
    """Validate the definitions of a file as if they were all there is; Kafka is not asked."""
    with problems_told(as_json=as_json):
        objects = read_file(file)
        compile_plan(catalog_of(objects))
    if as_json:
        _print_json(definitions=[record_key(one) for one in objects], problems=[])
        return
    for definition in objects:
        typer.echo(f"ok  {record_key(definition)}{_note(definition)}")


@with_settings("bootstrap_servers", "app_id", "definitions_topic")
def diff(file: File, *, as_json: Json = False, settings: Settings) -> None:
    """Show what publishing a file would change; nothing is written.

    Status 1 where something would be refused, and so nothing published.
    """
    with problems_told(as_json=as_json):
        objects = read_file(file)
        known = settings.definitions_topic in topics_of(settings)
        found = differences(read_catalog(settings) if known else Catalog.empty(), objects)
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
    draft: Annotated[
        bool, typer.Option("--draft", help="store them only; they are not in force")
    ] = False,
    as_json: Json = False,
    settings: Settings,
) -> None:
    """Publish the definitions of a file, all or none; workers take them up without a restart."""
    with problems_told(as_json=as_json):
        done = publish_file(file, settings, draft=draft)
    _tell(done, "stored" if draft else "published", as_json=as_json)


@with_settings("bootstrap_servers", "app_id", "definitions_topic")
def unpublish(names: Names, *, as_json: Json = False, settings: Settings) -> None:
    """Take definitions out of force; they stay stored, and so does what needs them.

    What needs them is told: it is not in force either, until they are published again.
    """
    with problems_told(as_json=as_json):
        records = _records(names)
        topics_of(settings)
        done = DefinitionsWriter(settings).unpublish(records)
    _tell(done, "unpublished", as_json=as_json)


@with_settings("bootstrap_servers", "app_id", "definitions_topic")
def delete(names: Names, *, as_json: Json = False, settings: Settings) -> None:
    """Remove definitions for good, all or none.

    Refused while one of them is published, and while something else that stays needs it.
    """
    with problems_told(as_json=as_json):
        records = _records(names)
        topics_of(settings)
        done = DefinitionsWriter(settings).delete(records)
    _tell(done, "deleted", as_json=as_json)


def publish_file(file: Path, settings: Settings, *, draft: bool = False) -> Written:
    """Publish a file, or store it as drafts, and say what changed.

    Raises:
        RecordError, InvalidDefinitionsError: the definitions have problems; nothing was written.
        BrokerError, TopicError, ConflictError: they could not be written.
    """
    objects = read_file(file)
    topics_of(settings)
    writer = DefinitionsWriter(settings)
    return writer.draft(objects) if draft else writer.publish(objects)


def read_file(file: Path) -> list[Definition]:
    """Return the definitions of a file; what it has that we do not know is told as a warning.

    Raises:
        RecordError: it cannot be read; all of its problems.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnknownFieldWarning)
        objects = objects_from_file(file)
    for warning in caught:
        typer.echo(f"warning: {warning.message}", err=True)
    return objects


def catalog_of(objects: Sequence[Definition]) -> Catalog:
    """Return the catalog of these definitions alone, all of them published.

    Raises:
        RecordError: they are not right; all problems.
    """
    published = [one.model_copy(update={"is_published": True}) for one in objects]
    catalog = Catalog.empty().with_objects(published)
    problems = catalog.problems()
    if problems:
        raise RecordError(problems)
    return catalog


@contextmanager
def problems_told(*, as_json: bool) -> Iterator[None]:
    """Say every problem in a line of its own and end with status 1."""
    try:
        yield
    except (RecordError, InvalidDefinitionsError) as error:
        if as_json:
            _print_json(problems=[_plain(problem) for problem in error.problems])
        else:
            for problem in error.problems:
                typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(1) from error


def _records(names: Iterable[str]) -> list[str]:
    """Return the record keys that are meant, those of a file in place of its name."""
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
            typer.echo(f"{word}  {record}")
    _tell_consequences(done.stopped, done.moved)


def _tell_differences(found: Differences) -> None:
    for one in found.definitions:
        fields = f": {', '.join(one.fields)}" if one.fields else ""
        typer.echo(f"{one.outcome.value:<9}  {one.record}{fields}")
        for problem in one.problems:
            typer.echo(f"           {problem}")
    _tell_consequences(found.stopped, found.moved)


def _tell_consequences(stopped: Iterable[str], moved: Iterable[Moved]) -> None:
    for record in stopped:
        typer.echo(f"not in force any more, because of it:  {record}")
    for one in moved:
        versions = f"version {one.version_after}, before {one.version_before}"
        typer.echo(f"reads {one.attribute} of {versions}:  {one.record}")


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
    typer.echo(json.dumps(values, ensure_ascii=False))

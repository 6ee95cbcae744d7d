"""`processor check` and `processor publish`: definitions from a Python file or JSON."""

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from definitions import UnknownFieldWarning
from definitions.catalog import Catalog
from definitions.objects import Definition
from definitions.problems import Problem
from definitions.records import RecordError, objects_from_file, record_key
from processor.cli.kafka import topics_of
from processor.cli.setting_options import with_settings
from processor.engine import compile_plan
from processor.settings import Settings
from processor.streaming.definitions_topic import (
    DefinitionsWriter,
    InvalidDefinitionsError,
    Published,
)

File = Annotated[
    Path,
    typer.Argument(
        exists=True, dir_okay=False, readable=True, help="a Python file, or JSON: one or a list"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object")]


def check(file: File, *, as_json: Json = False) -> None:
    """Validate the definitions of a file as if they were all there is; Kafka is not asked."""
    with _problems_told(as_json=as_json):
        objects = _read(file)
        catalog = Catalog.empty().with_objects(_published(objects))
        problems = catalog.problems()
        if problems:
            raise RecordError(problems)
        compile_plan(catalog)
    if as_json:
        _print_json(definitions=[record_key(one) for one in objects], problems=[])
        return
    for definition in objects:
        note = " (registered, not computed)" if getattr(definition, "offline", False) else ""
        typer.echo(f"ok  {record_key(definition)}{note}")


@with_settings("bootstrap_servers", "app_id", "definitions_topic")
def publish(file: File, *, as_json: Json = False, settings: Settings) -> None:
    """Publish the definitions of a file, all or none; workers take them up without a restart."""
    with _problems_told(as_json=as_json):
        done = publish_file(file, settings)
    if as_json:
        _print_json(changed=done.changed, unchanged=done.unchanged, problems=[])
        return
    for key in done.changed:
        typer.echo(f"published  {key}")
    for key in done.unchanged:
        typer.echo(f"unchanged  {key}")


def publish_file(file: Path, settings: Settings) -> Published:
    """Publish a file and say what changed.

    Raises:
        RecordError, InvalidDefinitionsError: the definitions have problems; nothing was written.
        BrokerError, TopicError, ConflictError: they could not be written.
    """
    objects = _read(file)
    topics_of(settings)
    return DefinitionsWriter(settings).publish(objects)


def _read(file: Path) -> list[Definition]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnknownFieldWarning)
        objects = objects_from_file(file)
    for warning in caught:
        typer.echo(f"warning: {warning.message}", err=True)
    return objects


def _published(objects: Sequence[Definition]) -> list[Definition]:
    return [one.model_copy(update={"is_published": True}) for one in objects]


@contextmanager
def _problems_told(*, as_json: bool) -> Iterator[None]:
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

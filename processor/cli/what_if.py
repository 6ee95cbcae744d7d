"""`processor test`: what definitions would have computed and fired on existing events."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from processor.cli.definitions_files import File, Json, catalog_of, problems_told, read_file, warn
from processor.cli.kafka import partitions_of
from processor.cli.setting_options import with_settings
from processor.cli.times import duration_ms, time_ms
from processor.cli.what_if_view import Choice, as_json_object, show
from processor.clock import wall_ms
from processor.engine import Plan, Source, WhatIf, compile_plan
from processor.errors import UsageError
from processor.interventions import iso_time
from processor.printable import printable
from processor.settings import Settings
from processor.streaming.history import EventHistory

# Events between two steps of the progress bar.
_TELL_EVENTS = 1_000
_WINDOW = "1h"


@with_settings("bootstrap_servers", "enriched_topic")
def what_if(  # noqa: PLR0913 - one argument an option
    file: File,
    *,
    events: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            readable=True,
            help="read the events from this file, one TSV line each, not from the topic",
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(help="read events of the last 90s, 15m, 1h, 7d …; if not given, 1h"),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="read events since this ISO 8601 time")
    ] = None,
    app_id: Annotated[
        list[str] | None,
        typer.Option(
            help="use only events of this app_id; repeatable; if not given, PROCESSOR_APP_IDS"
        ),
    ] = None,
    identifier: Annotated[
        list[str] | None, typer.Option("--id", help="show only profiles of this id; repeatable")
    ] = None,
    sample: Annotated[
        int,
        typer.Option(
            min=1, max=1_000, help="number of ids to show for each attribute key without --id"
        ),
    ] = 10,
    seed: Annotated[
        int, typer.Option(min=0, help="seed that selects the ids shown without --id")
    ] = 1,
    at: Annotated[
        str | None,
        typer.Option(
            help="show the values at this ISO 8601 time; if not given, now, or with --events "
            "the latest event time"
        ),
    ] = None,
    as_json: Json = False,
    settings: Settings,
) -> None:
    """Show what definitions would have computed and fired on existing events.

    The command publishes nothing, joins no consumer group, and disturbs nothing that runs.

    Events are read in the order of record timestamp, partition, offset.
    --window and --from use the timestamp of the record.
    Every profile starts empty: lifetime attributes count these events only.
    """
    start_ms = _start_ms(events, window, since)
    read_ms = None if at is None else time_ms(at, "--at")
    with problems_told(as_json=as_json, alone=True):
        plan, keys = _plan(file, tuple(app_id or ()), settings)
    ids = tuple(identifier or ())
    run = WhatIf(plan, ids)
    reached_ms = _take_topic(run, start_ms, settings) if events is None else _take_file(run, events)
    choice = Choice(keys, ids, sample, seed, reached_ms if read_ms is None else read_ms)
    if as_json:
        typer.echo(as_json_object(run, choice))
    else:
        show(run, choice)
        if not run.events:
            typer.echo(printable(_why_empty(events, start_ms, settings)), err=True)


def _why_empty(events: Path | None, start_ms: int, settings: Settings) -> str:
    """Return where there was no event."""
    if events is not None:
        return f"no events in the file {str(events)!r}"
    since = f"the topic {settings.enriched_topic!r} since {iso_time(start_ms)}"
    return f"no events in {since} - read more with --window 7d or --from, if there are older ones"


def _start_ms(events: Path | None, window: str | None, since: str | None) -> int:
    """Return the time from which the topic is read."""
    if events is not None and (window or since):
        message = "--events was given with --window or --from"
        raise UsageError(message, hint="a file is always read whole")
    if window and since:
        message = "--window and --from were both given"
        raise UsageError(message, hint="give one of them")
    if since is not None:
        return max(0, time_ms(since, "--from"))
    return max(0, wall_ms() - duration_ms(window or _WINDOW, "--window"))


def _plan(file: Path, app_ids: tuple[str, ...], settings: Settings) -> tuple[Plan, Sequence[str]]:
    """Return the compiled definitions, and the attribute keys of their groups."""
    objects = read_file(file)
    catalog = catalog_of(objects)
    warn(catalog, objects)
    plan = compile_plan(catalog, **settings.counting(app_ids))
    groups = catalog.published().attribute_groups.values()
    return plan, sorted({group.attribute_key.name for group in groups})


def _take_topic(run: WhatIf, start_ms: int, settings: Settings) -> int:
    """Process the topic's events; return the time up to which it was read."""
    partitions = partitions_of(settings, settings.enriched_topic)
    sources = [Source(settings.enriched_topic, number) for number in range(partitions)]
    now_ms = wall_ms()
    with (
        closing(EventHistory(settings, partitions, start_ms)) as history,
        _progress(history.total) as tell,
    ):
        for event in history:
            run.take(event.value, sources[event.partition], event.offset, event.arrival_ms)
            if run.events % _TELL_EVENTS == 0:
                tell(run.events)
    return now_ms


def _take_file(run: WhatIf, file: Path) -> int:
    """Process the lines of a file, which all arrive now; return the latest event time."""
    now_ms = wall_ms()
    source = Source(str(file), 0)
    size = 0
    with file.open("rb") as lines, _progress(file.stat().st_size) as tell:
        for number, line in enumerate(lines):
            run.take(line.rstrip(b"\r\n"), source, number, now_ms)
            size += len(line)
            if run.events % _TELL_EVENTS == 0:
                tell(size)
    return max(run.latest_ms, 0)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("events"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)

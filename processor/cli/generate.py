"""`processor generate`: writes realistic events of a shop to the enriched topic."""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from processor.cli.kafka import partitions_of
from processor.cli.setting_options import with_settings
from processor.cli.traffic import EnrichedTopic, EventFile, Sink, Traffic, paced, write
from processor.clock import monotonic_s, wall_ms
from processor.errors import UsageError
from processor.local.shop import Shop
from processor.settings import Settings

# Events a second if no rate is given; in event time if they are written as fast as possible.
_RATE = 50.0
# Between two lines of progress if there is no terminal.
_TELL_S = 5.0


@with_settings("bootstrap_servers", "app_id", "enriched_topic")
def generate(  # noqa: PLR0913 - one argument an option
    *,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0, help="events a second; 0: as fast as possible (the default with --events)"
        ),
    ] = None,
    events: Annotated[int, typer.Option(min=0, help="stop after this many; 0: at Ctrl-C")] = 0,
    users: Annotated[int, typer.Option(min=1, help="number of people who visit the shop")] = 1_000,
    seed: Annotated[int, typer.Option(help="the same seed gives the same people and visits")] = 1,
    late: Annotated[float, typer.Option(min=0, max=1, help="share of late events")] = 0.01,
    duplicates: Annotated[
        float, typer.Option(min=0, max=1, help="share of events that are sent twice")
    ] = 0.01,
    keyed: Annotated[
        bool,
        typer.Option(
            "--keyed/--unkeyed",
            help="key events by visitor, or write them without a key to any partition",
        ),
    ] = False,
    start_ms: Annotated[
        int | None,
        typer.Option(
            help="time of the first event in ms; by default paced events begin now, others end now"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="also write the events to this file, one per line")
    ] = None,
    send: Annotated[bool, typer.Option("--send/--no-send", help="write to the topic")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary as JSON")] = False,
    settings: Settings,
) -> None:
    """Write events of a shop to the enriched topic: 131 columns, carts, sessions, late events."""
    if not send and out is None:
        message = "with --no-send and without --out, no events would be written"
        raise UsageError(message, hint="name a file with --out")
    pace = (0.0 if events else _RATE) if rate is None else rate
    shop = Shop(
        seed,
        users,
        start_ms=_start_ms(pace, events) if start_ms is None else start_ms,
        rate=pace or _RATE,
        late_rate=late,
        duplicate_rate=duplicates,
    )
    begun = monotonic_s()
    with ExitStack() as open_sinks:
        sinks: list[Sink] = []
        if send:
            partitions_of(settings, settings.enriched_topic)
            sinks.append(open_sinks.enter_context(closing(EnrichedTopic(settings, keyed=keyed))))
        if out is not None:
            sinks.append(open_sinks.enter_context(closing(EventFile(out))))
        with _progress(events) as on_written:
            traffic = write(paced(shop, pace), sinks, limit=events, on_written=on_written)
    _tell(traffic, monotonic_s() - begun, as_json=as_json)


def _start_ms(pace: float, events: int) -> int:
    """Return the time of the first event: now; without a pace, such that the last one is now."""
    return wall_ms() if pace else wall_ms() - math.ceil(events / _RATE * 1000)


@contextmanager
def _progress(events: int) -> Iterator[Callable[[Traffic], None]]:
    console = Console(stderr=True)
    if not console.is_terminal:
        told = monotonic_s()

        def say(traffic: Traffic) -> None:
            nonlocal told
            if monotonic_s() - told >= _TELL_S:
                told = monotonic_s()
                typer.echo(f"{traffic.events} events written", err=True)

        yield say
        return
    columns = (TextColumn("events"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=events or None)
        yield lambda traffic: bar.update(task, completed=traffic.events)


def _tell(traffic: Traffic, seconds: float, *, as_json: bool) -> None:
    if as_json:
        told = {
            "events": traffic.events,
            "late": traffic.late,
            "duplicates": traffic.duplicates,
            "bytes": traffic.bytes,
            "seconds": round(seconds, 3),
        }
        typer.echo(json.dumps(told))
        return
    rate = traffic.events / seconds if seconds else 0.0
    typer.echo(
        f"{traffic.events} events ({traffic.late} late, {traffic.duplicates} duplicates, "
        f"{traffic.bytes / 1e6:.1f} MB) in {seconds:.1f} s: {rate:.0f} events/s"
    )

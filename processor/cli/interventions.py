"""`processor interventions`: shows the interventions topic to a person."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from definitions.operators import OPERATORS
from processor.cli.kafka import TopicReader
from processor.cli.setting_options import with_settings
from processor.cli.signals import ended_by_signals
from processor.criteria import compile_comparison
from processor.kafka.record import FetchedRecord
from processor.printable import printable, printable_json
from processor.settings import Settings

Message = Mapping[str, Any]  # the JSON of an intervention


@with_settings("bootstrap_servers", "app_id", "interventions_topic")
def interventions(
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="continue with new ones as they arrive")
    ] = False,
    from_beginning: Annotated[
        bool,
        typer.Option("--from-beginning/--from-now", help="include earlier ones"),
    ] = True,
    name: Annotated[str | None, typer.Option(help="show only interventions with this name")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="print each message as one line of JSON")
    ] = False,
    settings: Settings,
) -> None:
    """Show interventions: when, which, for whom, and why. Only committed ones, each once."""
    reader = TopicReader(
        settings, settings.interventions_topic, from_beginning=from_beginning, follow=follow
    )
    console = Console(soft_wrap=True, highlight=False)
    with closing(reader):
        for record in _records(reader, follow=follow):
            value = record.value
            message = read_message(value)
            if message is None or name not in {None, message["name"]}:
                continue
            if as_json:
                typer.echo(printable_json((value or b"").decode(errors="replace")))
            else:
                console.print(described(message))


def _records(reader: TopicReader, *, follow: bool) -> Iterator[FetchedRecord]:
    if not follow:
        yield from reader.to_end()
        return
    try:
        with ended_by_signals():
            while True:
                yield from reader.poll()
    except KeyboardInterrupt:
        return


def read_message(value: bytes | None) -> Message | None:
    """Return the data of an intervention message; None for any other record.

    The topic can contain anything; a message that is returned can be shown.
    """
    try:
        message: Message = json.loads(value or b"")["data"]
        described(message)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None
    return message if isinstance(message["name"], str) else None


def described(message: Message) -> Text:
    """Return an intervention as a line: when, which, for whom, and the deciding criteria.

    The line is safe to print, whatever the message contains.
    """
    target = message["target_attribute_key"]
    line = Text(f"{local_time(message['fired_at'])}  ")
    line.append(printable(f"{message['name']} v{message['version']}"), style="bold green")
    line.append("  for ").append(printable(f"{target['name']} {target['id']}"), style="cyan")
    because = [why(one) for one in message.get("because") or ()]
    if because:
        line.append("  because ").append(", and ".join(because))
    return line


def why(because: Message) -> str:
    """Return a deciding criterion to be printed, such as `cart:value 80 → 129.5 (> 100)`.

    A criterion that had to be unmet, inside `none`, reads `(not > 100)`.
    """
    before, after = because["before"], because["after"]
    moved = _text(after) if before == after else f"{_text(before)} → {_text(after)}"
    wanted = "" if because["value"] is None else f" {_text(because['value'])}"
    row = OPERATORS.get(because["operator"])
    # A rule that fired has found each change that it asks for.
    met = (row is not None and row.change) or compile_comparison(
        because["operator"], because["value"]
    )(after)
    criterion = f"({'' if met else 'not '}{because['operator']}{wanted})"
    return printable(f"{because['attribute']} {moved} {criterion}")


def local_time(iso: str) -> str:
    """Return an ISO 8601 time in this machine's zone, with the date unless it is today."""
    moment = datetime.fromisoformat(iso).astimezone()
    today = moment.date() == datetime.now(UTC).astimezone().date()
    return moment.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return "nothing" if value is None else str(value)

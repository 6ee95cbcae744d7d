"""`processor interventions`: the topic as a person wants it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from processor.cli.kafka import TopicReader
from processor.cli.setting_options import with_settings
from processor.cli.signals import ended_by_signals
from processor.criteria import compile_comparison
from processor.settings import Settings

Message = Mapping[str, Any]  # the JSON of an intervention


@with_settings("bootstrap_servers", "app_id", "interventions_topic")
def interventions(
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="go on with those that come")
    ] = False,
    from_beginning: Annotated[
        bool,
        typer.Option("--from-beginning/--from-now", help="those that were there before, too"),
    ] = True,
    name: Annotated[str | None, typer.Option(help="only interventions of this name")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="print each message's JSON in a line")
    ] = False,
    settings: Settings,
) -> None:
    """Show interventions: for whom, which, why, when. Only committed ones, each once."""
    reader = TopicReader(settings, settings.interventions_topic, from_beginning=from_beginning)
    console = Console(soft_wrap=True, highlight=False)
    with closing(reader):
        for record in _records(reader, follow=follow):
            value = record.value()
            message = read_message(value)
            if message is None or name not in {None, message["name"]}:
                continue
            if as_json:
                typer.echo(value)
            else:
                console.print(described(message))


def _records(reader: TopicReader, *, follow: bool) -> Iterator[Any]:  # confluent's messages
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
    """Return the data of an intervention message; None for a record of somebody else's."""
    try:
        message: Message = json.loads(value or b"")["data"]
        return message if {"name", "fired_at", "target_attribute_key"} <= message.keys() else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def described(message: Message) -> Text:
    """Return an intervention as a line: when, which, for whom, and what decided."""
    target = message["target_attribute_key"]
    line = Text(f"{local_time(message['fired_at'])}  ")
    line.append(f"{message['name']} v{message['version']}", style="bold green")
    line.append("  for ").append(f"{target['name']} {target['id']}", style="cyan")
    because = [why(one) for one in message.get("because") or ()]
    if because:
        line.append("  because ").append(", and ".join(because))
    return line


def why(because: Message) -> str:
    """Return a criterion that decided, like `cart:value 80 → 129.5 (> 100)`.

    One that had to be unmet, inside of `none`, reads `(not > 100)`.
    """
    before, after = because["before"], because["after"]
    moved = _text(after) if before == after else f"{_text(before)} → {_text(after)}"
    wanted = "" if because["value"] is None else f" {_text(because['value'])}"
    met = compile_comparison(because["operator"], because["value"])(after)
    return f"{because['attribute']} {moved} ({'' if met else 'not '}{because['operator']}{wanted})"


def local_time(iso: str) -> str:
    """Return an ISO 8601 time in this machine's zone, with the day if that is not today."""
    moment = datetime.fromisoformat(iso).astimezone()
    today = moment.date() == datetime.now(UTC).astimezone().date()
    return moment.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return "nothing" if value is None else str(value)

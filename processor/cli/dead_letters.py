"""`processor dead-letters`: records that could not be processed, and why."""

import base64
import json
from collections import OrderedDict
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from processor.cli.kafka import TopicReader
from processor.cli.letters import Letter, check_reasons, key_of, letter_of
from processor.cli.replay import replay
from processor.cli.setting_options import with_settings
from processor.errors import ProcessorError
from processor.printable import printable, printable_columns, printable_json
from processor.settings import Settings

app = typer.Typer(
    help="Records that could not be processed, and why.", no_args_is_help=True, add_completion=False
)
app.command("replay")(replay)


@app.command("list")
@with_settings("bootstrap_servers", "app_id", "dead_letter_topic")
def list_letters(
    *,
    limit: Annotated[int, typer.Option(min=1, help="show at most this many, the latest")] = 100,
    reason: Annotated[
        str | None, typer.Option(help="show only dead letters with this reason")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object per line")] = False,
    settings: Settings,
) -> None:
    """List dead letters, each once, the latest of each partition last."""
    check_reasons([reason] if reason is not None else ())
    letters: OrderedDict[str, Letter] = OrderedDict()
    with closing(_reader(settings)) as reader:
        for record in reader.to_end():
            key, letter = key_of(record), letter_of(record)
            if letter is None or reason not in {None, letter["reason"]}:
                continue
            letters.pop(key, None)
            letters[key] = letter
            if len(letters) > limit:
                letters.popitem(last=False)
    if as_json:
        for key, letter in letters.items():
            typer.echo(printable_json(json.dumps({"key": key, **letter}, ensure_ascii=False)))
        return
    _show_list(letters, settings, reason)


@app.command("show")
@with_settings("bootstrap_servers", "app_id", "dead_letter_topic")
def show(
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="topic-partition-offset, plus -number for an event of a packed record",
        ),
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print the dead letter as JSON")] = False,
    settings: Settings,
) -> None:
    """Show one dead letter with the bytes of its record."""
    found: Letter | None = None
    with closing(_reader(settings)) as reader:
        for record in reader.to_end():
            if key_of(record) == key:
                found = letter_of(record) or found  # the mark of a replay may follow
    if found is None:
        message = f"no dead letter {key!r} in the topic {settings.dead_letter_topic!r}"
        raise ProcessorError(message, hint="processor dead-letters list shows the keys")
    if as_json:
        typer.echo(printable_json(json.dumps({"key": key, **found}, ensure_ascii=False)))
        return
    value = _value(found.pop("value_base64", ""))
    found["timestamp"] = _time(found.get("timestamp"))
    for name, told in found.items():
        typer.echo(printable(f"{name}: {told}"))
    typer.echo(f"value: {printable_columns(value)}")


def _reader(settings: Settings) -> TopicReader:
    return TopicReader(settings, settings.dead_letter_topic, from_beginning=True)


def _value(encoded: object) -> str:
    """Return the bytes of a letter's record as text; anything but base64 as it is."""
    try:
        return base64.b64decode(str(encoded), validate=True).decode(errors="backslashreplace")
    except ValueError:
        return f"not in base64: {encoded}"


def _show_list(
    letters: OrderedDict[str, Letter], settings: Settings, reason: str | None = None
) -> None:
    console = Console()
    if not letters:
        such = f" of the reason {reason}" if reason else ""
        typer.echo(f"no dead letters{such} in the topic {settings.dead_letter_topic!r}")
    elif console.is_terminal:
        table = Table("key", "reason", "time", "detail")
        for key, letter in letters.items():
            at = _time(letter.get("timestamp"))
            cells = (key, letter["reason"], at, letter.get("detail", ""))
            # Not as a plain string: it can contain markup of rich.
            table.add_row(*(Text(printable(cell)) for cell in cells))
        console.print(table)
    else:
        for key, letter in letters.items():
            line = (key, letter["reason"], letter.get("detail", ""))
            typer.echo("\t".join(map(printable, line)))


def _time(timestamp_ms: object) -> str:
    if not isinstance(timestamp_ms, int) or timestamp_ms < 0:
        return ""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(" ", "milliseconds")
    except (ValueError, OverflowError, OSError):
        return str(timestamp_ms)

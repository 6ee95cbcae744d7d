"""`processor dead-letters`: records that could not be processed, and why."""

import base64
import json
from collections import OrderedDict
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from processor.cli.kafka import TopicReader
from processor.cli.setting_options import with_settings
from processor.errors import ProcessorError
from processor.settings import Settings

app = typer.Typer(
    help="Records that could not be processed, and why.", no_args_is_help=True, add_completion=False
)
Letter = dict[str, Any]  # the JSON of a dead letter


@app.command("list")
@with_settings("bootstrap_servers", "app_id", "dead_letter_topic")
def list_letters(
    *,
    limit: Annotated[int, typer.Option(min=1, help="the last so many")] = 100,
    reason: Annotated[str | None, typer.Option(help="only those of this reason")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object in a line")] = False,
    settings: Settings,
) -> None:
    """List dead letters, each once, the last ones of each partition last."""
    letters: OrderedDict[str, Letter] = OrderedDict()
    with closing(_reader(settings)) as reader:
        for record in reader.to_end():
            key, letter = _key(record), _letter(record)
            if letter is None or reason not in {None, letter["reason"]}:
                continue
            letters.pop(key, None)
            letters[key] = letter
            if len(letters) > limit:
                letters.popitem(last=False)
    if as_json:
        for key, letter in letters.items():
            typer.echo(json.dumps({"key": key, **letter}, ensure_ascii=False))
        return
    _show_list(letters, settings)


@app.command("show")
@with_settings("bootstrap_servers", "app_id", "dead_letter_topic")
def show(
    key: Annotated[str, typer.Argument(metavar="KEY", help="topic-partition-offset")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print the letter's JSON")] = False,
    settings: Settings,
) -> None:
    """Show one dead letter with the bytes of its record."""
    found: Letter | None = None
    with closing(_reader(settings)) as reader:
        for record in reader.to_end():
            if _key(record) == key:
                found = _letter(record)
    if found is None:
        message = f"no dead letter {key!r} in the topic {settings.dead_letter_topic!r}"
        raise ProcessorError(message, hint="processor dead-letters list has the keys")
    if as_json:
        typer.echo(json.dumps({"key": key, **found}, ensure_ascii=False))
        return
    value = base64.b64decode(found.pop("value_base64", ""))
    found["timestamp"] = _time(found.get("timestamp"))
    for name, told in found.items():
        typer.echo(f"{name}: {told}")
    typer.echo(f"value: {value.decode(errors='backslashreplace')}")


def _reader(settings: Settings) -> TopicReader:
    return TopicReader(settings, settings.dead_letter_topic, from_beginning=True)


def _key(record: Any) -> str:  # confluent's message
    return (record.key() or b"").decode(errors="replace")


def _letter(record: Any) -> Letter | None:  # confluent's message
    """Return the letter; None for a record of somebody else's."""
    try:
        letter = json.loads(record.value() or b"")
    except ValueError:
        return None
    return letter if isinstance(letter, dict) and "reason" in letter else None


def _show_list(letters: OrderedDict[str, Letter], settings: Settings) -> None:
    console = Console()
    if not letters:
        typer.echo(f"no dead letters in the topic {settings.dead_letter_topic!r}")
    elif console.is_terminal:
        table = Table("key", "reason", "time", "detail")
        for key, letter in letters.items():
            at = _time(letter.get("timestamp"))
            table.add_row(key, letter["reason"], at, letter.get("detail", ""))
        console.print(table)
    else:
        for key, letter in letters.items():
            typer.echo(f"{key}\t{letter['reason']}\t{letter.get('detail', '')}")


def _time(timestamp_ms: int | None) -> str:
    if timestamp_ms is None or timestamp_ms < 0:
        return ""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(" ", "milliseconds")

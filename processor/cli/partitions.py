"""`processor partitions`: skips records that are lost or cannot be applied."""

from pathlib import Path
from typing import Annotated

import typer

from processor.cli.setting_options import with_settings
from processor.errors import UsageError
from processor.settings import Settings
from processor.streaming.moving import PartitionMove

app = typer.Typer(
    help="Partitions that a fault has closed.", no_args_is_help=True, add_completion=False
)

_SETTINGS = ("bootstrap_servers", "app_id", "enriched_topic", "partitions")


@app.callback()
def _partitions() -> None:
    """Accept the options before the command."""


@app.command("move")
@with_settings(*_SETTINGS)
def move(
    topic: Annotated[str, typer.Argument(help="the enriched, contributions or rules topic")],
    partition: Annotated[int, typer.Argument(help="its partition")],
    to: Annotated[int, typer.Option("--to", help="offset at which to go on")],
    *,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="confirm that skipped records count nowhere")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            help="new file for the skipped records; if not given, named after their position",
        ),
    ] = None,
    settings: Settings,
) -> None:
    """Move the position of a partition to an offset and skip the records before it.

    Skipped records that still exist are first written to a file, one line of JSON per record.
    The worker that owns the partition takes it over again within seconds; you need not stop any.
    """
    if not accept_loss:
        message = f"the records of {topic}-{partition} before offset {to} would count nowhere"
        raise UsageError(message, hint="add --accept-loss if you want that")
    path = file or Path(f"{topic}-{partition}-before-{to}.jsonl")
    moved = PartitionMove(settings, topic, partition).move(to, path)
    gone = max(0, moved.end - moved.start) - moved.written
    typer.echo(
        f"moved  {topic}-{partition}  from {moved.start} to {moved.end}: {moved.written} records "
        f"in {path}, {gone} offsets without a record"
    )

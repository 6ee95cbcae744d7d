"""`processor topics`: the topics with the partitions and settings that correctness needs."""

import typer
from rich.console import Console
from rich.table import Table

from processor.cli.kafka import topics_of
from processor.cli.setting_options import with_settings
from processor.errors import TopicError
from processor.settings import Settings
from processor.streaming.topics import Topics, TopicState

app = typer.Typer(
    help="The topics that the processor uses.", no_args_is_help=True, add_completion=False
)

_TOPIC_SETTINGS = (
    "bootstrap_servers",
    "app_id",
    "partitions",
    "replication_factor",
    "enriched_topic",
    "definitions_topic",
    "interventions_topic",
    "dead_letter_topic",
)


@app.command("create")
@with_settings(*_TOPIC_SETTINGS)
def create(*, settings: Settings) -> None:
    """Make the topics that do not exist; existing ones are checked and never changed."""
    topics_of(settings)
    made = Topics(settings).create()
    for name in made:
        typer.echo(f"created  {name}")
    if not made:
        typer.echo("every topic is there")


@app.command("check")
@with_settings(*_TOPIC_SETTINGS)
def check(*, settings: Settings) -> None:
    """Say of each topic whether it is there and as it must be; status 1 where one is not."""
    topics_of(settings)
    states = Topics(settings).check()
    _show(states)
    faults = [fault for state in states for fault in state.faults]
    if faults:
        raise TopicError("; ".join(faults), hint="processor topics create makes what is missing")


def _show(states: list[TopicState]) -> None:
    console = Console()
    rows = [
        (
            state.spec.name,
            "-" if state.partitions is None else str(state.partitions),
            "; ".join(fault.partition(": ")[2] for fault in state.faults) or "ok",
            state.spec.purpose,
        )
        for state in states
    ]
    if not console.is_terminal:
        for row in rows:
            typer.echo("\t".join(row))
        return
    table = Table("topic", "partitions", "state", "what it holds")
    for row in rows:
        table.add_row(*row)
    console.print(table)

"""`processor topics`: the topics, with the partitions and settings that correctness needs."""

import typer
from rich.console import Console
from rich.table import Table

from processor.cli.kafka import topics_of
from processor.cli.setting_options import with_settings
from processor.errors import TopicError
from processor.kafka.topics import Topics, TopicState
from processor.settings import Settings

app = typer.Typer(
    help="The topics that the processor uses.", no_args_is_help=True, add_completion=False
)

_CREATE = "processor topics create makes what is missing"
_CHANGE = "change the topic, or PROCESSOR_PARTITIONS, or use another PROCESSOR_APP_ID"
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
    """Create the topics that do not exist; existing ones are checked and never changed."""
    topics_of(settings)
    made = Topics(settings).create()
    for name in made:
        typer.echo(f"created  {name}")
    if not made:
        typer.echo("all topics exist")


@app.command("check")
@with_settings(*_TOPIC_SETTINGS)
def check(*, settings: Settings) -> None:
    """Show whether each topic exists and is set up as required; status 1 if one is not.

    Advice does not change the status. It concerns settings of replicated topics with which the
    loss of one broker can lose acknowledged records, and LogAppendTime on the enriched topic:
    with it, the arrival time of an event comes from the broker's clock, not from a producer's.
    """
    topics_of(settings)
    states = Topics(settings).check()
    _show(states)
    faults = [fault for state in states for fault in state.faults]
    if faults:
        missing = any(state.partitions is None for state in states)
        differs = any(state.faults and state.partitions is not None for state in states)
        hints = [*([_CREATE] if missing else []), *([_CHANGE] if differs else [])]
        raise TopicError("; ".join(faults), hint="; ".join(hints))


def _show(states: list[TopicState]) -> None:
    console = Console()
    rows = [
        (
            state.spec.name,
            "-" if state.partitions is None else str(state.partitions),
            "; ".join(
                one.partition(": ")[2] for one in (*state.faults, *state.risks, *state.advice)
            )
            or "ok",
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

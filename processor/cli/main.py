"""The `processor` command, and the door at which every error becomes one line.

Exit status: 0 success, 1 failure, 2 wrong usage.
"""

from typing import Annotated, Final

import typer

from processor import __version__
from processor.cli.door import Door

# Each command with its module and its name there, in the order of the help. A command is loaded
# when it is called: a worker's libraries take a second, and reading a topic need not wait for them.
COMMANDS: Final = {
    "up": "processor.cli.up:up",
    "worker": "processor.cli.worker:worker",
    "collect": "processor.cli.collect:collect",
    "check": "processor.cli.definitions_files:check",
    "diff": "processor.cli.definitions_files:diff",
    "test": "processor.cli.what_if:what_if",
    "publish": "processor.cli.definitions_files:publish",
    "unpublish": "processor.cli.definitions_files:unpublish",
    "delete": "processor.cli.definitions_files:delete",
    "attributes": "processor.cli.attributes:attributes",
    "interventions": "processor.cli.interventions:interventions",
    "dead-letters": "processor.cli.dead_letters:app",
    "topics": "processor.cli.topics:app",
    "partitions": "processor.cli.partitions:app",
    "generate": "processor.cli.generate:generate",
    "demo": "processor.cli.demo:demo",
}


class _Commands(Door):
    """The commands of the table."""

    places = COMMANDS


app = typer.Typer(
    name="processor",
    cls=_Commands,
    help="Attributes and interventions from Snowplow events on Kafka.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"processor {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="show the trace of an error")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="show the version"),
    ] = False,
) -> None:
    """Accept the options before the command; the door reads them."""


def main() -> None:
    """Run the command line of this process."""
    app()


if __name__ == "__main__":
    main()

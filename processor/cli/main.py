"""The `processor` command, and the door at which every error becomes one line.

Exit status: 0 done, 1 the work failed, 2 wrong use.
"""

from typing import Annotated

import typer

from processor import __version__
from processor.cli import (
    attributes,
    dead_letters,
    definitions_files,
    demo,
    generate,
    interventions,
    topics,
    up,
    worker,
)
from processor.cli.door import Door

app = typer.Typer(
    name="processor",
    cls=Door,
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
    """Take what stands before the command; the door reads it."""


app.command("up")(up.up)
app.command("worker")(worker.worker)
app.command("check")(definitions_files.check)
app.command("publish")(definitions_files.publish)
app.command("attributes")(attributes.attributes)
app.command("interventions")(interventions.interventions)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(topics.app, name="topics")
app.command("generate")(generate.generate)
app.command("demo")(demo.demo)


def main() -> None:
    """Run the command line of this process."""
    app()


if __name__ == "__main__":
    main()

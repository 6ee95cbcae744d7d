"""The door of commands: an error becomes one line on stderr and an exit status, never a trace.

If an error quotes the last lines of a log, they follow it, indented.

A command is loaded when it is called, so that each command imports only what it needs.
"""

import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from textwrap import indent
from typing import Any, ClassVar

import typer
from confluent_kafka import KafkaException
from typer.core import TyperGroup
from typer.main import get_command

from processor.errors import ProcessorError, UsageError
from processor.printable import printable, printable_lines

_FAILED = 1
_WRONG_USE = 2
_DEBUG = "--debug"


class Door(TyperGroup):
    """The root of the commands; `places` maps each command to `module:name`."""

    places: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: Any) -> list[str]:  # Typer's context
        """Return the commands in the order of the help."""
        return list(self.places)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # Typer's context and command
        """Load and return a command; None if it does not exist."""
        if cmd_name not in self.places:
            return None
        module, _, name = self.places[cmd_name].partition(":")
        found = getattr(import_module(module), name)
        if not isinstance(found, typer.Typer):
            command, found = found, typer.Typer(add_completion=False)
            found.command(cmd_name)(command)
        loaded = get_command(found)
        loaded.name = cmd_name
        return loaded

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,  # Typer's
    ) -> Any:
        """Run one command and exit the process with its status."""
        given = list(sys.argv[1:] if args is None else args)
        try:
            status = super().main(
                given, prog_name, complete_var, False, windows_expand_args, **extra
            )
        except Exception as error:
            if _DEBUG in given:
                traceback.print_exception(error)
            line, status = _told(error)
            typer.echo(line, err=True)
        sys.exit(status if isinstance(status, int) else 0)


def _told(error: Exception) -> tuple[str, int]:
    """Return the line to print, which often quotes foreign text, and the exit status."""
    text, status, lines = str(error), _FAILED, ""
    match error:
        case UsageError():
            status = _WRONG_USE
        case ProcessorError() if "\n" in error.detail:
            text = f"{error.message} - {error.hint}"
            lines = f"\n{indent(printable_lines(error.detail), '    ')}"
        case ProcessorError():
            pass
        case typer.TyperException():
            text, status = _usage(error), error.exit_code
        case typer.Abort():
            text = "aborted"
        case KafkaException():
            text = f"Kafka refused the request: {error.args[0]} - is it running and reachable?"
        case OSError():
            where = f" {error.filename!r}" if error.filename else ""
            text = f"operating system error{where}: {error.strerror or error}"
        case _:
            text = (
                f"unexpected {type(error).__name__}: {error} - processor {_DEBUG} shows the trace"
            )
    return f"error: {printable(text)}{lines}", status


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    text = " ".join(error.format_message().split()) or "no command given"
    if context is None:
        return text
    return f"{text.rstrip('.')} - see: {context.command_path} --help"

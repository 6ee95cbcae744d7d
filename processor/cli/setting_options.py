"""Settings as options: a command names the settings that it reads, and receives them as one value.

Types and help come from processor/settings.py. An option takes precedence over the environment.
"""

import functools
import inspect
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from pydantic import ValidationError

from processor.environment import PREFIX, unknown_settings
from processor.errors import UsageError
from processor.printable import printable
from processor.settings import Settings

# These must not appear in a process list.
_SECRET = frozenset({"kafka_sasl_password", "api_tokens", "token", "token_secret"})
ALL_SETTINGS = tuple(name for name in Settings.model_fields if name not in _SECRET)
_NONE = type(None)
_CHOICES = re.compile(r"\^\(([\w|]+)\)\$")


def with_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command options for the settings `names`, and `settings` as its argument.

    Before it runs, a warning is printed for each variable that looks like a setting but is none.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**given: Any) -> None:  # what Typer parsed
            chosen = {name: given.pop(name) for name in names}
            settings = settings_of(**chosen)
            if not given.get("parent"):  # whose own parent has printed it
                _tell_unknown()
            command(**given, settings=settings)

        own = inspect.signature(command, eval_str=True).parameters.values()
        options = [_option(name) for name in names]
        shown = [parameter for parameter in own if parameter.name != "settings"]
        run.__signature__ = inspect.Signature([*shown, *options])  # type: ignore[attr-defined]  # Typer reads it
        run.__annotations__ = {one.name: one.annotation for one in (*shown, *options)}
        del run.__wrapped__  # it has another signature
        return run

    return decorate


def settings_of(**chosen: Any) -> Settings:
    """Return the settings; those given that are not None replace those of the environment.

    Raises:
        UsageError: a value is invalid; one message has all mistakes.
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        told = []
        for mistake in error.errors():
            where = _where(str(mistake["loc"][0]), given)
            told.append(f"{where} {mistake['input']!r}: {_what(mistake)}")
        raise UsageError("; ".join(told), hint="see the command's --help") from error


def default_settings(**chosen: Any) -> Settings:
    """Return the defaults with the chosen values; ignores the environment."""
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    return Settings(**{**defaults, **chosen})


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment of another process in this directory that has the same settings.

    What nobody has set is not in it: a setting that warns where it is set must not warn there.
    """
    values = settings.model_dump(exclude_unset=True)
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    mine = {_variable(name): str(value) for name, value in values.items() if value is not None}
    return {**others, **mine}


def _tell_unknown() -> None:
    for name, nearest in unknown_settings(Settings.model_fields).items():
        line = f"warning: {name} is not a setting - did you mean {nearest}?"
        typer.echo(printable(line), err=True)


def _option(name: str) -> inspect.Parameter:
    field = Settings.model_fields[name]
    kinds = [kind for kind in get_args(field.annotation) if kind is not _NONE]
    kind = kinds[0] if kinds else field.annotation
    option = typer.Option(
        help=f"{field.description} ({_variable(name)})",
        show_default=_shown(field.default),
        rich_help_panel="Settings",
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],  # type: ignore[operator]  # a class of a setting
    )


def _shown(default: Any) -> str | bool:  # a setting's default
    return str(default) if isinstance(default, str | int | float | Path) and default else False


def _what(mistake: Mapping[str, Any]) -> str:  # as pydantic tells it
    choices = _CHOICES.fullmatch(mistake.get("ctx", {}).get("pattern", ""))
    if choices:
        return f"it is one of {', '.join(choices[1].split('|'))}"
    text: str = mistake["msg"]
    return text.removeprefix("Value error, ")


def _where(name: str, given: dict[str, Any]) -> str:
    return f"--{name.replace('_', '-')}" if name in given else _variable(name)


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"

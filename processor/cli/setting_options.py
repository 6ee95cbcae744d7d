"""Settings as options: a command names the settings that it reads, and gets them as one value.

Types and help come from processor/settings.py. An option that is given wins over the environment.
"""

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from pydantic import ValidationError

from processor.errors import UsageError
from processor.settings import Settings

# What has no place in a process list.
_SECRET = frozenset({"kafka_sasl_password", "token_secret"})
ALL_SETTINGS = tuple(name for name in Settings.model_fields if name not in _SECRET)
_NONE = type(None)
_PREFIX = "PROCESSOR_"


def with_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command options for the settings `names`, and `settings` as its argument."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**given: Any) -> None:  # what Typer parsed
            chosen = {name: given.pop(name) for name in names}
            command(**given, settings=settings_of(**chosen))

        own = inspect.signature(command, eval_str=True).parameters.values()
        options = [_option(name) for name in names]
        shown = [parameter for parameter in own if parameter.name != "settings"]
        run.__signature__ = inspect.Signature([*shown, *options])  # type: ignore[attr-defined]  # Typer reads it
        run.__annotations__ = {one.name: one.annotation for one in (*shown, *options)}
        del run.__wrapped__  # it has another signature
        return run

    return decorate


def settings_of(**chosen: Any) -> Settings:
    """Return the settings, with those that are not None in place of the environment's.

    Raises:
        UsageError: a value cannot be right; all mistakes in one message.
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        told = []
        for mistake in error.errors():
            where = _where(str(mistake["loc"][0]), given)
            what = mistake["msg"].removeprefix("Value error, ")
            told.append(f"{where} {mistake['input']!r}: {what}")
        raise UsageError("; ".join(told), hint="see the command's --help") from error


def default_settings(**chosen: Any) -> Settings:
    """Return the defaults with what is chosen, whatever the environment says."""
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    return Settings(**{**defaults, **chosen})


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment of another process that has the same settings."""
    values = settings.model_dump()
    others = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
    mine = {_variable(name): str(value) for name, value in values.items() if value is not None}
    return {**others, **mine}


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


def _where(name: str, given: dict[str, Any]) -> str:
    return f"--{name.replace('_', '-')}" if name in given else _variable(name)


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"

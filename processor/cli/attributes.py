"""`processor attributes`: what profiles hold now."""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from processor.cli.api_client import ApiClient, Profiles
from processor.cli.setting_options import with_settings
from processor.errors import UsageError
from processor.settings import Settings

_FROM_STDIN = "-"


@with_settings("http", "advertised_url", "tls_cert")
def attributes(  # noqa: PLR0913 - one argument an option
    key: Annotated[str, typer.Argument(metavar="KEY", help="attribute key, like domain_userid")],
    ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="ids; - reads them from stdin, one a line")
    ],
    *,
    service: Annotated[str | None, typer.Option(help="attributes of this service")] = None,
    group: Annotated[str | None, typer.Option(help="attributes of this group")] = None,
    version: Annotated[int | None, typer.Option(help="of --group; the latest if not given")] = None,
    token: Annotated[
        str, typer.Option(envvar="PROCESSOR_TOKEN", help="bearer token of the API")
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help='print {"now_ms": …, "profiles": {…}}')
    ] = False,
    settings: Settings,
) -> None:
    """Show what profiles hold now: every attribute of KEY, or those of a service or group."""
    if service is not None and group is not None:
        message = "--service and --group were both given"
        raise UsageError(message, hint="give one of them")
    if version is not None and group is None:
        message = "--version was given without --group"
        raise UsageError(message, hint="name the group whose version it is")
    wanted = list(_all_ids(ids))
    with closing(ApiClient(settings, token)) as client:
        now_ms, profiles = client.profiles(
            key, wanted, service=service, group=group, version=version
        )
    if as_json:
        typer.echo(json.dumps({"now_ms": now_ms, "profiles": profiles}, ensure_ascii=False))
        return
    _show(key, now_ms, profiles)


def _all_ids(ids: Iterable[str]) -> Iterable[str]:
    for one in ids:
        if one == _FROM_STDIN:
            yield from filter(None, (line.strip() for line in sys.stdin))
        else:
            yield one


def _show(key: str, now_ms: int, profiles: Profiles) -> None:
    console = Console()
    if not console.is_terminal:
        for line in _lines(profiles):
            typer.echo(line)
        return
    at = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(" ", "milliseconds")
    for id_, values in profiles.items():
        table = Table("attribute", "value", title=f"{key} {id_} at {at}", title_justify="left")
        for name, value in values.items():
            table.add_row(name, _text(value))
        console.print(table)


def _lines(profiles: Profiles) -> Sequence[str]:
    return [
        f"{id_}\t{name}\t{_text(value)}"
        for id_, values in profiles.items()
        for name, value in values.items()
    ]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

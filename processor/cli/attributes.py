"""`processor attributes`: the current values of profiles."""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from processor.cli.api_client import ApiClient, Reading
from processor.cli.setting_options import with_settings
from processor.errors import UsageError
from processor.printable import printable, printable_json
from processor.settings import Settings

_FROM_STDIN = "-"


@with_settings("http", "advertised_url", "tls_cert")
def attributes(  # noqa: PLR0913 - one argument an option
    key: Annotated[str, typer.Argument(metavar="KEY", help="attribute key, such as domain_userid")],
    ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="ids; - reads ids from stdin, one per line")
    ],
    *,
    service: Annotated[str | None, typer.Option(help="show the attributes of this service")] = None,
    group: Annotated[str | None, typer.Option(help="show the attributes of this group")] = None,
    version: Annotated[
        int | None, typer.Option(help="version of --group; the latest if not given")
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help='print {"now_ms": …, "profiles": {…}}, plus "since" if needed'),
    ] = False,
    settings: Settings,
) -> None:
    """Show the current values of profiles: all attributes of KEY, or of one service or group.

    If the worker requires tokens, set one in PROCESSOR_TOKEN.
    """
    if service is not None and group is not None:
        message = "--service and --group were both given"
        raise UsageError(message, hint="give one of them")
    if version is not None and group is None:
        message = "--version was given without --group"
        raise UsageError(message, hint="add --group")
    wanted = list(_all_ids(ids))
    with closing(ApiClient(settings)) as client:
        read = client.profiles(key, wanted, service=service, group=group, version=version)
    if as_json:
        told = {name: part for name, part in read._asdict().items() if name != "since" or part}
        typer.echo(printable_json(json.dumps(told, ensure_ascii=False)))
        return
    _show(key, read)


def _all_ids(ids: Iterable[str]) -> Iterable[str]:
    for one in ids:
        if one == _FROM_STDIN:
            yield from filter(None, (line.strip() for line in sys.stdin))
        else:
            yield one


def _show(key: str, read: Reading) -> None:
    console = Console()
    if not console.is_terminal:
        for line in _lines(read):
            typer.echo(line)
        return
    at = datetime.fromtimestamp(read.now_ms / 1000, UTC).isoformat(" ", "milliseconds")
    for id_, values in read.profiles.items():
        since = read.since.get(id_, {})
        columns = ("attribute", "value", "complete since")[: 3 if since else 2]
        # Not as a plain string: it can contain markup of rich.
        title = Text(printable(f"{key} {id_} at {at}"))
        table = Table(*columns, title=title, title_justify="left")
        for name, value in values.items():
            cells = (name, _text(value), since.get(name, ""))[: len(columns)]
            table.add_row(*(Text(printable(cell)) for cell in cells))
        console.print(table)


def _lines(read: Reading) -> Sequence[str]:
    return [
        "\t".join(map(printable, (id_, name, _text(value), *_since(read, id_, name))))
        for id_, values in read.profiles.items()
        for name, value in values.items()
    ]


def _since(read: Reading, id_: str, name: str) -> Sequence[str]:
    since = read.since.get(id_, {}).get(name)
    return () if since is None else (f"since {since}",)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

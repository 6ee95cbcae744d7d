"""`processor worker`: one worker against an existing Kafka."""

import os
from typing import Annotated

import typer

from processor.cli.setting_options import ALL_SETTINGS, with_settings
from processor.errors import UsageError
from processor.free_port import free_port
from processor.limits import WORKER_PAIR_BYTES, WORKER_PAIRS_MAX
from processor.logs import configure_logging
from processor.memory import available_bytes
from processor.parent_process import end_with_parent
from processor.settings import Settings
from processor.stages import Stage
from processor.supervisor import Supervisor
from processor.worker_processes import worker_processes

_AUTO = "auto"
_STAGES = {"both": tuple(Stage), **{one.value: (one,) for one in Stage}}


@with_settings(*ALL_SETTINGS)
def worker(
    *,
    workers: Annotated[
        str,
        typer.Option(help=f"processes of each stage; {_AUTO}: one for two cores and 1 GiB"),
    ] = "1",
    stages: Annotated[
        str, typer.Option(help=f"{', '.join(_STAGES)}: which processes to run on this machine")
    ] = "both",
    parent: Annotated[
        int, typer.Option(hidden=True, help="process that this one must not outlive")
    ] = 0,
    settings: Settings,
) -> None:
    """Run one worker against an existing Kafka until a signal ends it.

    Prints `ready URL` to stdout when it serves. Workers with the same --app-id share the work;
    give each its own --data-dir and --http.

    A worker has a process for each stage: one reads the source, the other keeps profiles and
    answers requests. --workers runs several of each behind one address; --stages runs one stage
    alone, to scale it apart.
    """
    if stages not in _STAGES:
        message = f"--stages {stages!r}: it is one of {', '.join(_STAGES)}"
        raise UsageError(message, hint="see the command's --help")
    if parent:
        end_with_parent(parent)
    if not settings.http_port:
        # Other workers reach this one at its port, which must be known before it listens.
        host = settings.http_host
        settings = settings.model_copy(update={"http": f"{host}:{free_port(host)}"})
    configure_logging(settings)
    children = worker_processes(
        settings,
        _STAGES[stages],
        _pairs(workers),
    )

    def tell() -> None:
        print(f"ready {settings.own_url}", flush=True)

    raise typer.Exit(Supervisor(children, tell).run())


def _pairs(workers: str) -> int:
    """Return how many processes of each stage to run.

    Raises:
        UsageError: it is no such number.
    """
    if workers == _AUTO:
        # Both processes of a pair are busy under load, the process of the profile stage more so.
        cores = (os.cpu_count() or 1) // 2
        return min(max(1, min(cores, available_bytes() // WORKER_PAIR_BYTES)), WORKER_PAIRS_MAX)
    if not workers.isdecimal() or not 1 <= int(workers) <= WORKER_PAIRS_MAX:
        message = f"--workers {workers!r}: it is {_AUTO} or a number from 1 to {WORKER_PAIRS_MAX}"
        raise UsageError(message, hint="see the command's --help")
    return int(workers)

"""`processor up`: broker, workers and API in one command, for work on a laptop.

Everything that it starts ends with it: gracefully at Ctrl-C and SIGTERM (workers first, then the
broker), and by the kernel if it is killed.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import Annotated

import typer

from processor.api import check_access, check_address
from processor.cli.local_worker import LocalWorker
from processor.cli.setting_options import ALL_SETTINGS, with_settings
from processor.cli.signals import ended_by_signals, undisturbed
from processor.errors import UsageError
from processor.free_port import free_port
from processor.limits import LOCAL_WORKERS_MAX
from processor.local import LocalBroker
from processor.memory import memory_bytes
from processor.private_directory import make_private
from processor.settings import Settings

# The default port of Kafka in the other commands.
_KAFKA_PORT = 9092
_LOOK_S = 0.1


@with_settings(*ALL_SETTINGS)
def up(
    *,
    kafka_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help=f"port of the local broker, by default {_KAFKA_PORT}; 0: a free one",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=LOCAL_WORKERS_MAX, help="number of workers")
    ] = 1,
    settings: Settings,
) -> None:
    """Start a local broker, workers and the API; Ctrl-C ends them.

    All state is kept in --data-dir. With --bootstrap-servers (or its variable), the command uses
    that Kafka and starts none. Worker N listens on the port of --http plus N-1, and accepts events
    from trackers there unless --no-collector is given. Prints one line `ready URL` to stdout when
    everything serves.
    """
    given = "bootstrap_servers" in settings.model_fields_set
    if given and kafka_port is not None:
        message = "--kafka-port sets the port of the local broker, but a Kafka was given"
        raise UsageError(message, hint="leave out --kafka-port or --bootstrap-servers")
    each = worker_settings(settings, settings.bootstrap_servers, workers)
    for one in each:  # Kafka takes long to start: what no worker could do is told before
        check_access(one)
        check_address(one)
    try:
        with ended_by_signals(), ExitStack() as running:
            broker = None
            with suppress(OSError):  # whoever needs it next reports why it cannot be created
                make_private(settings.data_dir)
            if not given:
                port = _KAFKA_PORT if kafka_port is None else kafka_port
                typer.echo("starting Kafka", err=True)
                broker = LocalBroker(settings.data_dir / "kafka", port)
                running.callback(_stop, [], broker)
                servers = broker.start().bootstrap_servers
                typer.echo(f"Kafka runs at {servers}; starting workers", err=True)
                each = [one.model_copy(update={"bootstrap_servers": servers}) for one in each]
            started = start_workers(running, each)
            print(f"ready {started[0].url}", flush=True)
            _wait(broker, started)
    except KeyboardInterrupt:
        return


def start_workers(running: ExitStack, each: Iterable[Settings]) -> list[LocalWorker]:
    """Start a worker for each of the settings and wait until all serve; they end with `running`.

    A worker that joins the group takes partitions from the others, which then no longer serve
    them. Therefore all workers are checked until they serve at the same time.
    """
    started: list[LocalWorker] = []
    running.callback(_stop, started, None)
    for settings in each:
        started.append(LocalWorker(settings))  # noqa: PERF401 - each must be known at once, to be stopped
    for worker in started:
        worker.wait_until_ready()
    while not all(worker.serves() for worker in started):
        for worker in started:
            worker.check()
        time.sleep(_LOOK_S)
    return started


def worker_settings(settings: Settings, servers: str, workers: int) -> list[Settings]:
    """Return the settings of each worker: its own directory, port and name."""
    host, first = settings.http_host, settings.http_port
    collector = settings.collector or "collector" not in settings.model_fields_set
    each = []
    for number in range(workers):
        port = first + number if first else free_port(host)
        own: dict[str, object] = {
            "bootstrap_servers": servers,
            "data_dir": (settings.data_dir / f"worker-{number + 1}").absolute(),
            "http": f"{host}:{port}",
            "collector": collector,
            "memory_bytes": memory_bytes(settings) // (1 if settings.memory_bytes else workers),
        }
        if number:
            own["advertised_url"] = ""
            own["instance_id"] = settings.instance_id and f"{settings.instance_id}-{number + 1}"
        each.append(settings.model_copy(update=own))
    return each


def _stop(workers: Sequence[LocalWorker], broker: LocalBroker | None) -> None:
    with undisturbed():
        for worker in workers:
            worker.end()
        for worker in workers:
            worker.stop()
        if broker is not None:
            broker.stop()


def _wait(broker: LocalBroker | None, workers: Sequence[LocalWorker]) -> None:
    while True:
        time.sleep(_LOOK_S)
        if broker is not None:
            broker.check()
        for worker in workers:
            worker.check()

"""Which processes a worker has, and what each is told."""

import socket

from processor.api import check_access, check_address, listen
from processor.app import OnReady, run, run_profiles, run_source
from processor.data_directory import lock_data_dir
from processor.internal_ports import InternalPorts
from processor.memory import memory_bytes
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.profiles.flush import StepHook, no_hook
from processor.supervisor import Child

# The source processes stop first: their last frames are then still applied here.
_STOP_ORDER = {Stage.SOURCE: 0, Stage.PROFILES: 1}


def worker_processes(
    settings: Settings,
    stages: tuple[Stage, ...] = tuple(Stage),
    pairs: int = 1,
    *,
    hook: StepHook = no_hook,
) -> list[Child]:
    """Return the processes of a worker.

    Args:
        settings: of the worker as a whole.
        stages: those that it runs.
        pairs: how many processes of each stage it has; all of them answer at the one address.
        hook: called between the steps of a flush.

    Raises:
        UsageError, ListenError, StateError: the address of the API or the data directory cannot be
            used. The parent keeps the lock of the directory for its children.
    """
    check_access(settings)
    shared = None
    if pairs > 1 and Stage.PROFILES in stages:
        shared = listen(settings)
    else:
        check_address(settings)
    if Stage.PROFILES in stages:
        lock_data_dir(settings.data_dir)
    ports = InternalPorts(settings.data_dir, settings.http_host)
    children = []
    for number in range(pairs):
        own = _settings_of(settings, number, pairs, ports)
        source = ""
        if Stage.SOURCE in stages:
            source = _source_address(settings, stages, number, ports)
            children.append(_source(own, source, shared))
        if Stage.PROFILES in stages:
            if own.data_dir != settings.data_dir:
                lock_data_dir(own.data_dir)
            children.append(_profiles(own, source, shared, hook))
    return children


def _source(settings: Settings, address: str, shared: socket.socket | None) -> Child:
    own = settings.listening_at(address, settings.member_name)
    check_access(own)

    def start(ready: OnReady) -> None:
        if shared is not None:
            shared.close()  # it would accept connections that nobody answers
        run(own, run_source(own, ready))

    return Child(Stage.SOURCE, start, _STOP_ORDER[Stage.SOURCE])


def _profiles(
    settings: Settings, beside: str, shared: socket.socket | None, hook: StepHook
) -> Child:
    def start(ready: OnReady) -> None:
        work = run_profiles(
            settings, ready, source_address=beside, shared=shared, returns=child.was_ready,
            hook=hook,
        )  # fmt: skip
        run(settings, work)

    child = Child(Stage.PROFILES, start, _STOP_ORDER[Stage.PROFILES])
    return child


def _source_address(
    settings: Settings, stages: tuple[Stage, ...], number: int, ports: InternalPorts
) -> str:
    """Return HOST:PORT of a source process; the first of a worker can be known by a setting."""
    if number:
        return ports.address(f"{Stage.SOURCE}-{number + 1}")
    if Stage.PROFILES not in stages:
        return settings.http
    return settings.source_http or ports.address(Stage.SOURCE)


def _settings_of(settings: Settings, number: int, pairs: int, ports: InternalPorts) -> Settings:
    """Return the settings of one pair: its share of the memory, its directory, name and address."""
    if pairs == 1:
        return settings
    name = f"{settings.member_name}-{number + 1}" if number else settings.member_name
    address = ports.address(f"{Stage.PROFILES}-{number + 1}")
    own = settings.listening_at(address, name)
    directory = settings.data_dir / f"pair-{number + 1}" if number else settings.data_dir
    return own.model_copy(
        update={"data_dir": directory, "memory_bytes": memory_bytes(settings) // pairs}
    )

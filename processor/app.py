"""The composition root: the processes of one worker, each put together in visible order.

1. the process is set up
2. topics are created or checked
3. the HTTP API listens, and reports that the process is not ready
4. Faust joins the stage's group, once no worker of an older version runs; partitions open
5. a signal stops the process: it finishes the work that it has begun, and commits it

processor/supervisor.py starts the processes, and stops the source process first.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import structlog
import uvloop

from processor.api import (
    Server,
    Subscriptions,
    create_api,
    create_source_api,
    serve,
    tell_open_doors,
)
from processor.interpreter import tune_interpreter
from processor.kafka.topics_at_start import ensure_topics
from processor.logs import configure_logging
from processor.open_files import allow_open_files
from processor.settings import Settings
from processor.source_backend import SourceProcess
from processor.source_beside import SourceBeside
from processor.stages import Stage
from processor.streaming.collected_topics import CollectedTopics
from processor.streaming.faust_app import build_faust
from processor.streaming.interventions.interventions_feed import InterventionsFeed
from processor.streaming.process_end import stop_deadline
from processor.streaming.profile_worker import ProfileWorker
from processor.streaming.profiles.flush import StepHook, no_hook
from processor.streaming.source_worker import SourceWorker
from processor.streaming.stage_worker import StageWorker
from processor.streaming.worker_urls import WorkerUrls
from processor.worker_backend import WorkerBackend

log = structlog.get_logger(__name__)

# How long a stop may take; if it takes longer, Kafka does not answer.
_STOP_WAIT_S = 15.0

OnReady = Callable[[], None]


async def run_source(settings: Settings, on_ready: OnReady) -> None:
    """Run one process of the source stage until SIGTERM.

    Raises:
        BrokerError, TopicError, ListenError: the process cannot start.
    """
    # 1
    stopped = _prepared()
    # 2
    topics, states = await ensure_topics(settings)
    # 3
    app = build_faust(settings, Stage.SOURCE)
    app.consumer.fetch_from(settings, Stage.SOURCE)
    streaming = SourceWorker(settings, topics, states, app.consumer)
    backend = SourceProcess(streaming)
    server = await serve(create_source_api(backend, settings), settings)
    # 4
    streaming.start()
    streaming.tasks.spawn(_join(streaming, app))
    ready = asyncio.create_task(_tell_when_ready(backend, settings, on_ready))
    await stopped.wait()
    # 5
    ready.cancel()
    await _stop(streaming, app, server)


async def run_profiles(
    settings: Settings,
    on_ready: OnReady,
    *,
    source_address: str = "",
    shared: socket.socket | None = None,
    returns: bool = False,
    hook: StepHook = no_hook,
) -> None:
    """Run one process of the profile stage, with the API, until SIGTERM.

    Args:
        settings: what to run.
        on_ready: called once, when the worker serves.
        source_address: where the source process of the same worker listens; empty: there is none.
        shared: the socket on which several such processes of this worker accept connections.
        returns: whether it has been ready before: until it is again, the others have them all.
        hook: called between the steps of a flush.

    Raises:
        BrokerError, TopicError, ListenError: the process cannot start.
    """
    # 1
    stopped = _prepared()
    # 2
    topics, states = await ensure_topics(settings)
    # 3
    app = build_faust(settings, Stage.PROFILES)
    app.consumer.fetch_from(settings, Stage.PROFILES)
    streaming = ProfileWorker(settings, topics, states, app.consumer, hook)
    topic_id = states[settings.interventions_topic].topic_id
    subscriptions = Subscriptions(settings, topic_id, settings.partitions)
    streaming.memory.replay = lambda: subscriptions.kept_bytes
    feed = InterventionsFeed(settings, settings.partitions, sinks=[subscriptions])
    urls = WorkerUrls(settings, app, streaming.partitioner)
    beside = SourceBeside(settings, source_address) if source_address else None
    backend = WorkerBackend(settings, topics, streaming, urls, subscriptions, beside)
    tell_open_doors(settings)
    _tell_settings_without_effect(settings)
    api = create_api(backend, settings, CollectedTopics(settings) if settings.collector else None)
    server = await serve(api, settings, on_closing=subscriptions.close)
    if shared is not None and not returns:
        server.also_accept(shared)
    # 4
    streaming.start()
    streaming.tasks.spawn(feed.follow_forever())
    if beside is not None:
        streaming.tasks.spawn(beside.follow_forever())
    streaming.tasks.spawn(_join(streaming, app))

    def serves() -> None:
        if shared is not None and returns:
            server.also_accept(shared)
        on_ready()

    ready = asyncio.create_task(_tell_when_ready(backend, settings, serves))
    await stopped.wait()
    # 5
    ready.cancel()
    await _stop(streaming, app, server)
    if beside is not None:
        await beside.close()
    backend.registry.close()


def _prepared() -> asyncio.Event:
    """Set this process up; return an event that SIGTERM sets."""
    allow_open_files()
    tune_interpreter()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    return stopped


async def _join(streaming: StageWorker, app: Any) -> None:
    await streaming.others.gone()
    await app.start()


async def _stop(streaming: StageWorker, app: Any, server: Server) -> None:
    log.info("stopping", stage=streaming.stage)
    with stop_deadline(_STOP_WAIT_S):
        await streaming.stop()
        await app.stop()
        await server.stop()


def _tell_settings_without_effect(settings: Settings) -> None:
    if "deduplication_ids" in settings.model_fields_set:
        log.warning(
            "setting_without_effect", setting="PROCESSOR_DEDUPLICATION_IDS",
            value=settings.deduplication_ids,
            hint="0 turns deduplication off, like PROCESSOR_DEDUPLICATION_HORIZON_MS=0; any "
            "other value has no effect",
        )  # fmt: skip


async def _tell_when_ready(
    backend: WorkerBackend | SourceProcess, settings: Settings, on_ready: OnReady
) -> None:
    while not (found := backend.readiness()).ready:
        if backend.stage == Stage.SOURCE and found.degraded:
            break  # faults have closed partitions of it: the worker serves all the same
        await asyncio.sleep(0.05)
    log.info("ready", stage=backend.stage, url=settings.own_url)
    on_ready()


def run(settings: Settings, work: Awaitable[None]) -> None:
    """Run one process of a worker until a signal ends it."""
    configure_logging(settings)
    uvloop.run(_run_and_end(work))


async def _run_and_end(work: Awaitable[None]) -> NoReturn:
    """Run a process, and end it from within the event loop.

    To close the loop would wait for each thread that still waits for Kafka.
    """
    await work
    logging.shutdown()
    os._exit(0)

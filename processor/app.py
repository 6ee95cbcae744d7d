"""The composition root: one worker process, put together in visible order.

1. logging and the event loop are set up, and the data directory is locked
2. topics are created or checked
3. the HTTP API listens, and reports that the worker is not ready
4. Faust joins the group; partitions open one by one
5. a signal stops the worker: it flushes and commits finished work
"""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog
import uvloop

from processor.api import Subscriptions, check_access, create_api, serve, tell_open_doors
from processor.data_directory import lock_data_dir
from processor.interpreter import tune_interpreter
from processor.kafka.topics_at_start import ensure_topics
from processor.logs import configure_logging
from processor.open_files import allow_open_files
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.collected_topics import CollectedTopics
from processor.streaming.faust_app import build_faust
from processor.streaming.interventions.interventions_feed import InterventionsFeed
from processor.streaming.process_end import stop_deadline
from processor.streaming.profiles.flush import StepHook, no_hook
from processor.streaming.worker import StreamingWorker
from processor.streaming.worker_urls import WorkerUrls
from processor.worker_backend import WorkerBackend

log = structlog.get_logger(__name__)

# How long a stop may take; if it takes longer, Kafka does not answer.
_STOP_WAIT_S = 15.0


async def run_worker(
    settings: Settings, *, hook: StepHook = no_hook, on_ready: Callable[[str], None] | None = None
) -> None:
    """Run one worker until SIGTERM or SIGINT.

    Args:
        settings: what to run.
        hook: called between the steps of a flush.
        on_ready: called once, with the URL, when the worker serves.

    Raises:
        UsageError, BrokerError, TopicError, StateError: the worker cannot start.
    """
    check_access(settings)
    # 1
    allow_open_files()
    tune_interpreter()
    stopped = _signalled()
    lock_data_dir(settings.data_dir)
    # 2
    topics, states = await ensure_topics(settings)
    # 3
    inputs = [one.topic(settings) for one in ProfileInput]
    app = build_faust(settings, [settings.enriched_topic, *inputs])
    app.consumer.fetch_from(settings)
    streaming = StreamingWorker(settings, topics, states, app.consumer, hook)
    topic_id = states[settings.interventions_topic].topic_id
    subscriptions = Subscriptions(settings, topic_id, settings.partitions)
    streaming.memory.replay = lambda: subscriptions.kept_bytes
    feed = InterventionsFeed(settings, settings.partitions, sinks=[subscriptions])
    urls = WorkerUrls(settings, app, streaming.partitioner)
    backend = WorkerBackend(settings, topics, streaming, urls, subscriptions)
    tell_open_doors(settings)
    _tell_settings_without_effect(settings)
    api = create_api(backend, settings, CollectedTopics(settings) if settings.collector else None)
    server = await serve(api, settings, on_closing=subscriptions.close)
    # 4
    streaming.start()
    streaming.tasks.spawn(feed.follow_forever())
    streaming.tasks.spawn(app.start())
    ready = asyncio.create_task(_tell_when_ready(backend, settings.own_url, on_ready))
    await stopped.wait()
    # 5
    log.info("stopping")
    ready.cancel()
    with stop_deadline(_STOP_WAIT_S):
        await streaming.stop()
        await app.stop()
        await server.stop()
        backend.registry.close()


def _signalled() -> asyncio.Event:
    """Return an event that SIGTERM or SIGINT sets."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


def _tell_settings_without_effect(settings: Settings) -> None:
    if "deduplication_ids" in settings.model_fields_set:
        log.warning(
            "setting_without_effect", setting="PROCESSOR_DEDUPLICATION_IDS",
            value=settings.deduplication_ids,
            hint="0 turns deduplication off, like PROCESSOR_DEDUPLICATION_HORIZON_MS=0; any "
            "other value has no effect",
        )  # fmt: skip


async def _tell_when_ready(
    backend: WorkerBackend, url: str, on_ready: Callable[[str], None] | None
) -> None:
    while not backend.readiness().ready:
        await asyncio.sleep(0.05)
    log.info("ready", url=url)
    if on_ready is not None:
        on_ready(url)


def main(settings: Settings, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Run one worker in this process until a signal ends it."""
    configure_logging(settings)
    uvloop.run(run_and_end(run_worker(settings, on_ready=on_ready)))


async def run_and_end(work: Awaitable[None]) -> NoReturn:
    """Run a worker, and end the process, from within the event loop.

    To close the loop would wait for each thread that still waits for Kafka.
    """
    await work
    logging.shutdown()
    os._exit(0)

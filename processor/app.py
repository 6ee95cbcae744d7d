"""The composition root: one worker process, put together in visible order.

1. logging, event loop, the lock on the data directory
2. topics are made or checked
3. the HTTP API listens, and says that it is not ready
4. Faust joins the group; partitions open one by one
5. a signal stops it: what is done is flushed and committed
"""

import asyncio
import fcntl
import gc
import logging
import os
import resource
import signal
import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import faust
import structlog
import uvloop
from faust.types import TP

from processor.api import Readiness, Server, Subscriptions, create_api, serve
from processor.clock import monotonic_s
from processor.engine.coverage import Coverage
from processor.engine.plan import Plan
from processor.engine.profile import Profile
from processor.errors import BrokerError, NotReadyError, StateError
from processor.interventions import Pushed
from processor.settings import Settings
from processor.streaming.collected_topics import CollectedTopics
from processor.streaming.flush import StepHook, no_hook
from processor.streaming.history import EventHistory
from processor.streaming.interventions_feed import InterventionsFeed
from processor.streaming.interventions_writer import InterventionsWriter
from processor.streaming.profile_table import ProfileTable
from processor.streaming.registry import Registry
from processor.streaming.run_schema import RunSchema
from processor.streaming.topics import Topics, TopicState
from processor.streaming.worker import StreamingWorker

log = structlog.get_logger(__name__)

# Cycles are rare here and profiles live long: the collector looks at young objects seldom, and at
# the old ones hardly ever. It took a twelfth of the time with Python's own thresholds. Everything
# stands still meanwhile: 50,000 young objects took it 30 ms.
_GC_THRESHOLDS = (5_000, 200, 100)
# Two threads work all the time, the agents' and aiokafka's: at 5 ms, Python's own interval, handing
# the lock to and fro took a sixth of the throughput. Whoever waits for input gives it up anyway.
_SWITCH_INTERVAL_S = 0.02
# Open files that a worker asks for, where the system sets no hard limit: clients, and the store's.
_FILES = 65_536
# How long a starting worker waits for Kafka.
_BROKER_WAIT_S = 60.0
_RETRY_S = 2.0
# How long a stop may take; longer means that Kafka does not answer.
_STOP_WAIT_S = 15.0
# The same message of a library is logged this often at most.
_REPEAT_S = 60.0
# Faust's own buffers hold runs, not records.
_BUFFER_RUNS = 4096
_HEARTBEAT_S = 1.0
_FETCH_BYTES = 4 * 1024 * 1024


def configure_logging(settings: Settings) -> None:
    """Send structured lines to stderr, ours and those of the libraries."""
    level = getattr(logging, settings.log_level.upper())
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(SeldomRepeated())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


class SeldomRepeated(logging.Filter):
    """Lets each message of a library through once a minute: they repeat while Kafka is away."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the record's message, apart from its values, was not seen for a minute."""
        text = str(record.msg)
        now = monotonic_s()
        if now - self._told.get(text, -_REPEAT_S) < _REPEAT_S:
            return False
        self._told[text] = now
        return True


def lock_data_dir(data_dir: Path) -> int:
    """Take the data directory for this process; it is free again when the process ends.

    Raises:
        StateError: another worker has it, or it cannot be written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        handle = os.open(data_dir / "worker.lock", os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        message = f"cannot use the data directory {str(data_dir)!r}"
        raise StateError(
            message, detail=str(error), hint="set PROCESSOR_DATA_DIR to a directory you can write"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        message = f"the data directory {str(data_dir)!r} is in use by another worker"
        raise StateError(
            message, hint="give each worker a PROCESSOR_DATA_DIR of its own"
        ) from error
    return handle


async def ensure_topics(settings: Settings) -> tuple[Topics, dict[str, TopicState]]:
    """Make and check the topics; wait a minute for a broker that is not there yet.

    Raises:
        BrokerError: it did not come. TopicError: an existing topic cannot be used.
    """
    topics = Topics(settings)
    begun = monotonic_s()
    told = False
    while True:
        try:
            return topics, await asyncio.to_thread(topics.ensure)
        except BrokerError as error:
            if monotonic_s() - begun > _BROKER_WAIT_S:
                raise
            if not told:
                log.warning(
                    "waiting_for_kafka", servers=settings.bootstrap_servers, error=str(error)
                )
                told = True
            await asyncio.sleep(_RETRY_S)


def build_faust(settings: Settings) -> faust.App:
    """Return the Faust application, without agents."""
    servers = ";".join(f"processor://{one}" for one in settings.bootstrap_servers.split(","))
    session_s = settings.session_timeout_ms / 1000
    return faust.App(
        settings.app_id,
        broker=servers,
        broker_credentials=_credentials(settings),
        autodiscover=False,
        origin="processor",
        datadir=str(settings.data_dir / "faust"),
        store="memory://",
        canonical_url=settings.own_url,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=_BUFFER_RUNS,
        stream_recovery_delay=0.0,
        broker_session_timeout=session_s,
        broker_rebalance_timeout=session_s,
        broker_heartbeat_interval=_HEARTBEAT_S,
        broker_request_timeout=max(60.0, session_s),
        consumer_group_instance_id=settings.member_name,
        consumer_max_fetch_size=_FETCH_BYTES,
        consumer_auto_offset_reset="none",
    )


def _credentials(settings: Settings) -> Any:
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return None
    context = None
    if protocol.endswith("SSL"):
        context = ssl.create_default_context(cafile=settings.kafka_ssl_cafile or None)
        if settings.kafka_ssl_certfile:
            context.load_cert_chain(settings.kafka_ssl_certfile, settings.kafka_ssl_keyfile or None)
    if protocol == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=settings.kafka_sasl_username,
        password=settings.kafka_sasl_password,
        mechanism=settings.kafka_sasl_mechanism or "PLAIN",
        ssl_context=context,
    )


class Worker:
    """One worker process: the streaming worker, Faust around it, and what the API asks of them."""

    def __init__(
        self,
        settings: Settings,
        streaming: StreamingWorker,
        app: faust.App,
        topics: Topics,
        interventions: TopicState,
    ) -> None:
        self.settings = settings
        self.streaming = streaming
        self.app = app
        self.registry = Registry(settings, streaming.definitions)
        self.subscriptions = Subscriptions(settings, interventions.topic_id, settings.partitions)
        self.interventions = InterventionsFeed(settings, settings.partitions, self.subscriptions)
        # As the others are told it: without the scheme's own port, the host in lower case.
        self._own_url = str(app.conf.canonical_url).rstrip("/")
        self._topics = topics
        self._writer = InterventionsWriter(settings, streaming.partitioner)
        schema = RunSchema()
        for topic, agent in (
            (settings.enriched_topic, streaming.source_agent),
            (settings.contributions_topic, streaming.profile_agent),
            (settings.rules_topic, streaming.rules_agent),
        ):
            app.agent(app.topic(topic, schema=schema), name=topic)(agent)

    @property
    def plan(self) -> Plan:
        """The definitions in force."""
        return self.streaming.definitions.plan

    def other_urls(self) -> set[str]:
        """Return the URLs of the other workers of the group, those without partitions too."""
        members = self.app.assignor.external_topic_distribution
        return {str(url).rstrip("/") for url in members} - {self._own_url}

    async def write_interventions(self, messages: Sequence[tuple[Pushed, bytes]]) -> None:
        """Write direct interventions, with their JSON, to the topic."""
        await self._writer.write(messages)

    def past_events(self, start_ms: int) -> EventHistory:
        """Return the events of the source from a record timestamp to its end; blocks."""
        name = self.settings.enriched_topic
        return EventHistory(self.settings, self._topics.partitions(name), start_ms)

    def owner_url(self, key: str, identifier: str) -> str | None:
        """Return the URL of the worker that owns a profile; None when it is this one."""
        partition = self.streaming.partitioner.partition(key, identifier)
        tp = TP(self.settings.contributions_topic, partition)
        url = self.app.assignor._external_tps_url.get(tp)  # noqa: SLF001 - Faust's router reads it so
        if url is None:
            message = f"no worker is known to own {key} {identifier!r}"
            raise NotReadyError(message, hint="try again in a moment")
        found = str(url).rstrip("/")
        return None if found == self._own_url else found

    def committed_profile(
        self, key: str, identifier: str
    ) -> AbstractContextManager[Profile | None]:
        """Return a profile that this worker owns as the last transaction left it."""
        return self._table(key, identifier).committed_profile(key, identifier)

    def coverage(self, key: str, identifier: str) -> Coverage:
        """Return since when what the profile's partition keeps is complete."""
        return self._table(key, identifier).coverage

    def _table(self, key: str, identifier: str) -> ProfileTable:
        return self.streaming.partition_of(key, identifier).committed

    def readiness(self) -> Readiness:
        """Return whether this worker serves."""
        reason = self.streaming.not_ready()
        return Readiness(not reason, reason, self.streaming.restored())


def _allow_files() -> None:
    """Let this process open as many files as it may: systems give 1024 unless asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError) as error:
            log.warning("few_files", limit=soft, error=str(error), hint="raise ulimit -n")


async def run_worker(
    settings: Settings, *, hook: StepHook = no_hook, on_ready: Callable[[str], None] | None = None
) -> None:
    """Run one worker until SIGTERM or SIGINT.

    Args:
        settings: what to run.
        hook: called between the steps of a flush.
        on_ready: called once, with the URL, when the worker serves.

    Raises:
        BrokerError, TopicError, StateError: it cannot start.
    """
    _allow_files()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    lock_data_dir(settings.data_dir)
    topics, states = await ensure_topics(settings)
    streaming = StreamingWorker(settings, topics, states, hook)
    app = build_faust(settings)
    worker = Worker(settings, streaming, app, topics, states[settings.interventions_topic])
    if not settings.api_tokens:
        log.warning("api_is_open", hint="set PROCESSOR_API_TOKENS")
    collected = CollectedTopics(settings) if settings.collector else None
    api = create_api(worker, settings, collected)
    server = await serve(api, settings, on_closing=worker.subscriptions.close)
    streaming.attach(app.consumer)
    streaming.spawn(worker.interventions.follow_forever())
    streaming.spawn(app.start())
    ready = loop.create_task(_tell_when_ready(worker, on_ready))
    await stopped.wait()
    log.info("stopping")
    ready.cancel()
    try:
        await asyncio.wait_for(_stop(worker, server), _STOP_WAIT_S)
    except TimeoutError:
        log.warning("stopped_without_kafka", hint="nothing is lost: it is read again")
        os._exit(0)  # threads that wait for Kafka would keep the process


async def _stop(worker: Worker, server: Server) -> None:
    await worker.streaming.stop()
    await worker.app.stop()
    await server.stop()
    worker.registry.close()


async def _tell_when_ready(worker: Worker, on_ready: Callable[[str], None] | None) -> None:
    while not worker.readiness().ready:
        await asyncio.sleep(0.05)
    log.info("ready", url=worker.settings.own_url)
    if on_ready is not None:
        on_ready(worker.settings.own_url)


def main(settings: Settings, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Run one worker in this process until a signal ends it."""
    configure_logging(settings)
    uvloop.run(run_worker(settings, on_ready=on_ready))
    logging.shutdown()
    os._exit(0)  # a thread that still waits for Kafka would keep the process

"""`processor collect`: a collector for work on a laptop and for tests.

In production, Snowplow's own collector and Enrich take its place.
"""

import asyncio
import signal
from collections.abc import Callable

import uvloop

from processor.api import create_collector, serve
from processor.cli.kafka import partitions_of
from processor.cli.setting_options import ALL_SETTINGS, with_settings
from processor.logs import configure_logging
from processor.settings import Settings
from processor.streaming.collected_topics import CollectedTopics

_USED = frozenset(
    {
        "bootstrap_servers",
        "app_id",
        "enriched_topic",
        "dead_letter_topic",
        "http",
        "tls_cert",
        "tls_key",
        "connections_per_address",
        "trusted_proxies",
        "log_level",
        "log_json",
    }
)
_SETTINGS = [name for name in ALL_SETTINGS if name in _USED or name.startswith("kafka_")]


@with_settings(*_SETTINGS)
def collect(*, settings: Settings) -> None:
    """Receive events from Snowplow trackers and write them to the enriched topic.

    For work on a laptop and for tests; in production use Snowplow's own collector and Enrich.
    Prints one line `ready URL` to stdout when it serves; a signal ends it.
    """
    configure_logging(settings)
    for topic in (settings.enriched_topic, settings.dead_letter_topic):
        partitions_of(settings, topic)
    uvloop.run(_run(settings, lambda url: print(f"ready {url}", flush=True)))


async def _run(settings: Settings, on_ready: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    topics = CollectedTopics(settings)
    server = await serve(create_collector(topics, settings), settings)
    scheme = "https" if settings.tls_cert else "http"
    on_ready(f"{scheme}://{settings.http_host}:{server.port}")
    await stopped.wait()
    await server.stop()
    topics.close()

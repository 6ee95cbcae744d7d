"""The topics when a process starts: it waits for a broker that does not answer yet."""

import asyncio

import structlog

from processor.clock import monotonic_s
from processor.errors import BrokerError
from processor.kafka.topics import Topics, TopicState
from processor.settings import Settings

log = structlog.get_logger(__name__)

# How long a starting worker waits for Kafka.
_BROKER_WAIT_S = 60.0
_RETRY_S = 2.0


async def ensure_topics(settings: Settings) -> tuple[Topics, dict[str, TopicState]]:
    """Create and check the topics; wait up to a minute for a broker that does not answer yet.

    Raises:
        BrokerError: it did not answer. TopicError: an existing topic cannot be used.
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

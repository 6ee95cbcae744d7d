"""Makes a Kafka client wait, instead of giving up, if no broker answers when it starts."""

import asyncio
from typing import Any

import structlog
from aiokafka.errors import KafkaConnectionError

log = structlog.get_logger(__name__)

# Between two attempts to reach a broker.
_RETRY_S = 1.0


def wait_for_kafka(client: Any) -> None:
    """Make an aiokafka client retry until a broker answers its first request.

    aiokafka survives an outage once it has the cluster's metadata. Before that, it gives up at the
    first attempt, and the worker would end although it had reached Kafka a moment before.
    """
    bootstrap = client.bootstrap

    async def patient() -> None:
        told = False
        while True:
            try:
                await bootstrap()
                return
            except KafkaConnectionError as error:
                if not told:
                    log.warning("waiting_for_kafka", error=str(error))
                    told = True
                await asyncio.sleep(_RETRY_S)

    client.bootstrap = patient

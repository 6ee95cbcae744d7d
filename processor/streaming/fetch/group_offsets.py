"""One commit to the consumer group, in the name of the gate's own generation and member."""

from typing import Any

import structlog
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.commit import OffsetCommitRequest

from processor.streaming.fetch.gates import Gate

log = structlog.get_logger(__name__)

# How long Kafka keeps a committed offset: the broker's own setting.
_RETENTION_DEFAULT = -1


async def commit(coordinator: Any, gate: Gate, offset: int, metadata: str) -> bool:
    """Commit a partition's offset; return whether the group accepted it. In aiokafka's thread."""
    request = OffsetCommitRequest(
        coordinator.group_id,
        gate.generation,
        gate.member_id,
        _RETENTION_DEFAULT,
        [(gate.topic, [(gate.partition, offset, metadata)])],
    )
    try:
        await coordinator.ensure_coordinator_known()
        response = await coordinator._send_req(request)  # noqa: SLF001 - commit() uses the current generation
    except KafkaError as error:
        log.warning("commit_failed", partition=gate.name, offset=offset, error=repr(error))
        return False
    code = response.topics[0][1][0][1]
    if code:
        refusal = for_code(code).__name__
        log.warning("commit_refused", partition=gate.name, offset=offset, error=refusal)
    return not code

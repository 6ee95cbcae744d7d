"""Where partitions end, and at what time: asked of their leaders from time to time.

A leader answers with the high watermark. A reader of committed records reaches that offset only if
no open transaction holds records back. So a reader that has reached it has read every record from
before the question was *sent*. The time of the answer would be wrong: a process can be
frozen between an answer and its use.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.structs import TopicPartition

from processor.clock import steady_ms

# A broker that takes longer says nothing; the others are not to wait for it.
_ANSWER_S = 5.0
# Numbers of Kafka's protocol.
_NO_REPLICA = -1
_LATEST = -1
_READ_UNCOMMITTED = 0


@dataclass(frozen=True, slots=True)
class PartitionEnd:
    """At `sent_ms`, by this process's clock, a partition had no record at or after `offset`."""

    offset: int
    sent_ms: int


async def ask_ends(
    client: Any, partitions: Iterable[TopicPartition]
) -> Mapping[TopicPartition, PartitionEnd]:
    """Return the ends of those partitions whose leaders answer. In the thread of aiokafka's client.

    A leader that is unknown, wrong or silent makes the client read the metadata again.
    """
    by_node: dict[int | None, dict[str, list[tuple[int, int]]]] = {}
    for tp in partitions:
        topics = by_node.setdefault(client.cluster.leader_for_partition(tp), {})
        topics.setdefault(tp.topic, []).append((tp.partition, _LATEST))
    known = {node: asked for node, asked in by_node.items() if node is not None and node >= 0}
    answers = await asyncio.gather(*(_ask(client, *one) for one in known.items()))
    if len(known) < len(by_node) or None in answers:
        client.force_metadata_update()
    return {tp: end for answer in answers if answer for tp, end in answer.items()}


async def _ask(
    client: Any, node: int, asked: Mapping[str, list[tuple[int, int]]]
) -> dict[TopicPartition, PartitionEnd] | None:
    """Return the ends of partitions that one broker leads; None if it does not lead all of them."""
    sent_ms = steady_ms()
    request = OffsetRequest(_NO_REPLICA, _READ_UNCOMMITTED, list(asked.items()))
    try:
        response = await asyncio.wait_for(client.send(node, request), _ANSWER_S)
    except (KafkaError, TimeoutError):
        return None
    answers = [(topic, *one) for topic, found in response.topics for one in found]
    if any(code for _, _, code, *_ in answers):
        return None
    return {
        TopicPartition(topic, partition): PartitionEnd(offset, sent_ms)
        for topic, partition, _, _, offset in answers
    }

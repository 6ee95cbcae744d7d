"""Looks at consumer groups without being a member: who is in them, and what they have committed.

aiokafka reads both. librdkafka returns no metadata of members, and those of commits without
their end.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, for_code
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.commit import OffsetFetchRequest

from processor.errors import BrokerError
from processor.kafka.rights import no_right_to
from processor.settings import Settings
from processor.streaming.fetch.assignor import PartitionAssignor
from processor.streaming.fetch.gated_consumer import CommittedOffset
from processor.streaming.fetch.kafka_tls import ssl_context

log = structlog.get_logger(__name__)

_CALL_S = 10.0
# A group that is not in one of these states tells nothing of its members.
_SETTLED = frozenset({"Stable", "Empty", "Dead"})


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group: its id, the topics it reads, its URL, and the newest level it reads."""

    member_id: str
    topics: frozenset[str]
    url: str
    format_level: int


class GroupLook:
    """Describes groups. Used in the event loop's thread; its connection is made when needed.

    Raises (all methods):
        BrokerError: Kafka does not answer. NotAuthorizedError: the user may not describe the group.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: Any = None
        self._one_at_a_time = asyncio.Lock()
        self._coordinators: dict[str, int] = {}

    async def members(self, group: str) -> list[Member] | None:
        """Return the members of a group; None while the group rebalances, and so tells nothing."""
        async with self._asked(f"describe the group {group!r}", group) as node:
            answer = await self._send(DescribeGroupsRequest([group]), node)
            code, _, state, _, _, members, *_ = answer.groups[0]
            if code:
                raise for_code(code)
        if state not in _SETTLED:
            return None
        found = map(_member, members)
        return [one for one in found if one is not None]

    async def committed(
        self, group: str, topic: str, partitions: Iterable[int]
    ) -> dict[int, CommittedOffset]:
        """Return what a group has committed for partitions of a topic, if there is anything."""
        what = f"read what the group {group!r} has committed for {topic!r}"
        async with self._asked(what, group) as node:
            answer = await self._send(OffsetFetchRequest(group, [(topic, [*partitions])]), node)
            found = [one for _, some in answer.topics for one in some]
            for code in (getattr(answer, "error_code", 0), *(one[3] for one in found)):
                if code:
                    raise for_code(code)
        return {
            number: CommittedOffset(offset, metadata or "")
            for number, offset, metadata, *_ in found
            if offset >= 0
        }

    async def close(self) -> None:
        """Close the connection."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()

    @asynccontextmanager
    async def _asked(self, what: str, group: str) -> AsyncIterator[int]:
        """Yield the coordinator of a group; an error forgets it, and the connection."""
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(_CALL_S):
                    yield await self._coordinator(group)
            except (KafkaError, TimeoutError, OSError) as error:
                self._coordinators.clear()
                await self.close()
                if isinstance(error, GroupAuthorizationFailedError):
                    raise no_right_to(what, repr(error)) from error
                message, hint = f"cannot {what}", "is Kafka reachable?"
                raise BrokerError(message, detail=repr(error), hint=hint) from error

    async def _coordinator(self, group: str) -> int:
        if self._admin is None:
            admin = AIOKafkaAdminClient(**_connection(self._settings))
            try:
                await admin.start()
            except BaseException:
                await admin.close()
                raise
            self._admin = admin
        if group not in self._coordinators:
            self._coordinators[group] = await self._admin.find_coordinator(group)
        return self._coordinators[group]

    async def _send(self, request: Any, node: int) -> Any:
        return await self._admin._send_request(request, node)  # noqa: SLF001 - its methods drop errors


def _connection(settings: Settings) -> dict[str, Any]:
    protocol = settings.kafka_security_protocol
    found: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "client_id": f"{settings.app_id}-groups",
        "request_timeout_ms": int(_CALL_S * 1000),
        "security_protocol": protocol,
        "ssl_context": ssl_context(settings) if protocol.endswith("SSL") else None,
    }
    if protocol.startswith("SASL"):
        found |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism or "PLAIN",
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.kafka_sasl_password,
        }
    return found


def _member(told: Any) -> Member | None:
    """Return a member; None if it is no worker: somebody else's consumer tells other things."""
    member_id, *_ = told
    try:
        metadata = ConsumerProtocolMemberMetadata.decode(told[-2])
        announced = PartitionAssignor.announced_by(metadata)
    except Exception as error:
        log.warning("member_is_no_worker", member=member_id, error=repr(error))
        return None
    return Member(
        member_id, frozenset(metadata.subscription), announced.url.rstrip("/"),
        announced.format_level,
    )  # fmt: skip

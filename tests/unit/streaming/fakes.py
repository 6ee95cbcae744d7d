"""One fake of each thing that a stage sees. mypy checks them as it checks the product."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from definitions.catalog import Catalog
from processor.clock import monotonic_s
from processor.engine.plan import Plan, compile_plan
from processor.errors import ProcessorError
from processor.formats import NEWEST_LEVEL
from processor.kafka.record import FetchedRecord
from processor.profile_inputs import ProfileInput
from processor.streaming.definitions.current_definitions import Definitions
from processor.streaming.fetch.gated_consumer import CommittedOffset, GatedConsumer
from processor.streaming.fetch.gates import Gate, ProfileGates
from processor.streaming.messages.outgoing import Outgoing
from processor.streaming.messages.producers import IdempotentProducer, TransactionalProducer
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.profile_table import ProfileTable


class FakeDefinitions(Definitions):
    """Definitions that are read up to any offset."""

    def __init__(self, plan: Plan | None = None) -> None:
        self._plan = compile_plan(Catalog.empty()) if plan is None else plan
        self.ready = asyncio.Event()
        self.ready.set()

    @property
    def plan(self) -> Plan:
        return self._plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        self._plan = plan

    async def reach(self, offset: int) -> bool:
        return True

    async def require(self, offset: int, wanted: Callable[[], bool]) -> None:
        pass


class FakeConsumer(GatedConsumer):
    """A member of a group that takes every commit, over partitions without records."""

    def __init__(self) -> None:
        self.joined = True
        self.heartbeat_at = monotonic_s()
        self.other_level = NEWEST_LEVEL
        self.on_gates_closed: Callable[[], Awaitable[None]] | None = None
        self.on_gates_made: Callable[[list[Gate]], Awaitable[None]] | None = None
        self.on_fatal: Callable[[BaseException], None] | None = None
        self.on_fault: Callable[[Gate, ProcessorError], None] | None = None
        self.held: dict[tuple[str, int], Gate] = {}
        self.stored: dict[tuple[str, int], CommittedOffset] = {}
        self.ends: dict[tuple[str, int], tuple[int, int]] = {}
        self.handed_out: dict[str, int] = {}
        self.joins = 0
        self.refreshes = 0

    @property
    def gates(self) -> Mapping[tuple[str, int], Gate]:
        return self.held

    def close_gates(self) -> None:
        for gate in self.held.values():
            gate.alive = False
        self.held = {}

    def renew_gate(self, gate: Gate) -> Gate | None:
        gate.alive = False
        if self.held.get((gate.topic, gate.partition)) is not gate:
            return None
        fresh = Gate(gate.topic, gate.partition, gate.generation, gate.member_id, gate.format_level)
        self.held[gate.topic, gate.partition] = fresh
        return fresh

    async def open_gate(self, gate: Gate, offset: int | None) -> int:
        if not gate.alive:
            return -1
        first, _ = await self.bounds(gate)
        gate.opens_at(first if offset is None else offset)
        return gate.next_offset

    async def rest(self, gate: Gate) -> None:
        pass

    async def bounds(self, gate: Gate) -> tuple[int, int]:
        return self.ends.get((gate.topic, gate.partition), (0, 0))

    def end_offset(self, gate: Gate) -> int | None:
        return self.ends.get((gate.topic, gate.partition), (0, 0))[1]

    async def commit_offset(self, gate: Gate, offset: int, metadata: str = "") -> bool:
        if gate.alive:
            self.stored[gate.topic, gate.partition] = CommittedOffset(offset, metadata)
        return gate.alive

    async def committed(self, gate: Gate) -> CommittedOffset | None:
        return self.stored.get((gate.topic, gate.partition))

    async def committed_of(
        self, topic: str, partitions: Iterable[int]
    ) -> Mapping[int, CommittedOffset]:
        found = {number: self.stored.get((topic, number)) for number in partitions}
        return {number: one for number, one in found.items() if one is not None}

    @property
    def crash_reason(self) -> BaseException | None:
        return None

    @property
    def place(self) -> int:
        return 0

    def partitions_of(self, topic: str) -> int:
        return self.handed_out.get(topic, 0)

    async def join_again(self) -> None:
        self.joins += 1

    async def refresh_metadata(self) -> None:
        self.refreshes += 1

    async def watch_membership_forever(self) -> None:
        await asyncio.Event().wait()


class FakeProducer(TransactionalProducer):
    """Takes each transaction at once, and counts them; `records` are those of the last one."""

    def __init__(self) -> None:  # there is no client
        self.name = "producer"
        self.commits = 0
        self.records: list[tuple[bytes, bytes | None]] = []

    def init(self) -> None:
        pass

    def send_all(self, records: Iterable[tuple[bytes, bytes | None]], outgoing: Outgoing) -> None:
        self.records = list(records)

    def commit(self) -> int:
        self.commits += 1
        return self.commits

    def close(self) -> None:
        pass


class FakeSender(IdempotentProducer):
    """Everything is acknowledged at once; `values` are what was sent, by topic."""

    def __init__(self) -> None:  # there is no client
        self.values: dict[str, list[bytes]] = {}

    @property
    def outstanding(self) -> int:
        return 0

    def send(
        self, topic: str, partition: int | None, key: bytes | None, value: bytes,
        on_delivered: Callable[[], None],
    ) -> None:  # fmt: skip
        self.values.setdefault(topic, []).append(value)
        on_delivered()

    async def poll_forever(self) -> None:
        await asyncio.Event().wait()

    def close(self, timeout_s: float) -> int:
        return 0


def offsets(*of_inputs: int) -> dict[ProfileInput, int]:
    """Offsets in the order of the inputs, 0 in those that are not named."""
    return dict.fromkeys(ProfileInput, 0) | dict(zip(ProfileInput, of_inputs, strict=False))


def profile_gates(
    prefix: str = "", *, partition: int = 0, generation: int = 1, level: int = NEWEST_LEVEL,
    at: Mapping[ProfileInput, int] = offsets(),
) -> ProfileGates:  # fmt: skip
    """The gates of a partition, opened at these offsets."""
    gates = {
        one: Gate(f"{prefix}{one.title}", partition, generation, "member", level)
        for one in ProfileInput
    }
    for one, gate in gates.items():
        gate.opens_at(at[one])
    return ProfileGates(gates)


def owned(table: ProfileTable, gates: ProfileGates | None = None) -> Ownership:
    """A partition with this table, between a takeover and whatever ends it."""
    return Ownership(gates or profile_gates(), table, FakeProducer())


def flush(own: Ownership | ProfileTable) -> dict[bytes, bytes | None]:
    """What a flush does that its transaction succeeds; return what it has written."""
    table, level = (
        (own.table, own.format_level) if isinstance(own, Ownership) else (own, NEWEST_LEVEL)
    )
    for _ in table.begin_flush(level):
        pass
    if isinstance(own, Ownership):
        own.take_outgoing()
    written = dict(table.flush_records)
    table.publish()
    table.write("changelog", 1, 0)
    table.end_flush()
    return written


def record(
    offset: int, value: bytes | None, timestamp: int = 1_700_000_000_000, timestamp_type: int = 0
) -> FetchedRecord:
    """A record of a partition without a name."""
    return FetchedRecord("topic", 0, offset, timestamp, timestamp_type, None, value)

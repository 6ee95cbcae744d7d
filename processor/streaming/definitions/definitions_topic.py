"""Definitions from their topic: read by every worker, written under a lock.

Reading: every worker follows the topic from its start, committed records only. When it reaches the
end, and whenever records arrive after that, the last values of all keys are checked together
(catalog_log.py) and compiled to a plan. An invalid record is refused: it is counted and written to
the dead letters, and the last good value stays in force. A worker that refuses it writes the last
good value back, so that compaction cannot keep only the bad one.

Writing, in this order:
 1. `init_transactions` under the topic's one transactional id: any other writer is fenced
 2. read the topic to its end
 3. validate the catalog with the change
 4. produce and commit; a writer that was fenced meanwhile has changed nothing
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog
from confluent_kafka import KafkaException

from definitions import life_cycle
from definitions.catalog import Catalog
from definitions.dependents import Moved, moved, stopped
from definitions.life_cycle import LifeCycleStep
from definitions.objects import Definition
from definitions.records import to_record
from processor.clock import monotonic_s
from processor.engine import Plan, compile_plan
from processor.errors import (
    BrokerError,
    ConflictError,
    InvalidDefinitionsError,
    MissingDefinitionsError,
    NotReadyError,
)
from processor.kafka.partition_reader import PartitionReader
from processor.kafka.reader import Fetching, Reader
from processor.kafka.record import FetchedRecord
from processor.kafka.sender import Message
from processor.kafka.topics import Topics
from processor.kafka.transaction import Transactions, is_fatal
from processor.limits import DEFINITIONS_WAIT_S
from processor.metrics import DEFINITIONS_OFFSET
from processor.request_limits import READ_WAIT_S
from processor.settings import Settings
from processor.streaming.definitions.catalog_log import CatalogLog, DefinitionRecord, RefusedRecord

log = structlog.get_logger(__name__)

_PARTITION = 0  # the only one
_FETCHING = Fetching(wait_ms=100)
# Between two attempts to find the end of the topic.
_RETRY_S = 1.0
# One wait for definitions that others have already read; between waits the caller checks its state.
_REACH_S = 1.0


class DefinitionsReader:
    """Follows the topic and keeps the plan compiled.

    `ready` is set once the topic has been read to its end. `plan` is compiled in a thread of the
    executor and replaced as a whole, in the event loop's thread. Callers read it at the start of a
    run. `on_moved` is called after each replacement.
    """

    def __init__(self, settings: Settings, executor: Executor) -> None:
        self.ready = asyncio.Event()
        self.catalog = Catalog.empty()
        self.on_refused: Callable[[RefusedRecord], None] = lambda _: None
        self.on_moved: Callable[[], None] = lambda: None
        self._settings = settings
        self._executor = executor
        # The reader's own thread: its connection must not be closed beside a call.
        self._reading = ThreadPoolExecutor(1, "definitions")
        self._log = CatalogLog()
        self._moved = asyncio.Condition()
        self.plan: Plan = self._compile()

    @property
    def offset(self) -> int:
        """Offset of the last record that was read; -1 before the first."""
        return self._log.offset

    async def reach(self, offset: int) -> bool:
        """Wait for a moment until the topic is read up to `offset`; return whether it is.

        The record itself may be gone: compaction eventually removes a deletion.
        """
        if offset <= self.plan.definitions_offset:
            return True
        async with self._moved:
            try:
                await asyncio.wait_for(
                    self._moved.wait_for(lambda: offset <= self.plan.definitions_offset), _REACH_S
                )
            except TimeoutError:
                return False
        return True

    async def use_up_to(self, offset: int) -> int:
        """Wait until the definitions up to `offset` are in use; return the offset in use.

        Raises:
            NotReadyError: they are not within READ_WAIT_S.
        """
        deadline = monotonic_s() + READ_WAIT_S
        while not await self.reach(offset):
            if monotonic_s() > deadline:
                message = f"this worker has not read the definitions up to offset {offset}"
                raise NotReadyError(message, hint="try again in a moment")
        return self.plan.definitions_offset

    async def require(self, offset: int, wanted: Callable[[], bool]) -> None:
        """Wait until the topic is read up to `offset`, or until that is no longer wanted.

        Raises:
            MissingDefinitionsError: the topic is not read that far within DEFINITIONS_WAIT_S.
        """
        deadline = monotonic_s() + DEFINITIONS_WAIT_S
        while wanted() and not await self.reach(offset):
            if monotonic_s() >= deadline:
                topic, read = self._settings.definitions_topic, self.offset
                message = (
                    f"definitions of offset {offset} are needed, but {topic!r} is read to {read}"
                )
                hint = (
                    "it opens when they arrive; if the topic was created again, publish them again"
                )
                raise MissingDefinitionsError(message, offset=offset, hint=hint)

    async def follow_forever(self) -> None:
        """Read the topic as long as the worker runs.

        Raises:
            BrokerError: the topic cannot be read.
        """
        loop = asyncio.get_running_loop()
        topic = self._settings.definitions_topic
        reader = Reader(self._settings.kafka_client, topic, _FETCHING, follow=True, on_error=_warn)
        first: list[DefinitionRecord] | None = []
        try:
            await self._begin(reader)
            while True:
                found = await loop.run_in_executor(self._reading, reader.collect)
                records = [_definition_record(one) for one in found]
                last = reader.positions[_PARTITION] - 1
                moved = last > self._log.offset  # also past the markers of transactions
                self._log.offset = max(self._log.offset, last)
                if first is not None:
                    first += records
                    if reader.at_end:
                        await self._take(first)
                        first = None
                        self.ready.set()
                elif records or moved:
                    await self._take(records)
        finally:
            reader.stop()
            self._reading.submit(reader.close)
            self._reading.shutdown(wait=False)

    async def _begin(self, reader: Reader) -> None:
        """Ask for the end of the topic until the broker answers; read from the first record on."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.run_in_executor(self._reading, reader.begin, {_PARTITION: None})
            except BrokerError as error:
                _warn(error)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _take(self, records: list[DefinitionRecord]) -> None:
        loop = asyncio.get_running_loop()
        refused, plan = await loop.run_in_executor(self._executor, self._judge, records)
        async with self._moved:
            self.plan = plan
            self.catalog = self._log.catalog
            self._moved.notify_all()
        self.on_moved()
        DEFINITIONS_OFFSET.set(self.offset)
        log.info("definitions_in_force", offset=self.offset, objects=len(self._log.values))
        for refusal in refused:
            self.on_refused(refusal)

    def _judge(self, records: list[DefinitionRecord]) -> tuple[list[RefusedRecord], Plan]:
        """Take records and compile the good ones, in a thread: thousands of them take seconds."""
        return self._log.take(records), self._compile()

    def _compile(self) -> Plan:
        return compile_plan(
            self._log.catalog.published(),
            **self._settings.counting(),
            definitions_offset=self._log.offset,
        )


def _warn(error: BrokerError) -> None:
    log.warning("definitions_topic", error=str(error))


def _definition_record(record: FetchedRecord) -> DefinitionRecord:
    key = (record.key or b"").decode(errors="replace")
    return DefinitionRecord(record.offset, key, record.value)


@dataclass(frozen=True, slots=True)
class Written:
    """What a change of definitions did, by record keys.

    `changed` were written; `unchanged` were already as they should be. `stopped` are no longer in
    force because of the change. `moved` are rules that now read another version of a group.
    `catalog` is the catalog after the change; a worker that has read up to `offset` has it.
    """

    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    stopped: tuple[str, ...] = ()
    moved: tuple[Moved, ...] = ()
    offset: int = -1
    catalog: Catalog = field(default_factory=Catalog.empty, repr=False)


# Values of records to be written, None to delete; and the catalog that results.
Change = tuple[Mapping[str, bytes | None], Catalog]


class DefinitionsWriter:
    """Changes definitions under the topic's lock. Blocking. Unchanged values are not written.

    Raises (all methods):
        InvalidDefinitionsError: the change is refused; `problems` has the reasons. Nothing was
            written.
        ConflictError: another writer came first. Nothing was written; try again.
        BrokerError: Kafka does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.definitions_topic

    def publish(self, objects: Iterable[Definition]) -> Written:
        """Publish objects, all or none."""
        return self._move(lambda current: life_cycle.publish(current.catalog, objects))

    def draft(self, objects: Iterable[Definition]) -> Written:
        """Store objects that are not in force, all or none; refused if one is published."""
        return self._move(lambda current: life_cycle.draft(current.catalog, objects))

    def unpublish(self, names: Iterable[str]) -> Written:
        """Take definitions out of force, by record key; a name without version means every version.

        Refused only if a name is not known.
        """
        return self._move(lambda current: life_cycle.unpublish(current.catalog, names))

    def delete(self, names: Iterable[str]) -> Written:
        """Remove definitions that are not published and not needed by others, all or none."""
        return self._move(lambda current: life_cycle.delete(current.catalog, names, self._stored()))

    def apply(self, take: Callable[[Catalog, Collection[str]], LifeCycleStep]) -> Written:
        """Take a step, given the catalog under the lock and the stored record keys."""
        return self._move(lambda current: take(current.catalog, self._stored()))

    def restore(self, key: str, good: bytes | None, bad: bytes | None) -> Written:
        """Write a key's last good value back if its bad value is still the newest."""

        def change(current: CatalogLog) -> Change:
            wanted = {key: good} if self._latest.get(key) == bad else {}
            return wanted, current.catalog

        return self._change(change)

    def _move(self, take: Callable[[CatalogLog], LifeCycleStep]) -> Written:
        def change(current: CatalogLog) -> Change:
            step = take(current)
            if step.problems:
                raise InvalidDefinitionsError(step.problems)
            after = step.catalog
            return {one: _value(after.by_record.get(one)) for one in step.records}, after

        return self._change(change)

    def _change(self, change: Callable[[CatalogLog], Change]) -> Written:
        Topics(self._settings).create(only=self._topic)
        writer = Transactions(self._settings.kafka_client, f"{self._topic}-writer")
        try:
            writer.connect(self._topic)
            writer.init()  # 1
            current = self._read()  # 2
            before = current.catalog
            records, after = change(current)  # 3
            changed = {k: v for k, v in records.items() if not self._is(before, k, v)}
            offset = self._commit(writer, changed) if changed else current.offset  # 4
        except KafkaException as error:
            right = f"write {self._topic!r} with the transactional id {writer.name!r}"
            refused = writer.not_authorized(error.args, right)
            if refused is not None:
                raise refused from error
            if is_fatal(error.args[0]):
                message = "another writer changed the definitions in the meantime"
                raise ConflictError(message, hint="nothing was written; try again") from error
            raise _broker_error(self._settings, str(error)) from error
        finally:
            writer.close()
        return Written(
            tuple(changed),
            tuple(record for record in records if record not in changed),
            tuple(record for record in stopped(before, after) if record not in records),
            tuple(moved(before, after)),
            offset,
            after,
        )

    def _is(self, catalog: Catalog, key: str, value: bytes | None) -> bool:
        """Whether a record already has this content, even in other bytes (written by hand)."""
        if self._latest.get(key) == value:
            return True
        return value is not None and _value(catalog.by_record.get(key)) == value

    def _stored(self) -> list[str]:
        return [key for key, value in self._latest.items() if value is not None]

    def _read(self) -> CatalogLog:
        current, self._latest = _read_to_end(self._settings)
        return current

    def _commit(self, writer: Transactions, records: Mapping[str, bytes | None]) -> int:
        """Return the offset of the last record."""
        writer.begin()
        for key, value in records.items():
            writer.send(Message(self._topic, value, key.encode(), _PARTITION))
        writer.commit()
        return writer.offset(self._topic)


def read_catalog(settings: Settings) -> Catalog:
    """Return the topic's current good definitions, without its lock. Blocking.

    Raises:
        BrokerError: the topic does not exist, or cannot be read.
    """
    return _read_to_end(settings)[0].catalog


def _read_to_end(settings: Settings) -> tuple[CatalogLog, dict[str, bytes | None]]:
    """Return the good definitions, and the last value of every key, whether good or not."""
    reader = PartitionReader(settings.kafka_client, settings.definitions_topic, _PARTITION)
    try:
        records = [_definition_record(one) for batch in reader.read(None) for one in batch]
    finally:
        reader.close()
    current = CatalogLog()
    current.take(records)
    return current, {record.key: record.value for record in records}


def _value(definition: Definition | None) -> bytes | None:
    return None if definition is None else to_record(definition)


def _broker_error(settings: Settings, detail: str) -> BrokerError:
    message = f"cannot use the definitions topic at {settings.bootstrap_servers}"
    return BrokerError(message, detail=detail, hint="is Kafka running there?")

"""Definitions from their topic: read by every worker, written under a lock.

Reading: every worker follows the topic from its start, committed records only. Once it has reached
the end, and whenever records come after that, the last values of all keys are judged together
(catalog_log.py) and compiled to a plan. A record that cannot be right is refused: counted,
dead-lettered, and the last good one stays in force. Whoever refused it writes the last good value
back, so that compaction cannot keep only the bad one.

Writing, in this order:
 1. `init_transactions` under the topic's one transactional id: any other writer is fenced
 2. read the topic to its end
 3. validate the catalog with the change
 4. produce and commit; a writer that was fenced meanwhile has changed nothing
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as KafkaPartition

from definitions import life_cycle
from definitions.catalog import Catalog
from definitions.dependents import Moved, moved, stopped
from definitions.life_cycle import LifeCycleStep
from definitions.objects import Definition
from definitions.records import to_record
from processor.clock import wall_ms
from processor.engine.plan import Plan, compile_plan
from processor.errors import (
    BrokerError,
    ConflictError,
    DeadLetterReason,
    InvalidDefinitionsError,
)
from processor.limits import TRANSACTION_TIMEOUT_MS
from processor.metrics import DEFINITIONS_OFFSET, DEFINITIONS_REFUSED
from processor.settings import Settings
from processor.state.changelog import ChangelogReader
from processor.streaming.catalog_log import CatalogLog, DefinitionRecord, RefusedRecord
from processor.streaming.dead_letters import Refused
from processor.streaming.producers import close_producer
from processor.streaming.topics import Topics

log = structlog.get_logger(__name__)

_POLL_S = 0.1
# One wait for definitions that others have read already; who waits looks around in between.
_REACH_S = 1.0
_POLL_RECORDS = 500
_CALL_S = 30.0


class DefinitionsReader:
    """Follows the topic and keeps the plan compiled.

    `ready` is set when the topic was read to its end once. `plan` is swapped as a whole, in the
    event loop's thread; callers take it at the beginning of a run. `on_moved` is called after that.
    """

    def __init__(self, settings: Settings, executor: Executor) -> None:
        self.ready = asyncio.Event()
        self.catalog = Catalog.empty()
        self.on_refused: Callable[[RefusedRecord], None] = log_refusal
        self.on_moved: Callable[[], None] = lambda: None
        self._settings = settings
        self._executor = executor
        self._log = CatalogLog()
        self._moved = asyncio.Condition()
        self.plan: Plan = self._compile()

    @property
    def offset(self) -> int:
        """Offset of the last record that was read; -1 before the first."""
        return self._log.offset

    async def reach(self, offset: int) -> bool:
        """Wait for a moment until the topic is read up to `offset`; return whether it is.

        The record itself may be gone: compaction removes a deletion in the end.
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

    async def follow_forever(self) -> None:
        """Read the topic as long as the worker runs.

        Raises:
            BrokerError: the topic cannot be read.
        """
        loop = asyncio.get_running_loop()
        consumer = await loop.run_in_executor(self._executor, self._subscribe)
        first: list[DefinitionRecord] | None = []
        try:
            while True:
                records, end = await loop.run_in_executor(self._executor, self._poll, consumer)
                ended = end >= 0
                moved = end - 1 > self._log.offset
                self._log.offset = max(self._log.offset, end - 1)
                if first is not None:
                    first += records
                    if ended:
                        await self._take(self._log.take(first))
                        first = None
                        self.ready.set()
                elif records or moved:
                    await self._take(self._log.take(records))
        finally:
            consumer.close()

    async def _take(self, refused: list[RefusedRecord]) -> None:
        async with self._moved:
            self.plan = self._compile()
            self.catalog = self._log.catalog
            self._moved.notify_all()
        self.on_moved()
        DEFINITIONS_OFFSET.set(self.offset)
        log.info("definitions_in_force", offset=self.offset, objects=len(self._log.values))
        for refusal in refused:
            DEFINITIONS_REFUSED.inc()
            self.on_refused(refusal)

    def _compile(self) -> Plan:
        return compile_plan(
            self._log.catalog.published(),
            **self._settings.counting(),
            definitions_offset=self._log.offset,
        )

    def _subscribe(self) -> Consumer:
        consumer = Consumer(
            {
                **self._settings.kafka_client,
                "group.id": "unused-no-group-is-joined",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 100,
                "fetch.queue.backoff.ms": 50,
            }
        )
        consumer.assign([KafkaPartition(self._settings.definitions_topic, 0, OFFSET_BEGINNING)])
        return consumer

    def _poll(self, consumer: Consumer) -> tuple[list[DefinitionRecord], int]:
        """Return the next records, and the topic's end where that is reached, else -1."""
        records: list[DefinitionRecord] = []
        end = -1
        for message in consumer.consume(_POLL_RECORDS, _POLL_S):
            error = message.error()
            if error is None:
                key = (message.key() or b"").decode(errors="replace")
                records.append(DefinitionRecord(message.offset(), key, message.value()))
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                end = message.offset()
            elif error.fatal():
                raise _broker_error(self._settings, str(error))
            else:
                log.warning("definitions_topic", error=str(error))
        return records, end


def log_refusal(refusal: RefusedRecord) -> None:
    """Say what was refused and why."""
    for problem in refusal.problems:
        log.error(
            "definition_refused", key=refusal.record.key, offset=refusal.record.offset,
            code=problem.code, place=problem.place, value=problem.value,
            message=problem.message, hint=problem.hint,
        )  # fmt: skip


def refusal_dead_letter(topic: str, refusal: RefusedRecord) -> Refused:
    """Return the dead letter of a refused definition."""
    detail = "; ".join(f"{p.place}: {p.message}" for p in refusal.problems)
    return Refused(
        topic, 0, refusal.record.offset, wall_ms(), refusal.record.value or b"",
        DeadLetterReason.DEFINITION, detail,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """What a change of definitions did, by record keys.

    `changed` were written, `unchanged` were as they should be. `stopped` is what is not in force
    any more because of it; `moved` are rules that now read another version of a group. A worker
    that has read the topic up to `offset` knows `catalog`, which is what there is now.
    """

    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    stopped: tuple[str, ...] = ()
    moved: tuple[Moved, ...] = ()
    offset: int = -1
    catalog: Catalog = field(default_factory=Catalog.empty, repr=False)


# Values of records to be written, None to delete; and the catalog with them.
Change = tuple[Mapping[str, bytes | None], Catalog]


class DefinitionsWriter:
    """Changes definitions under the topic's lock. Blocking. What is the same is not written.

    Raises (all methods):
        InvalidDefinitionsError: the change is refused; `problems` says why. Nothing was written.
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
        """Store objects that are not in force, all or none; those that are published refuse it."""
        return self._move(lambda current: life_cycle.draft(current.catalog, objects))

    def unpublish(self, names: Iterable[str]) -> Written:
        """Take definitions out of force, by record key, or without version for every version.

        Only a name that is not known refuses it.
        """
        return self._move(lambda current: life_cycle.unpublish(current.catalog, names))

    def delete(self, names: Iterable[str]) -> Written:
        """Remove definitions that are not published and that nothing else needs, all or none."""
        return self._move(lambda current: life_cycle.delete(current.catalog, names, self._stored()))

    def apply(self, take: Callable[[Catalog, Collection[str]], LifeCycleStep]) -> Written:
        """Take a step from the catalog as it is under the lock, and from the stored record keys."""
        return self._move(lambda current: take(current.catalog, self._stored()))

    def restore(self, key: str, good: bytes | None, bad: bytes | None) -> Written:
        """Write a key's last good value back if its bad one still stands."""

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
        producer = Producer(
            {
                **self._settings.kafka_client,
                "transactional.id": f"{self._topic}-writer",
                "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
                "acks": "all",
            }
        )
        try:
            # Without a connection, librdkafka looks for the coordinator half a second later.
            producer.list_topics(self._topic, _CALL_S)
            producer.init_transactions(_CALL_S)  # 1
            current = self._read()  # 2
            before = current.catalog
            records, after = change(current)  # 3
            changed = {k: v for k, v in records.items() if not self._is(before, k, v)}
            offset = self._commit(producer, changed) if changed else current.offset  # 4
        except KafkaException as error:
            if error.args[0].fatal():
                message = "another writer changed the definitions meanwhile"
                raise ConflictError(message, hint="nothing was written; try again") from error
            raise _broker_error(self._settings, str(error)) from error
        finally:
            close_producer(producer)
        return Written(
            tuple(changed),
            tuple(record for record in records if record not in changed),
            tuple(record for record in stopped(before, after) if record not in records),
            tuple(moved(before, after)),
            offset,
            after,
        )

    def _is(self, catalog: Catalog, key: str, value: bytes | None) -> bool:
        """Whether a record says this already, be it in other bytes that somebody wrote by hand."""
        if self._latest.get(key) == value:
            return True
        return value is not None and _value(catalog.by_record.get(key)) == value

    def _stored(self) -> list[str]:
        return [key for key, value in self._latest.items() if value is not None]

    def _read(self) -> CatalogLog:
        current, self._latest = _read_to_end(self._settings)
        return current

    def _commit(self, producer: Producer, records: Mapping[str, bytes | None]) -> int:
        """Return the offset of the last record."""
        offsets: list[int] = []
        producer.begin_transaction()
        for key, value in records.items():
            producer.produce(
                self._topic, key=key.encode(), value=value, partition=0,
                on_delivery=lambda _error, message: offsets.append(message.offset()),
            )  # fmt: skip
        producer.commit_transaction(_CALL_S)
        return max(offsets)


def read_catalog(settings: Settings) -> Catalog:
    """Return the good definitions of the topic as it is now, without its lock. Blocking.

    Raises:
        BrokerError: the topic is not there, or cannot be read.
    """
    return _read_to_end(settings)[0].catalog


def _read_to_end(settings: Settings) -> tuple[CatalogLog, dict[str, bytes | None]]:
    """Return the good definitions, and the last value of every key, good or not."""
    reader = ChangelogReader(settings.kafka_client, settings.definitions_topic, 0)
    try:
        records = [
            DefinitionRecord(one.offset, (one.key or b"").decode(errors="replace"), one.value)
            for batch in reader.read(None)
            for one in batch
        ]
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

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
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as KafkaPartition

from definitions.catalog import Catalog
from definitions.changes import refusals
from definitions.problems import Problem
from definitions.records import record_key, to_record
from processor.clock import wall_ms
from processor.engine.plan import Plan, compile_plan
from processor.errors import BrokerError, ConflictError, DeadLetterReason, DefinitionError
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
    event loop's thread; callers take it at the beginning of a run.
    """

    def __init__(self, settings: Settings, executor: Executor) -> None:
        self.ready = asyncio.Event()
        self.catalog = Catalog.empty()
        self.on_refused: Callable[[RefusedRecord], None] = log_refusal
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
        DEFINITIONS_OFFSET.set(self.offset)
        log.info("definitions_in_force", offset=self.offset, objects=len(self._log.values))
        for refusal in refused:
            DEFINITIONS_REFUSED.inc()
            self.on_refused(refusal)

    def _compile(self) -> Plan:
        return compile_plan(
            self._log.catalog.published(),
            app_ids=self._settings.app_id_list,
            deduplication_ids=self._settings.deduplication_ids,
            deduplication_horizon_ms=self._settings.deduplication_horizon_ms,
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
class Published:
    """What a publish did: the record keys that changed, those that did not, and the last offset."""

    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


class DefinitionsWriter:
    """Changes definitions under the topic's lock. Blocking.

    Raises (all methods):
        DefinitionError: the change cannot be right; `problems` says why. Nothing was written.
        ConflictError: another writer came first. Nothing was written; try again.
        BrokerError: Kafka does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.definitions_topic

    def publish(self, objects: Iterable[Any]) -> Published:
        """Publish objects, all or none."""
        wanted = [one.model_copy(update={"is_published": True}) for one in objects]

        def change(current: CatalogLog) -> dict[str, bytes | None]:
            mine = {record_key(one) for one in wanted}
            problems = refusals(current.catalog, wanted)
            catalog = current.catalog.with_objects(wanted)
            problems += [problem for problem in catalog.problems() if problem.record in mine]
            if problems:
                raise InvalidDefinitionsError(problems)
            # A catalog yields keys, groups, services, interventions: each after what it names.
            return {record_key(one): to_record(one) for one in catalog if record_key(one) in mine}

        return self._change(change)

    def restore(self, key: str, good: bytes | None, bad: bytes | None) -> Published:
        """Write a key's last good value back if its bad one still stands."""

        def change(current: CatalogLog) -> dict[str, bytes | None]:
            return {key: good} if self._values.get(key) == bad else {}

        return self._change(change)

    def _change(self, change: Callable[[CatalogLog], Mapping[str, bytes | None]]) -> Published:
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
            producer.init_transactions(_CALL_S)  # 1
            current = self._read()  # 2
            records = dict(change(current))  # 3
            changed = {k: v for k, v in records.items() if self._values.get(k) != v}
            if changed:
                self._commit(producer, changed)  # 4
        except KafkaException as error:
            if error.args[0].fatal():
                message = "another writer changed the definitions meanwhile"
                raise ConflictError(message, hint="nothing was written; try again") from error
            raise _broker_error(self._settings, str(error)) from error
        finally:
            close_producer(producer)
        return Published(tuple(changed), tuple(sorted(set(records) - set(changed))))

    def _read(self) -> CatalogLog:
        reader = ChangelogReader(self._settings.kafka_client, self._topic, 0)
        try:
            records = [
                DefinitionRecord(one.offset, (one.key or b"").decode(errors="replace"), one.value)
                for batch in reader.read(None)
                for one in batch
            ]
        finally:
            reader.close()
        self._values = {record.key: record.value for record in records}
        current = CatalogLog()
        current.take(records)
        return current

    def _commit(self, producer: Producer, records: Mapping[str, bytes | None]) -> None:
        producer.begin_transaction()
        for key, value in records.items():
            producer.produce(self._topic, key=key.encode(), value=value, partition=0)
        producer.commit_transaction(_CALL_S)


class InvalidDefinitionsError(DefinitionError):
    """Definitions with problems, all of them in `problems`."""

    def __init__(self, problems: list[Problem]) -> None:
        count = len(problems)
        super().__init__(
            f"{count} problem{'s' * (count != 1)} in the definitions",
            detail="; ".join(f"{problem.place}: {problem.message}" for problem in problems),
        )
        self.problems = problems


def _broker_error(settings: Settings, detail: str) -> BrokerError:
    message = f"cannot use the definitions topic at {settings.bootstrap_servers}"
    return BrokerError(message, detail=detail, hint="is Kafka running there?")

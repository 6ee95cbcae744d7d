"""Taking over a partition of the profile table.

The steps, numbered only here:

 a. make a new producer with the partition's transactional id, and call `init_transactions`: the
    previous owner is fenced, and its open transaction is aborted
 b. find the current end of the changelog
 c. read the changelog, committed records only, from the position of the local store to that end,
    into the store; from the first record if the local store belongs to another topic, is behind the
    topic's start, or is so old that tombstones may be gone; then load the counted events of the
    store into memory
 d. seek the partition of each input to the position that the state holds
 e. open the gates of all inputs

Nothing is read before the fence (a): otherwise the predecessor could commit after the end (b).
Steps a to c block and run in a thread; `take` does them. They stop if the partition is no longer
wanted: its gates have died, or the worker stops. A store that was restored in part is not served.
It contains the offset up to which it is restored, and the next takeover continues there.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xxhash import xxh3_64_intdigest

from processor.clock import wall_ms
from processor.errors import TopicError
from processor.kafka.partition_reader import PartitionReader, Progress
from processor.kafka.record import FetchedRecord
from processor.kafka.topics import DELETE_RETENTION_MS
from processor.limits import RESTORE_BYTES_MAX
from processor.metrics import RESTORED_RECORDS
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.state.rocksdb_store import RocksDBStore
from processor.state.store import Store
from processor.streaming.messages.producers import TransactionalProducer
from processor.streaming.profiles.partition_memory import PartitionMemory
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import ProfileTable, stored_positions
from processor.streaming.profiles.restore_mark import Restored, restored_record, stored_restored
from processor.streaming.profiles.restore_turns import RestoreTurns, stop_unless

# Between two steps of loading: enough time for another thread to take Python's lock.
_PAUSE_S = 0.0002


@dataclass(frozen=True, slots=True)
class TakeoverPlace:
    """What a takeover needs of the partition; the worker's partitions share `turns`."""

    settings: Settings
    partition: int
    changelog_id: str
    topic_ids: Mapping[ProfileInput, str]
    turns: RestoreTurns = field(default_factory=RestoreTurns)

    @property
    def seed(self) -> int:
        """Seed for the hashes of counted events: ids of internal topics are not known outside."""
        return xxh3_64_intdigest(self.changelog_id.encode())

    @property
    def path(self) -> Path:
        """Directory of the partition's store."""
        return stores_directory(self.settings) / str(self.partition)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a takeover yields."""

    store: RocksDBStore
    table: ProfileTable
    producer: TransactionalProducer
    restored_records: int


def stores_directory(settings: Settings) -> Path:
    """Return the directory of the stores of all partitions."""
    return settings.data_dir / "profiles" / settings.app_id


def take(
    place: TakeoverPlace,
    store: RocksDBStore | None,
    memory: PartitionMemory,
    progress: Callable[[Progress], None],
    wanted: Callable[[], bool],
) -> Taken:
    """Do steps a to c: fence, find the end, restore. Blocks.

    Args:
        place: the partition.
        store: its store, if it is still open from before and not damaged; otherwise opened here.
        memory: holds nothing yet.
        progress: called from time to time while the changelog is read.
        wanted: returns whether to continue.

    Raises:
        RestoreStoppedError: the takeover is no longer wanted.
        FencedError, BrokerError: try again later.
        DamagedStoreError: the store must be set aside.
        StateError, StateFormatError, TopicError: an operator must act.
    """
    stop_unless(wanted)  # the current owner of the partition must not be fenced
    producer = TransactionalProducer(place.settings, place.partition)
    opened = store
    try:
        producer.init()
        if opened is None:
            with place.turns.work():
                opened = RocksDBStore(place.path)
        records = restore(place, opened, progress, wanted)
        table = ProfileTable(opened, _positions(place, opened), memory)
        for _ in table.load_counted():
            stop_unless(wanted)
            time.sleep(_PAUSE_S)
    except BaseException:
        producer.close()
        if opened is not None and opened is not store:
            opened.close()
        raise
    return Taken(opened, table, producer, records)


def restore(
    place: TakeoverPlace,
    store: Store,
    progress: Callable[[Progress], None],
    wanted: Callable[[], bool],
) -> int:
    """Bring a store to the end of its changelog partition; return how many records that took.

    Raises:
        RestoreStoppedError: the restore is no longer wanted; the store contains its position.
    """
    reader = PartitionReader(
        place.settings.kafka_client, place.settings.changelog_topic, place.partition
    )
    try:
        start = _start(place, store, reader.bounds())
        if start is None and next(iter(store.scan()), None) is not None:
            with place.turns.work():
                store.clear()
        known_at = wall_ms()
        read = 0
        next_offset = start or 0
        low, end = reader.bounds()
        first = low if start is None else start
        progress(Progress(first, first, end))
        with place.turns.place(end - first, wanted):
            for batch in reader.read(start, progress):
                read += len(batch)
                for part in _parts(batch):
                    stop_unless(wanted)
                    next_offset = part[-1].offset + 1
                    mark = restored_record(Restored(place.changelog_id, next_offset, known_at))
                    with place.turns.work():
                        store.write([*((one.key or b"", one.value) for one in part), mark])
                RESTORED_RECORDS.inc(len(batch))
        store.write([restored_record(Restored(place.changelog_id, next_offset, known_at))])
        return read
    finally:
        reader.close()


def _start(place: TakeoverPlace, store: Store, bounds: tuple[int, int]) -> int | None:
    """Return the changelog offset to continue from; None if the store is of no use."""
    low, end = bounds
    restored = stored_restored(store)
    if restored is None or restored.topic_id != place.changelog_id:
        return None
    if not low <= restored.next_offset <= end:
        return None
    if wall_ms() - restored.wall_ms > DELETE_RETENTION_MS // 2:
        return None
    return restored.next_offset


def _parts(batch: list[FetchedRecord]) -> Iterator[list[FetchedRecord]]:
    """Cut a batch that would block the other threads: RocksDB writes with Python's lock held."""
    part: list[FetchedRecord] = []
    size = 0
    for record in batch:
        part.append(record)
        size += len(record.value or b"")
        if size >= RESTORE_BYTES_MAX:
            yield part
            part, size = [], 0
    if part:
        yield part


def _positions(place: TakeoverPlace, store: Store) -> Positions:
    positions = stored_positions(store)
    if positions is None:
        return Positions(place.topic_ids)
    positions.note_topics(place.topic_ids)
    for one, found in place.topic_ids.items():
        expected = positions.topic_ids[one]
        if found != expected:
            topic = one.topic(place.settings)
            message = f"{topic} is not the topic that partition {place.partition} was reading"
            raise TopicError(
                message,
                detail=f"topic id {found}, expected {expected}",
                hint="it was deleted and created again: its records are lost; to start over from "
                "the source's committed offsets use a new PROCESSOR_APP_ID",
            )
    return positions

"""Taking a partition of the profile table over.

The one place where this order stands:

 a. a new producer under the partition's transactional id, and `init_transactions`: whoever owned
    the partition before is fenced, and what it left open is aborted
 b. find the end of the changelog as of now
 c. read the changelog, committed records only, from where the local store is to that end, into the
    store; from the first record where the local store is of another topic, lies behind the topic's
    start, or is so old that tombstones may be gone
 d. seek the contributions partition and the rules partition to the positions that the state holds
 e. open the gates of both

Nothing is read before the fence (a): otherwise the predecessor could commit behind the end (b).
Steps a to c block and run in a thread; `restore` is their body.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from processor.clock import wall_ms
from processor.errors import TopicError
from processor.limits import RESTORE_BYTES_MAX
from processor.metrics import RESTORED_RECORDS
from processor.settings import Settings
from processor.state.changelog import ChangelogReader, ChangelogRecord, RestoreProgress
from processor.state.rocksdb_store import RocksDBStore
from processor.state.store import Store
from processor.streaming.positions import Positions
from processor.streaming.producers import TransactionalProducer
from processor.streaming.profile_table import (
    ProfileTable,
    Restored,
    restored_record,
    stored_positions,
    stored_restored,
)
from processor.streaming.topics import DELETE_RETENTION_MS


@dataclass(frozen=True, slots=True)
class TakeoverPlace:
    """What a takeover needs to know of the partition."""

    settings: Settings
    partition: int
    changelog_id: str
    contributions_id: str
    rules_id: str

    @property
    def path(self) -> Path:
        """Directory of the partition's store."""
        return self.settings.data_dir / "profiles" / self.settings.app_id / str(self.partition)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a takeover yields."""

    table: ProfileTable
    producer: TransactionalProducer
    restored_records: int


def take(
    place: TakeoverPlace, store: Store | None, progress: Callable[[RestoreProgress], None]
) -> Taken:
    """Do steps a to c: fence, find the end, restore. Blocks.

    Args:
        place: the partition.
        store: its store where it is still open from before; opened here otherwise.
        progress: called now and then while the changelog is read.

    Raises:
        FencedError, BrokerError: try again later.
        StateError, StateFormatError, TopicError: a person has to look.
    """
    producer = TransactionalProducer(place.settings, place.partition)
    opened = store
    try:
        producer.init()
        opened = opened or RocksDBStore(place.path)
        records = restore(place, opened, progress)
        table = ProfileTable(opened, _positions(place, opened))
    except BaseException:
        producer.close()
        if opened is not None and opened is not store:
            opened.close()
        raise
    return Taken(table, producer, records)


def restore(place: TakeoverPlace, store: Store, progress: Callable[[RestoreProgress], None]) -> int:
    """Bring a store to the end of its changelog partition; return how many records that took."""
    reader = ChangelogReader(
        place.settings.kafka_client, place.settings.changelog_topic, place.partition
    )
    try:
        start = _start(place, store, reader.bounds())
        if start is None:
            store.clear()
        known_at = wall_ms()
        read = 0
        next_offset = start or 0
        for batch in reader.read(start, progress):
            read += len(batch)
            for part in _parts(batch):
                next_offset = part[-1].offset + 1
                mark = Restored(place.changelog_id, next_offset, known_at)
                store.write([*((one.key, one.value) for one in part), restored_record(mark)])
            RESTORED_RECORDS.inc(len(batch))
        store.write([restored_record(Restored(place.changelog_id, next_offset, known_at))])
        return read
    finally:
        reader.close()


def _start(place: TakeoverPlace, store: Store, bounds: tuple[int, int]) -> int | None:
    """Return the changelog offset to go on from; None: the store is of no use, from the first."""
    low, end = bounds
    restored = stored_restored(store)
    if restored is None or restored.topic_id != place.changelog_id:
        return None
    if not low <= restored.next_offset <= end:
        return None
    if wall_ms() - restored.wall_ms > DELETE_RETENTION_MS // 2:
        return None
    return restored.next_offset


def _parts(batch: list[ChangelogRecord]) -> Iterator[list[ChangelogRecord]]:
    """Cut a batch where it would hold up the other threads: RocksDB writes with Python's lock."""
    part: list[ChangelogRecord] = []
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
        return Positions(place.contributions_id, rules_topic_id=place.rules_id)
    if not positions.rules_topic_id:  # written before there was a rules topic
        positions.rules_topic_id = place.rules_id
    settings = place.settings
    for topic, found, expected in (
        (settings.contributions_topic, place.contributions_id, positions.topic_id),
        (settings.rules_topic, place.rules_id, positions.rules_topic_id),
    ):
        if found != expected:
            message = f"{topic} is not the topic that partition {place.partition} was reading"
            raise TopicError(
                message,
                detail=f"topic id {found}, expected {expected}",
                hint="it was deleted and made anew: what was in it is lost; to start over from the "
                "source's committed offsets use a new PROCESSOR_APP_ID",
            )
    return positions

"""An operator moves a partition past records that are lost, or that cannot be applied.

 1. fence the owner of the partition of profiles, by its transactional id
 2. find the position from which it would go on
 3. write the skipped records that still exist to a file, and sync the file to disk
 4. write the new position: into the changelog, where the next section of each source partition may
    then have any number; for the source, into the group's offsets

The owner of the partition notices the move in its changelog, or in the committed offset, and takes
the partition over again from there. All of this blocks.
"""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

from processor.errors import UnknownOutcomeError, UsageError
from processor.formats import FIRST_LEVEL, Kind
from processor.kafka.cluster import Cluster
from processor.kafka.partition_reader import PartitionReader
from processor.kafka.sender import Message
from processor.kafka.topics import Topics
from processor.kafka.transaction import Transactions
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.messages.producers import transactional_id
from processor.streaming.profiles.epochs import last_positions
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import POSITIONS_KEY


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move did: [start, end) was skipped; `written` of these records are in the file."""

    start: int
    end: int
    written: int


class PartitionMove:
    """Moves one partition of the source, or of an input of the profile stage.

    Raises (all methods):
        UsageError: there is no such partition or offset.
        BrokerError: Kafka does not answer, or refuses; nothing was moved. NotAuthorizedError: a
            right is missing; the same.
        UnknownOutcomeError: it is not known whether it was moved.
    """

    def __init__(self, settings: Settings, topic: str, partition: int) -> None:
        self._inputs = {one.topic(settings): one for one in ProfileInput}
        movable = (settings.enriched_topic, *self._inputs)
        if topic not in movable:
            message = f"{topic!r} is not a topic whose position can be moved"
            names = ", ".join(movable)
            raise UsageError(message, hint=f"use one of {names}")
        self._settings = settings
        self._topic = topic
        self._partition = partition
        self._described = Topics(settings).described(movable)
        count, _ = self._described.get(topic, (0, ""))
        if not 0 <= partition < count:
            message = f"{topic!r} has no partition {partition}"
            raise UsageError(message, hint=f"it has {count}, numbered from 0")

    def move(self, to: int, path: Path) -> Moved:
        """Continue at `to`; skipped records are written to a new file at `path`."""
        writer = Transactions(self._settings.kafka_client, self._transactional_id)
        try:
            with writer.errors_of(f"move {self._topic}-{self._partition}"):
                writer.init()  # 1
                if self._topic == self._settings.enriched_topic:
                    start = self._committed()  # 2
                    written = self._save(start, to, path)  # 3
                    self._commit_offset(writer, to)  # 4
                else:
                    record = last_positions(self._settings, self._partition)
                    positions = self._positions(record)
                    start = positions.next_offsets[self._inputs[self._topic]]
                    written = self._save(start, to, path)
                    self._commit_positions(writer, positions, to, _level(record))
        except UnknownOutcomeError as error:
            hint = f"keep {str(path)!r}, and run it again with another --file: that is harmless"
            raise UnknownOutcomeError(error.message, detail=error.detail, hint=hint) from error
        finally:
            writer.close()
        return Moved(start, to, written)

    @property
    def _transactional_id(self) -> str:
        settings = self._settings
        if self._topic == settings.enriched_topic:
            return f"{settings.app_id}-move-{self._partition}"
        return transactional_id(settings, self._partition)

    def _positions(self, record: bytes | None) -> Positions:
        positions = Positions() if record is None else Positions.decode(record)
        positions.note_topics({one: self._described[name][1] for name, one in self._inputs.items()})
        return positions

    def _commit_positions(
        self, writer: Transactions, positions: Positions, to: int, level: int
    ) -> None:
        moved = self._inputs[self._topic]
        positions.next_offsets[moved] = to
        if moved is ProfileInput.CONTRIBUTIONS:
            count, topic_id = self._described[self._settings.enriched_topic]
            positions.pass_over(topic_id, count)
        # So the next owner notes that what is kept is complete only from its takeover on.
        positions.taken_over_ms = 0
        writer.begin()
        record = positions.encode(level)
        writer.send(Message(self._settings.changelog_topic, record, POSITIONS_KEY, self._partition))
        writer.commit()

    def _committed(self) -> int:
        cluster = Cluster(self._settings.kafka_client)
        return max(0, cluster.committed(self._settings.app_id, (self._topic, self._partition)))

    def _commit_offset(self, writer: Transactions, to: int) -> None:
        writer.begin()
        writer.send_offset(self._settings.app_id, self._topic, self._partition, to)
        writer.commit()

    def _save(self, start: int, to: int, path: Path) -> int:
        """Write the existing records of [start, to) to a new file; return how many."""
        reader = PartitionReader(self._settings.kafka_client, self._topic, self._partition)
        try:
            first, end = reader.bounds()
            if not first <= to <= end or to < min(start, end):
                message = f"{self._topic}-{self._partition} cannot go on at offset {to}"
                detail = f"it begins at {first} and ends at {end}; the next offset is {start}"
                raise UsageError(message, detail=detail, hint=_allowed(first, end, start))
            handle = _new_file(path)
            written = 0
            with os.fdopen(handle, "w", encoding="ascii") as file:
                for batch in reader.read(start if start < to else to):
                    for record in batch:
                        if record.offset < to:
                            file.write(_line(record.offset, record.key, record.value))
                            written += 1
                    if batch[-1].offset >= to:
                        break
                file.flush()
                os.fsync(file.fileno())
            return written
        finally:
            reader.close()


def _allowed(first: int, end: int, start: int) -> str:
    """Return what can be chosen: nothing before the next offset, unless that is behind the end."""
    least = max(first, min(start, end))
    if least == end:
        return f"the only possible offset is {end}"
    return f"choose an offset from {least} to {end}"


def _level(record: bytes | None) -> int:
    """Return the format level of a positions record; without one, the level that all can read."""
    if record is None:
        return FIRST_LEVEL
    starts = [one.start for one in Kind.POSITIONS.written]
    start = record[: len(starts[0])]
    return FIRST_LEVEL + starts.index(start) if start in starts else FIRST_LEVEL


def _new_file(path: Path) -> int:
    """Make a file that only this user can read: it can contain what visitors did."""
    try:
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        message = f"cannot write a new file {str(path)!r}"
        raise UsageError(
            message, detail=str(error), hint="choose another one with --file"
        ) from error


def _line(offset: int, key: bytes | None, value: bytes | None) -> str:
    def text(data: bytes | None) -> str | None:
        return None if data is None else base64.b64encode(data).decode("ascii")

    told = {"offset": offset, "key_base64": text(key), "value_base64": text(value)}
    return json.dumps(told) + "\n"

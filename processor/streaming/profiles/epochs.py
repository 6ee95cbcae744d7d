"""Epochs of source partitions, looked up in the internal topics if no commit contains them.

The owner of a source partition takes an epoch greater than its predecessor's, which it finds beside
the committed offset. If offsets are reset with Kafka's tools, no epoch is left there. The clock
does not help if it was ahead when the last epoch was taken: frames of a lower epoch are dropped as
frames of a former owner. So the greatest epoch is looked up in the positions of all partitions of
profiles, and in the frames after them. All of this blocks.
"""

from collections.abc import Iterator, Mapping

import structlog

from processor.clock import monotonic_s
from processor.errors import StateFormatError
from processor.kafka.cluster import Cluster, Partition
from processor.kafka.partition_reader import PartitionReader
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.messages.frames import Section, decode_frame
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import POSITIONS_KEY

log = structlog.get_logger(__name__)

# A source partition: its topic's id and its number.
Source = tuple[str, int]

# How many records to check at the end of a changelog partition; the next look checks _FURTHER times
# as many. The last record of each transaction is the positions record.
_TAIL_RECORDS = 64
_FURTHER = 16
# Frames of a former owner arrive for a moment after a takeover, not for longer.
_OLDER_S = 60.0


def newest_epochs(settings: Settings) -> Mapping[Source, int]:
    """Return, for each source partition, the greatest epoch that is applied or waits for that.

    Raises:
        BrokerError: the topics cannot be read.
    """
    found: dict[Source, int] = {}

    def note(source: Source, epoch: int) -> None:
        found[source] = max(found.get(source, -1), epoch)

    written = _written(settings)
    for partition in range(settings.partitions):
        start = 0
        if (settings.changelog_topic, partition) in written:
            record = last_positions(settings, partition)
            if record is not None:
                positions = Positions.decode(record)
                start = positions.next_offsets[ProfileInput.CONTRIBUTIONS]
                for one in positions.sources:
                    note((one.topic_id, one.partition), one.epoch)
        if (settings.contributions_topic, partition) in written:
            for section in _sections(settings, partition, start):
                note((section.topic_id, section.partition), section.epoch)
    return found


def newer_epoch(settings: Settings, partition: int, section: Section, offset: int) -> int | None:
    """Return the next later epoch of a section's source from an offset on, if there is any.

    Raises:
        BrokerError: the topic cannot be read.
    """
    source = section.topic_id, section.partition
    for one in _sections(settings, partition, offset):
        if (one.topic_id, one.partition) == source and one.epoch > section.epoch:
            return one.epoch
    return None


def last_positions(settings: Settings, partition: int) -> bytes | None:
    """Return the last positions record of a partition's changelog; None if there is none.

    Raises:
        BrokerError: the changelog cannot be read.
    """
    reader = PartitionReader(settings.kafka_client, settings.changelog_topic, partition)
    try:
        low, end = reader.bounds()
        span = _TAIL_RECORDS
        while True:
            start = max(low, end - span)
            found = None
            for batch in reader.read(start):
                for record in batch:
                    if record.key == POSITIONS_KEY:
                        found = record.value
            if found is not None or start == low:
                return found
            span *= _FURTHER
    finally:
        reader.close()


def _sections(settings: Settings, partition: int, start: int) -> Iterator[Section]:
    reader = PartitionReader(settings.kafka_client, settings.contributions_topic, partition)
    try:
        for batch in reader.read(start):
            for record in batch:
                try:
                    yield from decode_frame(record.value or b"", settings.enriched_topic)
                except StateFormatError as error:  # the stage that applies it reports more
                    log.warning("frame_passed_over", offset=record.offset, error=str(error))
    finally:
        reader.close()


def _written(settings: Settings) -> set[Partition]:
    """Return the partitions of changelog and contributions to which anything was ever written."""
    asked = (
        (topic, number)
        for topic in (settings.changelog_topic, settings.contributions_topic)
        for number in range(settings.partitions)
    )
    ends = Cluster(settings.kafka_client).ends(asked)
    return {partition for partition, end in ends.items() if end > 0}


class OlderEpochs:
    """Notes sections that former owners wrote, and logs an alarm if they continue."""

    def __init__(self) -> None:
        # Since when they have come, and when that was last logged.
        self._seen: dict[Source, tuple[float, float]] = {}

    def note(self, section: Section, epoch: int) -> None:
        """Note a section that is dropped because its source is in a later `epoch`."""
        now = monotonic_s()
        source = section.topic_id, section.partition
        since, told = self._seen.setdefault(source, (now, now))
        if now - told < _OLDER_S:
            return
        self._seen[source] = since, now
        log.error(
            "older_epochs_keep_arriving", source_partition=section.partition, epoch=section.epoch,
            newest=epoch, seconds=round(now - since),
            hint="what they hold is dropped: restart the worker that reads this source partition",
        )  # fmt: skip

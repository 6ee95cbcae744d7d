"""A source with wrong clocks, outages and loads of old events, read into partitions of profiles.

Time is true time in milliseconds. Each source partition has a broker whose clock is wrong by some
seconds. It stamps what arrives, or leaves the stamps of producers, some of whose clocks are ahead
or give no time at all. Readers stand still now and then, for hours, and catch up. What is
read waits for the partition of its profile, and what profiles say to joint rules waits for that of
the target. Every partition finds its watermark as a worker does, from what readers commit and from
the ends that are read after that.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from processor.engine import Contribution, Part, Plan, Source
from processor.events import parse_event
from processor.formats import NEWEST_LEVEL
from processor.kafka.partitioner import Partitioner
from processor.limits import WATERMARK_MARGIN_MS
from processor.streaming.fetch.gates import Gate
from processor.streaming.fetch.partition_ends import PartitionEnd
from processor.streaming.messages.arrival import arrival_ms, least_arrival_ms
from processor.streaming.messages.commit_metadata import CommitMetadata, decode_commit_metadata
from processor.streaming.profiles.watermark import (
    NEVER_MS,
    Commits,
    Observation,
    PartitionWatermark,
)
from processor.streaming.source.source_partition import RunDelivery, SourcePartition
from tests.model.enriched import COLUMNS
from tests.model.generated import START_MS, column_time

MINUTE_MS, HOUR_MS, YEAR_MS = 60_000, 3_600_000, 365 * 86_400_000
SOURCES, PARTITIONS = 3, 2
CREATE_TIME = 0
SKEW_MAX_MS = 20_000
LATE_MAX_MS = 59 * MINUTE_MS
Visit = tuple[str, str, str]  # visitor, session, name of the event


class Record(NamedTuple):
    """An event as a line, and its timestamp, set by the broker or by a producer."""

    timestamp: int
    timestamp_type: int
    line: bytes


@dataclass
class SourceTopic:
    """One partition of the source: its records, how far they are read, what is committed."""

    number: int
    skew_ms: int
    timestamp_type: int
    records: list[Record] = field(default_factory=list)
    stands_until_ms: int = 0
    committed: CommitMetadata | None = None
    _reader: SourcePartition = field(init=False)

    def __post_init__(self) -> None:
        gate = Gate("source", self.number, 1, "reader", NEWEST_LEVEL)
        self._reader = SourcePartition(gate, "source", 1, 0)

    def reads(self, count: int, now_ms: int) -> Iterator[tuple[int, int, bytes]]:
        """Read some records as one run, and commit; yield offset, arrival and line of each."""
        begin = self._reader.done
        records = self.records[begin : begin + count]
        for offset, one in enumerate(records, begin):
            yield offset, arrival_ms(one.timestamp, one.timestamp_type, now_ms), one.line
        end = begin + len(records)
        if records:
            least_ms = least_arrival_ms(records, now_ms)
            self._reader.runs.append(RunDelivery(end, least_ms, 1, pending=0))
        self._reader.gate.end = PartitionEnd(len(self.records), now_ms)
        text = self._reader.metadata(self._reader.progress(1))
        self.committed = decode_commit_metadata(text)


class World:
    """Everything that happens, in the order of a seed."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.plan = plan
        self.chance = Random(seed)
        self.now_ms = START_MS
        self.sources = [
            SourceTopic(
                number, self.chance.randint(-SKEW_MAX_MS, SKEW_MAX_MS), self.chance.choice([0, 1])
            )
            for number in range(SOURCES)
        ]
        self._partitioner = Partitioner(PARTITIONS)
        self.contributions: list[deque[Contribution]] = [deque() for _ in range(PARTITIONS)]
        self.parts: list[deque[Part]] = [deque() for _ in range(PARTITIONS)]
        self.sent, self.applied = [0] * PARTITIONS, [0] * PARTITIONS
        self.parts_sent, self.parts_applied = [0] * PARTITIONS, [0] * PARTITIONS
        self.watermarks = [PartitionWatermark() for _ in range(PARTITIONS)]
        # When a visitor did something in a session last, by true time, and in which source.
        self.seen: dict[Visit, tuple[int, SourceTopic]] = {}
        self._events = 0

    # --- what comes ------------------------------------------------------------------------------

    def passes(self) -> None:
        """Time goes on: mostly by seconds, sometimes by hours."""
        self.now_ms += self.chance.choice([1, 900, 5_000, 30_000, 61_000, 10 * MINUTE_MS])
        if self.chance.random() < 0.08:
            self.now_ms += self.chance.choice([HOUR_MS, 2 * HOUR_MS, 9 * HOUR_MS])

    def comes(self) -> None:
        """An event: in time, late, ahead by days, or one of a load of old ones."""
        kind = self.chance.random()
        if kind < 0.1:
            self._load()
        elif kind < 0.2:
            ahead_ms = self.chance.choice([2 * MINUTE_MS, 2 * HOUR_MS, 48 * HOUR_MS, YEAR_MS])
            self._produce(self._visit(), self.now_ms + ahead_ms)
        elif kind < 0.5:
            self._produce(self._visit(), self.now_ms - self.chance.randint(0, LATE_MAX_MS))
        else:
            self._produce(self._visit(), self.now_ms - self.chance.choice([0, 1, 300, 2_000]))

    def _visit(self) -> Visit:
        visitor = self.chance.choice(["u1", "u2", "u3", "u4"])
        session = self.chance.choice([f"s{visitor}", f"s{visitor}", "s"])
        return visitor, session, self.chance.choice(["view", "buy"])

    def _load(self) -> None:
        """A year of somebody's events within minutes: of who is new, or was there just now.

        They come behind what was there just now, in the same source. That was something that all
        attributes count.
        """
        since_ms = self.now_ms - 20 * MINUTE_MS
        recent = {
            one: source
            for one, (seen_ms, source) in self.seen.items()
            if seen_ms > since_ms and one[2] == "buy"
        }
        new = (f"new{self._events}", f"new{self._events}", "buy")
        visit = self.chance.choice([*recent, new])
        source = recent.get(visit) or self.chance.choice(self.sources)
        at_ms = self.now_ms - YEAR_MS
        for _ in range(self.chance.randint(2, 6)):
            self._produce(visit, at_ms, source)
            at_ms += self.chance.choice([1, 999, 30_000, 59_999, 11 * MINUTE_MS, 90 * 86_400_000])
            self.now_ms += self.chance.choice([10, 1_000, 100_000])

    def _produce(self, visit: Visit, time_ms: int, to: SourceTopic | None = None) -> None:
        visitor, session, name = visit
        source = to or self.chance.choice(self.sources)
        columns = dict.fromkeys(COLUMNS, "") | {
            "event_id": f"e{self._events}",
            "collector_tstamp": column_time(time_ms),
            "domain_userid": visitor,
            "domain_sessionid": session,
            "event_vendor": "com.shop",
            "event_name": name,
            "event_version": "1-0-0",
            "se_value": str(self.chance.randint(1, 3)),
        }
        self._events += 1
        self.seen[visit] = (self.now_ms, source)
        stamp_ms = self.now_ms + source.skew_ms
        if source.timestamp_type == CREATE_TIME and self.chance.random() < 0.1:
            ahead_ms = self.chance.choice([10 * MINUTE_MS, 48 * HOUR_MS, YEAR_MS])
            stamp_ms = self.chance.choice([stamp_ms + ahead_ms, 0, -1])
        line = "\t".join(columns.values()).encode()
        source.records.append(Record(stamp_ms, source.timestamp_type, line))

    # --- what is read ----------------------------------------------------------------------------

    def reads(self) -> None:
        """One reader reads on, unless it stands still; it may stop for hours after that."""
        source = self.chance.choice(self.sources)
        if source.stands_until_ms > self.now_ms:
            return
        count = self.chance.choice([1, 5, 1_000])
        read_from = Source("enriched", source.number)
        for offset, arrived_ms, line in source.reads(count, self.now_ms):
            for one in self.plan.contributions(parse_event(line, arrived_ms), read_from, offset):
                target = self._partitioner.partition(one.key, one.id)
                self.contributions[target].append(one)
                self.sent[target] += 1
        if self.chance.random() < 0.05:
            source.stands_until_ms = self.now_ms + self.chance.choice([MINUTE_MS, 5 * HOUR_MS])

    def send(self, part: Part) -> None:
        """What a profile says to a joint rule goes to the partition of its target."""
        target = self._partitioner.partition(part.target_key, part.target_id)
        self.parts[target].append(part)
        self.parts_sent[target] += 1

    # --- watermarks ------------------------------------------------------------------------------

    def looks(self, partition: int) -> None:
        """The owner of a partition reads commits, later ends, and what it has applied by then."""
        sources = Commits("source", "source", SOURCES, self._committed())
        told = {
            number: CommitMetadata(watermark_ms=one.told_ms, topic_id="contributions")
            for number, one in enumerate(self.watermarks)
            if one.told_ms != NEVER_MS
        }
        profiles = Commits("contributions", "contributions", PARTITIONS, told)
        ends = dict(enumerate(self.sent)), dict(enumerate(self.parts_sent))
        observed = Observation(sources, profiles, *ends)
        self.watermarks[partition].note(partition, observed, self.now_ms)

    def reached_ms(self, partition: int) -> tuple[int, int]:
        """How far arrivals have come for a sweep of a partition, and for joint rules there."""
        watermark = self.watermarks[partition]
        # All that was applied counts as flushed: parts are sent at once.
        applied = self.applied[partition]
        watermark.advance(applied, self.parts_applied[partition], applied)
        return min(watermark.all_ms, self.now_ms - WATERMARK_MARGIN_MS), watermark.joint_ms

    def _committed(self) -> dict[int, CommitMetadata]:
        return {one.number: one.committed for one in self.sources if one.committed is not None}

    def partitions(self) -> Iterator[int]:
        """The partitions of profiles in some order."""
        yield from self.chance.sample(range(PARTITIONS), PARTITIONS)

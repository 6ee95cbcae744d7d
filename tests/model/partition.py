"""A partition of profiles as its owners see it: real stores, and what Kafka would hold for them.

The topics are lists: frames that were sent, records of the changelog and interventions that were
committed. What is sent in one transaction is appended in one call.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from processor.engine import Contribution, Plan, step
from processor.engine.counted_events import CountedEvents
from processor.formats import NEWEST_LEVEL
from processor.interventions.message import Fired, encode_message
from processor.profile_inputs import ProfileInput
from processor.state import RocksDBStore
from processor.streaming.messages.frames import Section
from processor.streaming.profiles.memory_budget import MemoryBudget
from processor.streaming.profiles.partition_memory import begin_memory
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_table import ProfileTable, record_prefix, stored_positions
from processor.streaming.profiles.restore_mark import Restored, restored_record, stored_restored
from processor.streaming.profiles.sweep import sweep
from tests.model.published import Json
from tests.unit.streaming.fakes import FakeDefinitions, owned

TOPIC, PARTITION = "enriched", 0
CHANGELOG = "changelog"
# How long events that are sent again are recognised.
HORIZON_MS = 120_000
# So little that profiles and parts are let go all the time.
MEMORY_BYTES = 20_000
# Records of the changelog that a restore writes at once.
RESTORED_AT_ONCE = 3


@dataclass
class Log:
    """What is in the topics of the partition."""

    frames: list[tuple[int, Contribution]] = field(default_factory=list)
    changelog: dict[int, tuple[bytes, bytes | None]] = field(default_factory=dict)
    next_offset: int = 0
    interventions: list[Json] = field(default_factory=list)

    def commit(self, records: dict[bytes, bytes | None], fired: list[Json]) -> None:
        """A transaction."""
        for key, value in records.items():
            self.changelog[self.next_offset] = key, value
            self.next_offset += 1
        self.next_offset += 1  # its marker
        self.interventions += fired

    def compact(self) -> None:
        """Of each key only the last record stays."""
        last = {key: offset for offset, (key, _) in self.changelog.items()}
        kept = set(last.values())
        self.changelog = {offset: one for offset, one in self.changelog.items() if offset in kept}


class Owner:
    """Who owns the partition, from a takeover to a crash or release."""

    def __init__(self, path: Path, log: Log, plan: Plan, now_ms: int, *, torn: bool) -> None:
        """Take the partition over. `torn`: after a first attempt that ended in the middle."""
        self.path, self.log = path, log
        if torn:
            store = RocksDBStore(path)
            self._restore(store, len(log.changelog) // 2)
            store.close()
        self.store = RocksDBStore(path)
        self._restore(self.store, len(log.changelog))
        self.table = ProfileTable(
            self.store,
            stored_positions(self.store) or Positions(),
            begin_memory(MemoryBudget(MEMORY_BYTES), CountedEvents(HORIZON_MS, bytes_max=2**26)),
        )
        for _ in self.table.load_counted():
            pass
        self.fired: list[Json] = []
        self._sent: list[Json] = []
        self.note(plan, now_ms)

    def _restore(self, store: RocksDBStore, count: int) -> None:
        restored = stored_restored(store)
        if restored is None:
            store.clear()
        start = 0 if restored is None else restored.next_offset
        records = [(at, *one) for at, one in self.log.changelog.items() if at >= start][:count]
        for first in range(0, len(records), RESTORED_AT_ONCE):
            part = records[first : first + RESTORED_AT_ONCE]
            mark = restored_record(Restored(CHANGELOG, part[-1][0] + 1, 0))
            store.write([*((key, value) for _, key, value in part), mark])

    @property
    def applied(self) -> int:
        """Frames that are applied."""
        return self.table.positions.next_offsets[ProfileInput.CONTRIBUTIONS]

    def note(self, plan: Plan, now_ms: int) -> None:
        """Definitions are in force."""
        self.plan = plan
        self.table.note(plan, now_ms)

    def apply(self, now_ms: int) -> None:
        """Apply the next frame."""
        number = self.applied
        definitions_offset, contribution = self.log.frames[number]
        self.table.note_sent_under(definitions_offset, now_ms)
        section = Section("t", PARTITION, definitions_offset, 1, number, [contribution])
        position = self.table.positions.admit(section)
        assert position is not None
        assert contribution.trigger.offset > position.offset
        (duplicate,) = self.table.counted.count([contribution], self.plan.series)
        position.offset = contribution.trigger.offset
        self.table.positions.next_offsets[ProfileInput.CONTRIBUTIONS] += 1
        if duplicate:
            return
        prefix = record_prefix(contribution.key, contribution.id)
        profile = self.table.profile(prefix) or self.table.new_profile(prefix)
        stepped = step(profile, contribution, self.plan)
        assert stepped is not None, "no head here has ids"
        self.table.changed(prefix, profile)
        self.fired += [told(one) for one in stepped.fired]

    def encode(self) -> None:
        """The first step of a flush."""
        for _ in self.table.begin_flush(NEWEST_LEVEL):
            pass
        self._sent, self.fired = self.fired, []

    def commit(self) -> None:
        """The transaction."""
        self.log.commit(self.table.flush_records, self._sent)
        self.table.publish()

    def write(self) -> None:
        """The last step of a flush, into the store."""
        self.table.write(CHANGELOG, self.log.next_offset, 0)

    async def sweep(self) -> None:
        """Drop what is too old by the event time of what was applied."""
        await sweep(owned(self.table), FakeDefinitions(self.plan))

    def close(self, *, wipe: bool) -> None:
        """Nothing but the files is left, or not even they."""
        self.store.close()
        if wipe:
            shutil.rmtree(self.path)


def told(fired: Fired) -> Json:
    """The message without the offset of the definitions."""
    message: Json = json.loads(encode_message(fired))
    del message["data"]["definitions_offset"]
    return message

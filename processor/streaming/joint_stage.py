"""Beside the second stage: parts of joint rules are joined at their targets.

This is step 1 of a flush (processor/streaming/flush.py), as the frames are. Parts of one partition
are taken in the order of its rules partition; between them come the frames, as they arrive.
"""

from typing import Any

from processor.engine.joint import Part, decode_part, join
from processor.errors import ProcessorError
from processor.limits import SLICE_PARTS_MAX
from processor.metrics import PARTS_APPLIED
from processor.streaming.definitions_topic import DefinitionsReader
from processor.streaming.gates import Run
from processor.streaming.ownership import Ownership
from processor.streaming.profile_table import record_prefix


class JointStage:
    """Applies runs of parts to owned partitions."""

    def __init__(self, definitions: DefinitionsReader) -> None:
        self._definitions = definitions

    async def apply(self, own: Ownership, run: Run) -> None:
        """Apply a run's parts, in order, until its gate dies.

        Raises:
            StateFormatError: the partition cannot be applied any further.
        """
        for start in range(0, len(run.records), SLICE_PARTS_MAX):
            records = run.records[start : start + SLICE_PARTS_MAX]
            parts = [_part(run, record) for record in records]
            newest = max(part.definitions_offset for part in parts)
            # Outside of the lock: a flush and a release must not wait for definitions.
            while own.alive and not await self._definitions.reach(newest):
                pass
            await own.room.wait()
            async with own.work:
                await own.slices.turn()
                if not own.alive or run.gate is not own.gates.rules:
                    return
                self._apply(own, parts)
                own.table.positions.rules_next_offset = records[-1].offset + 1
                own.applied_some(len(parts))
            PARTS_APPLIED.inc(len(parts))
        self._pass_markers(own, run)

    def _apply(self, own: Ownership, parts: list[Part]) -> None:
        plan = self._definitions.plan
        own.note(plan)
        table = own.table
        for part in parts:
            prefix = record_prefix(part.target_key, part.target_id)
            profile = table.profile(prefix)
            if profile is None:
                profile = table.new_profile(prefix)
            fired = join(profile, part, plan)
            if profile.changed:
                table.changed(prefix, profile)
            if fired is not None:
                own.outgoing.fire(fired)

    def _pass_markers(self, own: Ownership, run: Run) -> None:
        """Move over the markers of transactions behind the parts.

        That is no change: it is stored with the next one, or seen again after a takeover.
        """
        if own.alive and run.gate is own.gates.rules:
            own.table.positions.rules_next_offset = run.end
            own.dirty.set()


def _part(run: Run, record: Any) -> Part:
    try:
        return decode_part(record.value or b"")
    except ProcessorError as error:
        error.message = f"{run.gate.name} offset {record.offset}: {error.message}"
        raise

"""Beside the second stage: parts of joint rules are joined at their targets.

Parts of one partition are taken in the order of its rules partition; between them come the frames,
as they arrive.
"""

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from processor.clock import wall_ms
from processor.engine import Part, Plan, decode_part, join
from processor.errors import DeadLetterReason, MissingDefinitionsError, ProcessorError
from processor.kafka.record import Record, timestamp_ms
from processor.limits import SLICE_PARTS_MAX
from processor.metrics import PARTS_APPLIED
from processor.profile_inputs import ProfileInput
from processor.streaming.definitions.current_definitions import Definitions
from processor.streaming.fetch.gates import Run
from processor.streaming.fetch.missing_records import stands_at
from processor.streaming.messages.arrival import arrival_ms
from processor.streaming.messages.dead_letters import Refused, encode_dead_letter
from processor.streaming.profiles.careful import apply_to_profile
from processor.streaming.profiles.input_stage import InputStage
from processor.streaming.profiles.ownership import Ownership
from processor.streaming.profiles.profile_table import record_prefix


class JointStage(InputStage[Part]):
    """Applies runs of parts to owned partitions."""

    input = ProfileInput.RULES
    slice_records = SLICE_PARTS_MAX

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def _decode(self, run: Run, record: Record) -> Part:
        part = decode_part(record.value or b"")
        if part.trigger.arrival_ms == 0:  # format 1: its event arrived before it was written
            written_ms = arrival_ms(record.timestamp, record.timestamp_type, wall_ms())
            part.trigger = replace(part.trigger, arrival_ms=written_ms)
        return part

    async def _ready(
        self, own: Ownership, run: Run, records: Sequence[Record], decoded: list[Part]
    ) -> tuple[list[Part], ProcessorError | None]:
        newest = max((part.definitions_offset for part in decoded), default=-1)
        try:
            await self._definitions.require(newest, own.may_apply)
        except MissingDefinitionsError as error:
            read = self._definitions.plan.definitions_offset
            for number, part in enumerate(decoded):
                if part.definitions_offset > read:
                    stands_at(error, run.gate, records[number].offset)
                    return decoded[:number], error
        return decoded, None

    async def _apply(
        self, own: Ownership, run: Run, records: Sequence[Record], ready: list[Part]
    ) -> int:
        plan = self._definitions.plan
        own.note(plan)
        arrived_ms = own.arrived_ms()
        for record, part in zip(records, ready, strict=True):
            prefix = record_prefix(part.target_key, part.target_id)
            place = run.gate.partition, record.offset, part.trigger.event_id
            join_one = partial(_join, own, prefix, part, plan, arrived_ms)
            if error := apply_to_profile(own, prefix, join_one, place):
                refused = _refused(run, record, part, error)
                own.outgoing.refuse(refused.key, encode_dead_letter(refused))
        PARTS_APPLIED.inc(len(ready))
        return len(ready)


def _join(own: Ownership, prefix: bytes, part: Part, plan: Plan, arrived_ms: int) -> None:
    table = own.table
    profile = table.profile(prefix)
    if profile is None:
        profile = table.new_profile(prefix)
    fired = join(profile, part, plan, arrived_ms)
    if fired is not None:
        own.outgoing.add([fired], ())
    if profile.changed:
        table.changed(prefix, profile)


def _refused(run: Run, record: Record, part: Part, error: Exception) -> Refused:
    detail = f"{error!r}; a part about event {part.trigger.event_id}"
    return Refused(
        run.gate.topic, run.gate.partition, record.offset, timestamp_ms(record),
        record.value or b"", DeadLetterReason.UNEXPECTED, detail,
    )  # fmt: skip

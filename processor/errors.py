"""The catalogue of everything that can go wrong, and what to do about it.

It has two closed lists: error classes, each with a code, and the reasons of dead letters.
deploy/README.md and deploy/RUNBOOK.md name every one of them; tests compare them.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from definitions.problems import Problem


class DeadLetterReason(StrEnum):
    """Why a record of the source, or a tracker's data, could not be processed.

    Part of the dead letter's JSON.
    """

    COLUMN_COUNT = "column_count"
    EVENT_ID = "event_id"
    TIMESTAMP = "timestamp"
    UTF8 = "utf8"
    JSON = "json"
    TOO_LARGE = "too_large"
    EMPTY = "empty"
    DEFINITION = "definition"
    PAYLOAD = "payload"
    PARAMETER = "parameter"
    UNEXPECTED = "unexpected"


class ProcessorError(Exception):
    """An error on which a person can act: what happened, to what, and what to do next.

    `message` says what is wrong in one line, lower case; `detail` adds values or the underlying
    error; `hint` says what to do. `code` is stable and documented. What closes a
    partition is shown openly: an id or what an event holds stands in `private`, for the log alone.
    """

    code: ClassVar[str] = "error"

    def __init__(
        self, message: str, *, detail: str = "", hint: str = "", private: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint
        self.private = private

    def __str__(self) -> str:
        parts = [self.message]
        if self.detail:
            parts.append(f"({self.detail})")
        if self.hint:
            parts.append(f"- {self.hint}")
        return " ".join(parts)

    @property
    def logged(self) -> str:
        """What the log may say: all of it."""
        return f"{self} [{self.private}]" if self.private else str(self)


class MalformedEventError(ProcessorError):
    """A source record is not an enriched event; it goes to the dead letters with `reason`."""

    code = "malformed_event"

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(f"not an enriched event: {reason.value}", detail=detail)
        self.reason = reason


class TrackerProtocolError(ProcessorError):
    """A tracker's data cannot be an event; it goes to the dead letters with `reason`."""

    code = "tracker_protocol"

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__("not an event of the tracker protocol", detail=detail)
        self.reason = reason


class DefinitionError(ProcessorError):
    """Definitions are not valid."""

    code = "definition"


class InvalidDefinitionsError(DefinitionError):
    """Definitions have problems; `problems` has all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        super().__init__(
            f"{count} problem{'s' * (count != 1)} in the definitions",
            detail="; ".join(f"{problem.place}: {problem.message}" for problem in problems),
        )
        self.problems = problems


class ConflictError(ProcessorError):
    """Another writer changed the definitions first, or a published object would change."""

    code = "conflict"


class BrokerError(ProcessorError):
    """Kafka cannot be reached, or a request to it fails."""

    code = "broker"


class UnknownOutcomeError(BrokerError):
    """A commit was requested, and it is not known whether Kafka made it."""


class DeliveryFailedError(BrokerError):
    """A message was not delivered; nothing may be sent after it."""

    code = "delivery_failed"


class NotAuthorizedError(BrokerError):
    """The Kafka user lacks a right that it needs; an administrator must grant it."""

    code = "not_authorized"


class TopicError(ProcessorError):
    """A topic is missing, or lacks the partitions or settings that correctness requires."""

    code = "topic"


class MissingRecordsError(TopicError):
    """The next record to read is not in its partition: it is before the start or after the end."""

    code = "missing_records"


class MissingDefinitionsError(TopicError):
    """Records wait for definitions that do not arrive; `offset` is the offset of the newest."""

    code = "missing_definitions"

    def __init__(self, message: str, *, offset: int, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.offset = offset


class StateError(ProcessorError):
    """The data directory is in use, is full, or does not hold what we wrote."""

    code = "state"


class DamagedStoreError(StateError):
    """A local store can no longer be read; the changelog has all of its content."""


class StateFormatError(ProcessorError):
    """Bytes are in a format that this version does not read, or have a wrong checksum."""

    code = "state_format"


class SequenceError(ProcessorError):
    """There is a gap in a sequence that must have none: frames of an epoch, runs of a partition."""

    code = "sequence"


class FetchPositionError(SequenceError):
    """The consumer is not at the end of the previous run: other code moved it or took records."""


class FencedError(ProcessorError):
    """Another worker took over this partition; what is not committed must be dropped."""

    code = "fenced"


class NotReadyError(ProcessorError):
    """The worker cannot answer now: it is restoring, or ownership is moving."""

    code = "not_ready"


class ClosedError(NotReadyError):
    """A fault has closed the partition that must answer; it does not end by itself."""

    code = "closed"


class ForwardError(ProcessorError):
    """Another worker refused a forwarded request, or its answer was not the expected kind."""

    code = "forward"


class ListenError(ProcessorError):
    """The HTTP API cannot listen on the configured address."""

    code = "listen"


class UsageError(ProcessorError):
    """A command or request was used incorrectly."""

    code = "usage"

"""The catalogue of everything that can go wrong and what to do about it.

Two closed lists: error classes, each with a code, and the reasons of dead letters. The README names
every one of them; a test compares.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from definitions.problems import Problem


class DeadLetterReason(StrEnum):
    """Why a record of the source, or what a tracker sent, could not be processed.

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
    """An error that a person can act on: what happened, on what, and what to do next.

    `message` says what is wrong in one line, lower case; `detail` adds values or the underlying
    error; `hint` says what to do. `code` is stable and documented.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.message]
        if self.detail:
            parts.append(f"({self.detail})")
        if self.hint:
            parts.append(f"- {self.hint}")
        return " ".join(parts)


class MalformedEventError(ProcessorError):
    """A source record is not an enriched event; it goes to the dead letters with `reason`."""

    code = "malformed_event"

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(f"not an enriched event: {reason.value}", detail=detail)
        self.reason = reason


class TrackerProtocolError(ProcessorError):
    """What a tracker sent cannot be an event; it goes to the dead letters with `reason`."""

    code = "tracker_protocol"

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__("not an event of the tracker protocol", detail=detail)
        self.reason = reason


class DefinitionError(ProcessorError):
    """Definitions that cannot be right."""

    code = "definition"


class InvalidDefinitionsError(DefinitionError):
    """Definitions with problems, all of them in `problems`."""

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
    """Kafka is not there or does not do what it must."""

    code = "broker"


class TopicError(ProcessorError):
    """A topic is missing or does not have the partitions or settings that correctness needs."""

    code = "topic"


class StateError(ProcessorError):
    """The data directory is taken, full, or does not hold what we wrote."""

    code = "state"


class StateFormatError(ProcessorError):
    """Bytes of a format that this version does not read, or with a wrong checksum."""

    code = "state_format"


class SequenceError(ProcessorError):
    """A gap in what must have none: frames of an epoch, runs of a partition."""

    code = "sequence"


class FencedError(ProcessorError):
    """Another worker took this partition over; what is not committed must be dropped."""

    code = "fenced"


class NotReadyError(ProcessorError):
    """The answer is not to be had from this worker now: restoring, or ownership is moving."""

    code = "not_ready"


class ForwardError(ProcessorError):
    """Another worker refused a forwarded request, or answered something else."""

    code = "forward"


class ListenError(ProcessorError):
    """The HTTP API cannot listen where it was told to."""

    code = "listen"


class UsageError(ProcessorError):
    """A command or request was used wrongly."""

    code = "usage"

"""What a fault of one partition is, and what follows from it (processor/decisions/faults.md).

data      records in Kafka cannot be applied: closed until an operator acts
local     this worker's store, or an error in our code: taken over again, after growing waits
broker    Kafka failed: taken over again in the same way
process   nothing in this worker could continue: the process ends
"""

import errno
from dataclasses import asdict, dataclass
from enum import StrEnum

import structlog
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException

from processor.errors import (
    BrokerError,
    DeliveryFailedError,
    FencedError,
    FetchPositionError,
    ProcessorError,
    SequenceError,
    StateFormatError,
    TopicError,
)
from processor.limits import FAULT_RETRY_MAX_S, FAULT_RETRY_MIN_S
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.fetch.gates import Gate

log = structlog.get_logger(__name__)

_FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT})
# The texts of RocksDB's binding, which gives no error number.
_FULL_DISK_TEXTS = ("no space left on device", "disk quota exceeded")


_REPORT = "report it, with the lines of the worker's log about it"


class FaultClass(StrEnum):
    """What follows from a fault."""

    DATA = "data"
    LOCAL = "local"
    BROKER = "broker"
    PROCESS = "process"


# What can be done about an error that does not say it.
_AGAIN = "nothing: the worker tries again by itself"
_REMEDIES = {
    FaultClass.DATA: _REPORT,
    FaultClass.LOCAL: _AGAIN,
    FaultClass.BROKER: _AGAIN,
    FaultClass.PROCESS: _REPORT,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a partition does not serve, and what an operator can do; `partition` is TOPIC-NUMBER."""

    partition: str
    kind: FaultClass
    reason: str
    remedy: str

    @property
    def told(self) -> tuple[str, str, str]:
        """Partition, reason and remedy: the text that anyone may read."""
        return self.partition, self.reason, self.remedy


def fault_partition(gate: Gate, settings: Settings) -> str:
    """Return the partition, TOPIC-NUMBER, under which faults of a gate are known."""
    if any(gate.topic == one.topic(settings) for one in ProfileInput):
        return f"{ProfileInput.CONTRIBUTIONS.topic(settings)}-{gate.partition}"
    return gate.name


def fault_class(error: BaseException) -> FaultClass:
    """Return the class of an error that a partition met."""
    if isinstance(error, MemoryError | DeliveryFailedError) or _is_full_disk(error):
        return FaultClass.PROCESS
    if isinstance(error, FetchPositionError):
        return FaultClass.LOCAL
    if isinstance(error, SequenceError | StateFormatError | TopicError):
        return FaultClass.DATA
    if isinstance(error, BrokerError | FencedError | KafkaError | KafkaException):
        return FaultClass.BROKER
    return FaultClass.LOCAL


def fault_of(partition: str, error: BaseException) -> Fault:
    """Return what is reported about an error that a partition met."""
    kind = fault_class(error)
    if not isinstance(error, ProcessorError):
        # The error's text can quote an event, and anyone may read the report of a fault.
        reason = f"an unexpected {type(error).__name__}"
        return Fault(partition, kind, reason, _REPORT)
    reason = f"{error.message} ({error.detail})" if error.detail else error.message
    return Fault(partition, kind, reason, error.hint or _REMEDIES[kind])


def log_closed(fault: Fault, error: BaseException) -> None:
    """Log that a fault closed a partition, with what only the log may contain."""
    if isinstance(error, ProcessorError):
        private = {"private": error.private} if error.private else {}
        log.error("partition_closed", **asdict(fault), **private)
    else:
        log.error("partition_closed", exc_info=error, **asdict(fault))


def _is_full_disk(error: BaseException) -> bool:
    """Return whether an error, or its cause, means that the disk is full."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL_DISK:
            return True
        if any(text in str(cause).lower() for text in _FULL_DISK_TEXTS):
            return True
        cause = cause.__cause__
    return False


class Backoff:
    """How long to wait before the next attempt: twice as long each time."""

    def __init__(self) -> None:
        self._next_s = FAULT_RETRY_MIN_S

    def wait_s(self) -> float:
        """Return how long to wait now, in seconds."""
        wait_s = self._next_s
        self._next_s = min(2 * wait_s, FAULT_RETRY_MAX_S)
        return wait_s

    def reset(self) -> None:
        """Start again from the shortest wait: there was progress."""
        self._next_s = FAULT_RETRY_MIN_S

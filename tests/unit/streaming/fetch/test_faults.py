"""What a fault is, what follows from it, and that it stays in its partition."""

import errno
from dataclasses import asdict
from pathlib import Path

import pytest
from aiokafka.errors import KafkaTimeoutError
from structlog.testing import capture_logs

from processor.errors import (
    BrokerError,
    DeliveryFailedError,
    FencedError,
    FetchPositionError,
    MissingDefinitionsError,
    MissingRecordsError,
    SequenceError,
    StateError,
    StateFormatError,
    TopicError,
)
from processor.formats import NEWEST_LEVEL, Kind, RecordReader
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.streaming.fetch.faults import (
    Backoff,
    FaultClass,
    fault_class,
    fault_of,
    fault_partition,
    log_closed,
)
from processor.streaming.fetch.gates import Gate
from processor.streaming.fetch.missing_records import OutOfRange, missing_records
from tests.unit.streaming.test_release import Partition

SETTINGS = Settings()


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SequenceError("gap"), FaultClass.DATA),
        (StateFormatError("unknown"), FaultClass.DATA),
        (TopicError("made anew"), FaultClass.DATA),
        (MissingRecordsError("gone"), FaultClass.DATA),
        (MissingDefinitionsError("gone", offset=3, hint=""), FaultClass.DATA),
        (StateError("held", detail="lock"), FaultClass.LOCAL),
        (PermissionError(errno.EACCES, "no"), FaultClass.LOCAL),
        (FetchPositionError("moved"), FaultClass.LOCAL),
        (KeyError("ours"), FaultClass.LOCAL),
        (BrokerError("away"), FaultClass.BROKER),
        (FencedError("another has it"), FaultClass.BROKER),
        (KafkaTimeoutError(), FaultClass.BROKER),
        (MemoryError(), FaultClass.PROCESS),
        (DeliveryFailedError("refused"), FaultClass.PROCESS),
        (OSError(errno.ENOSPC, "full"), FaultClass.PROCESS),
        (OSError(errno.EDQUOT, "full"), FaultClass.PROCESS),
        (StateError("x", detail="IO error: No space left on device: /d"), FaultClass.PROCESS),
        (caused(StateError("x"), OSError(errno.ENOSPC, "full")), FaultClass.PROCESS),
    ],
)
def test_an_error_has_a_class(error: BaseException, kind: FaultClass) -> None:
    assert fault_class(error) is kind


def test_a_fault_tells_reason_and_remedy() -> None:
    fault = fault_of("c-1", StateError("cannot write", detail="EIO", hint="look at the disk"))
    assert fault.told == ("c-1", "cannot write (EIO)", "look at the disk")


@pytest.mark.parametrize(
    "error", [StateError("x"), StateFormatError("x"), FencedError("x"), KeyError("x")]
)
def test_the_log_does_not_send_to_the_log(error: Exception) -> None:
    remedy = fault_of("c-1", error).remedy
    assert remedy
    assert "see the worker's log" not in remedy


def test_what_everybody_may_read_quotes_no_event() -> None:
    assert "visitor" not in " ".join(fault_of("c-1", KeyError("visitor")).told)


def test_what_is_private_stands_in_the_log_alone() -> None:
    error = StateError("a record is too large", private="domain_userid 'visitor'")
    fault = fault_of("c-1", error)
    assert "visitor" not in " ".join(map(str, asdict(fault).values()))
    assert "visitor" not in str(error)
    with capture_logs() as logged:
        log_closed(fault, error)
    assert "visitor" in str(logged)


def test_a_record_that_cannot_be_decoded_is_not_quoted() -> None:
    def decode(_: memoryview) -> None:
        message = "visitor"
        raise ValueError(message)

    with pytest.raises(StateFormatError) as caught:
        RecordReader({Kind.FRAME: decode}).read(Kind.FRAME.seal(b"visitor", NEWEST_LEVEL))
    assert "visitor" not in " ".join(fault_of("c-1", caught.value).told)
    assert "visitor" in caught.value.logged


def test_the_wait_doubles_up_to_a_minute_and_begins_anew_after_progress() -> None:
    backoff = Backoff()
    assert [backoff.wait_s() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    backoff.reset()
    assert backoff.wait_s() == 1


def test_the_text_of_missing_records_names_the_command() -> None:
    gone = missing_records("app-contributions", 3, 7, (10, 20))
    assert "processor partitions move app-contributions 3 --to 10 --accept-loss" in gone.hint
    behind = missing_records("app-contributions", 3, 30, (10, 20))
    assert "--to 20 --accept-loss" in behind.hint
    assert "10 to 20" in behind.detail


# --- an ownership that fails ----------------------------------------------------------------------


async def test_a_failure_ends_the_ownership_and_wakes_who_waits(tmp_path: Path) -> None:
    own = Partition(tmp_path / "s").own
    own.room.clear()
    own.fail(OSError("a lock"))
    assert not own.alive
    assert own.room.is_set()
    assert own.dirty.is_set()
    assert isinstance(own.failure, OSError)


async def test_what_fails_because_a_rebalance_has_ended_it_is_no_fault(tmp_path: Path) -> None:
    own = Partition(tmp_path / "s").own
    own.end()
    own.fail(StateError("the state is closed"))
    assert own.failure is None


async def test_only_the_first_failure_counts(tmp_path: Path) -> None:
    own = Partition(tmp_path / "s").own
    own.fail(SequenceError("a gap"))
    own.fail(StateError("closed meanwhile"))
    assert isinstance(own.failure, SequenceError)


@pytest.mark.parametrize("one", ProfileInput)
def test_a_fault_of_any_input_is_one_of_its_partition_of_profiles(one: ProfileInput) -> None:
    gate = Gate(one.topic(SETTINGS), 3, 1, "m", NEWEST_LEVEL)
    assert fault_partition(gate, SETTINGS) == f"{SETTINGS.contributions_topic}-3"


def test_a_fault_of_the_source_is_its_own() -> None:
    gate = Gate(SETTINGS.enriched_topic, 3, 1, "m", NEWEST_LEVEL)
    assert fault_partition(gate, SETTINGS) == gate.name


# --- records that are gone ------------------------------------------------------------------------


def gates() -> list[Gate]:
    return [Gate(SETTINGS.enriched_topic, number, 1, "m", NEWEST_LEVEL) for number in (0, 1)]


def test_out_of_range_counts_once_the_group_has_confirmed_the_partition() -> None:
    seen = OutOfRange()
    gate = gates()[0]
    seen.note(gate)
    assert seen.confirmed(0.0) == []
    assert seen.confirmed(float("inf")) == [gate]
    assert seen.confirmed(float("inf")) == []


def test_out_of_range_of_a_gate_that_died_is_forgotten() -> None:
    seen = OutOfRange()
    gate = gates()[0]
    seen.note(gate)
    gate.alive = False
    assert seen.confirmed(float("inf")) == []
    gate.alive = True
    assert seen.confirmed(float("inf")) == []

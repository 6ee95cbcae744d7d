"""What the stages read of a record, aiokafka's records have under the same names."""

from aiokafka.structs import ConsumerRecord

from processor.kafka.record import FetchedRecord, Record

NAMES = [name for name in vars(Record) if isinstance(vars(Record)[name], property)]


def test_a_record_of_aiokafka_is_one() -> None:
    made = ConsumerRecord("t", 1, 2, 3, 0, b"k", b"v", None, 1, 1, [("h", b"1")])
    assert [getattr(made, name) for name in NAMES] == ["t", 1, 2, 3, 0, b"k", b"v", [("h", b"1")]]


def test_a_record_of_the_reader_is_one() -> None:
    made = FetchedRecord("t", 1, 2, 3, 0, b"k", b"v", [("h", b"1")])
    assert [getattr(made, name) for name in NAMES] == ["t", 1, 2, 3, 0, b"k", b"v", [("h", b"1")]]

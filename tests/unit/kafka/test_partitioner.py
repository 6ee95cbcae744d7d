from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from processor.kafka.partitioner import Partitioner, murmur2


@given(st.binary(max_size=80))
def test_murmur2_is_that_of_kafka_clients(data: bytes) -> None:
    assert murmur2(data) == reference(data) & 0xFFFFFFFF


def test_known_values() -> None:
    """From org.apache.kafka.common.utils.UtilsTest."""
    assert murmur2(b"21") == -973932308 & 0xFFFFFFFF
    assert murmur2(b"foobar") == -790332482 & 0xFFFFFFFF
    assert murmur2(b"a-little-bit-long-string") == -985981536 & 0xFFFFFFFF


@given(st.text(max_size=40), st.text(max_size=40), st.integers(1, 64))
def test_a_profile_has_one_partition(key: str, identifier: str, partitions: int) -> None:
    first = Partitioner(partitions).partition(key, identifier)
    again = Partitioner(partitions)
    assert first == again.partition(key, identifier) == again.partition(key, identifier)
    assert 0 <= first < partitions

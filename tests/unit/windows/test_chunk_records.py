import pytest

from processor.limits import CHUNKS_LOADED_MAX
from processor.windows import Chunk, ChunkRecords


def chunk(number):
    return Chunk([number], [number])


def test_a_stored_chunk_is_fetched_once():
    fetched = []

    def fetch(suffix):
        fetched.append(suffix)
        return chunk(1)

    records = ChunkRecords(fetch)
    assert records.get(b"a") is records.get(b"a")
    assert fetched == [b"a"]


def test_changes_are_given_out_once_with_deletions_as_none():
    records = ChunkRecords(chunk)
    kept = chunk(1)
    records.put(b"a", kept)
    records.put(b"b", chunk(2))
    records.delete(b"b")
    assert records.take_changes() == [(b"a", kept), (b"b", None)]
    assert records.take_changes() == []


def test_few_chunks_stay_loaded_after_the_changes_are_given_out():
    fetched = []
    records = ChunkRecords(lambda suffix: fetched.append(suffix) or chunk(0))
    suffixes = [bytes([number]) for number in range(CHUNKS_LOADED_MAX + 3)]
    for suffix in suffixes:
        records.put(suffix, chunk(1))
    records.take_changes()
    for suffix in suffixes:
        records.get(suffix)
    assert fetched == suffixes[:3]


def test_without_a_reader_every_chunk_stays():
    records = ChunkRecords()
    for number in range(10):
        records.put(bytes([number]), chunk(number))
    records.take_changes()
    assert [records.get(bytes([number])).times for number in range(10)] == [[n] for n in range(10)]
    with pytest.raises(AssertionError):
        records.get(b"unknown")

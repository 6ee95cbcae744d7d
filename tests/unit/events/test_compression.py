"""Compressed bytes, and how little it takes to refuse what would be too many."""

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.events.compression import BrokenError, compression_of, decompress


def zstd(content: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(content))


COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd}
BOTH = pytest.mark.parametrize("name", COMPRESS)


def bomb(name: str) -> bytes:
    """A gigabyte of zeros."""
    if name == "zstd":
        return zstd(bytes(2**30))
    stream = zlib.compressobj(9, wbits=31)
    return b"".join(stream.compress(bytes(2**26)) for _ in range(16)) + stream.flush()


@BOTH
@given(content=st.binary(max_size=5_000))
def test_what_was_compressed_comes_back(name: str, content: bytes) -> None:
    data = COMPRESS[name](content)
    assert compression_of(data) == name
    assert decompress(name, data, len(content) + 1) == (content, True)
    assert decompress(name, data, 5_001) == (content, True)


@BOTH
def test_several_frames_follow_each_other(name: str) -> None:
    data = COMPRESS[name](b"one ") + COMPRESS[name](b"") + COMPRESS[name](b"two")
    assert decompress(name, data, 100) == (b"one two", True)


@BOTH
@pytest.mark.parametrize("pieces", [1, 3])
def test_more_than_the_bound_is_not_made(name: str, pieces: int) -> None:
    content = bytes(range(250)) * 4
    data = b"".join(COMPRESS[name](content[at::pieces]) for at in range(pieces))
    whole = b"".join(content[at::pieces] for at in range(pieces))
    assert decompress(name, data, len(content)) == (whole, True)
    for bound in (1, 333, 334, 335, len(content) - 1):
        assert decompress(name, data, bound) == (whole[:bound], False)


@pytest.mark.parametrize("content", [b"", b"some text"])
def test_what_is_left_behind_a_member_is_not_copied_for_each(
    monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    members = 20_000
    data = gzip.compress(content, mtime=0) * members
    given = []

    class Counted:
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def decompress(self, piece: Any, size_max: int) -> Any:
            given.append(len(piece))
            return self.stream.decompress(piece, size_max)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

    make = zlib.decompressobj
    with monkeypatch.context() as patch:
        patch.setattr(zlib, "decompressobj", lambda window: Counted(make(window)))
        assert decompress("gzip", data, len(data)) == (content * members, True)
    assert len(given) == members
    assert sum(given) < members * 5_000  # of 400,000 bytes and more


@BOTH
def test_a_gigabyte_of_zeros_costs_next_to_nothing(name: str) -> None:
    data = bomb(name)
    tracemalloc.start()
    started = time.process_time()
    found = decompress(name, data, 1_000_000)
    spent, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == (bytes(1_000_000), False)
    assert spent < 0.5
    assert peak < 5_000_000


@BOTH
def test_what_is_cut_off_or_damaged_is_refused(name: str) -> None:
    data = COMPRESS[name](bytes(range(256)) * 20)
    for cut in (2, 4, 9, len(data) // 2, len(data) - 1):
        with pytest.raises(BrokenError, match=r"."):
            decompress(name, data[:cut], 100_000)
    with pytest.raises(BrokenError, match=r"."):
        decompress(name, data + b"and more", 100_000)


@BOTH
@given(junk=st.binary(min_size=0, max_size=60))
def test_junk_behind_the_first_bytes_is_refused_or_read_within_the_bound(
    name: str, junk: bytes
) -> None:
    data = COMPRESS[name](b"")[:4] + junk
    try:
        found = decompress(name, data, 50)
    except BrokenError:
        return
    assert len(found.data) <= 50


@pytest.mark.parametrize("data", [b"", b"\x1f", b"\x28\xb5\x2f", b"shop\tweb", b"(shop)"])
def test_other_bytes_are_not_compressed(data: bytes) -> None:
    assert compression_of(data) is None

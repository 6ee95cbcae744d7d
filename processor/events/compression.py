"""Decompresses gzip and zstd up to a bound and no further.

A few bytes can decompress to gigabytes. Nothing beyond the bound is produced: gzip is read piece by
piece, and zstd writes into a buffer of the size of the bound.
"""

import zlib
from typing import Final, NamedTuple

import cramjam

# The first bytes of each format. Neither is valid UTF-8.
_MAGICS: Final = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
# Makes zlib read the gzip header.
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
# The first piece read of a member; each further piece is twice as large. The rest of a piece after
# the end of the member is copied, and a thread has to wait for its turn for each piece.
_PIECE_BYTES: Final = 4_096
# Cramjam's message for a full buffer.
_FULL: Final = "whole buffer"


class BrokenError(ValueError):
    """The bytes cannot be decompressed; the message states why."""


class Decompressed(NamedTuple):
    """The bytes, at most as many as the bound; `complete` if there are no more."""

    data: bytes
    complete: bool


def compression_of(data: bytes) -> str | None:
    """Return `gzip` or `zstd` according to the first bytes; None for anything else."""
    return next((name for name, magic in _MAGICS.items() if data.startswith(magic)), None)


def decompress(compression: str, data: bytes, bytes_max: int) -> Decompressed:
    """Return the decompressed content of one frame or of several consecutive ones.

    Raises:
        BrokenError: it is damaged, cut off, or followed by something else.
    """
    read = _gunzip if compression == "gzip" else _unzstd
    return read(data, bytes_max)


def _gunzip(data: bytes, bytes_max: int) -> Decompressed:
    view = memoryview(data)
    chunks: list[bytes] = []
    left = bytes_max
    start = 0
    while start < len(data):
        stream = zlib.decompressobj(_GZIP_WINDOW)
        size = _PIECE_BYTES
        while not stream.eof:
            piece = view[start : start + size]
            size *= 2
            if not piece:
                message = "it is cut off"
                raise BrokenError(message)
            try:
                # One byte beyond the bound shows whether there is more.
                chunks.append(stream.decompress(piece, left + 1))
            except zlib.error as error:
                raise BrokenError(str(error)) from error
            left -= len(chunks[-1])
            if left < 0:
                return Decompressed(b"".join(chunks)[:bytes_max], complete=False)
            start += len(piece) - len(stream.unused_data)
    return Decompressed(b"".join(chunks), complete=True)


def _unzstd(data: bytes, bytes_max: int) -> Decompressed:
    buffer = bytearray(bytes_max)
    try:
        size = cramjam.zstd.decompress_into(data, buffer)
    except cramjam.DecompressionError as error:
        if _FULL in str(error):
            return Decompressed(bytes(buffer), complete=False)
        raise BrokenError(str(error)) from error
    return Decompressed(bytes(memoryview(buffer)[:size]), complete=True)

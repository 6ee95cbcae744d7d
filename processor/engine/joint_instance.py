"""What a target remembers of a joint rule, for one combination of the ids that the rule reads."""

from collections.abc import Sequence
from typing import Any

import msgspec

from processor.aggregates import Result

# Results. Any: only there does msgspec take the extension in which large integers travel.
StoredValues = list[Any]

# A number that msgpack does not hold, as its signed big-endian bytes.
_LARGE_INTEGER = 1
_BITS_PER_BYTE = 8
_INTEGER_MIN = -(2**63)
_INTEGER_MAX = 2**64 - 1


class Heard(msgspec.Struct, array_like=True):
    """The last part of one attribute key, as far as it is needed again.

    `before` is that of the first part while other keys have not been heard yet.
    """

    event_id: str
    before: StoredValues
    after: StoredValues
    told: StoredValues


class JointInstance(msgspec.Struct, array_like=True):
    """A joint rule at a target for `ids`, those that events have for the keys that it reads.

    `heard` are the last parts by key, each as bytes: a head is read far more often than a part of
    this instance comes. `fired_event` is the id of the event that made it fire last; `time_ms` the
    event time of the last part.
    """

    ids: dict[str, str]
    heard: dict[str, bytes]
    fired_event: str
    time_ms: int

    @property
    def size(self) -> int:
        """Bytes that were heard."""
        return sum(map(len, self.heard.values()))


def storable(values: Sequence[Result]) -> list[object]:
    """Return values with the integers that msgpack does not hold in another form."""
    return [_large(value) if type(value) is int else value for value in values]


def _large(value: int) -> object:
    if _INTEGER_MIN <= value <= _INTEGER_MAX:
        return value
    size = value.bit_length() // _BITS_PER_BYTE + 1
    return msgspec.msgpack.Ext(_LARGE_INTEGER, value.to_bytes(size, signed=True))


def stored_integer(code: int, data: memoryview) -> int:
    """Return the integer of a msgpack extension, which is what `storable` made of it."""
    if code != _LARGE_INTEGER:
        message = f"msgpack extension {code} is not known"
        raise ValueError(message)
    return int.from_bytes(data, signed=True)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Heard, ext_hook=stored_integer)


def encode_heard(heard: Heard) -> bytes:
    """Return the bytes that an instance keeps."""
    try:
        return _encoder.encode(heard)
    except OverflowError:  # a sum of integers can be larger than 64 bits
        lists = (heard.before, heard.after, heard.told)
        return _encoder.encode([heard.event_id, *map(storable, lists)])


def decode_heard(data: bytes) -> Heard:
    """Return what `encode_heard` was given."""
    return _decoder.decode(data)

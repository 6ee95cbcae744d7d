"""Step 3: what a target remembers of a joint rule, for one combination of the ids it reads."""

from collections.abc import Sequence
from typing import Any

import msgspec

from processor.aggregates import Result

# Results. Any: only for Any does msgspec accept the extension that encodes large integers.
StoredValues = list[Any]

# A number that does not fit in msgpack, as its signed big-endian bytes.
_LARGE_INTEGER = 1
_BITS_PER_BYTE = 8
_INTEGER_MIN = -(2**63)
_INTEGER_MAX = 2**64 - 1


class Heard(msgspec.Struct, array_like=True):
    """What is needed again of the last part of one attribute key.

    While other keys have not yet sent a part, `before` is that of the first part. `waited` states
    that `before` is therefore not from the last part. Versions without `waited` did not write it.
    """

    event_id: str
    before: StoredValues
    after: StoredValues
    told: StoredValues
    waited: bool = False


class JointInstance(msgspec.Struct, array_like=True):
    """A joint rule at a target for `ids`, the ids of events for the keys that the rule reads.

    `heard` are the last parts by key, each as bytes: a head is read far more often than a part of
    this instance arrives. `fired_event` is the id of the event that last made it fire. `time_ms` is
    the event time of the last part. `arrival_ms` is when the event of the last part arrived,
    negative if that is not known.
    """

    ids: dict[str, str]
    heard: dict[str, bytes]
    fired_event: str
    time_ms: int
    arrival_ms: int = -1

    @property
    def size(self) -> int:
        """Bytes of the last parts."""
        return sum(map(len, self.heard.values()))


def storable(values: Sequence[Result]) -> list[object]:
    """Return values, with integers that do not fit in msgpack in another form."""
    return [_large(value) if type(value) is int else value for value in values]


def _large(value: int) -> object:
    if _INTEGER_MIN <= value <= _INTEGER_MAX:
        return value
    size = value.bit_length() // _BITS_PER_BYTE + 1
    return msgspec.msgpack.Ext(_LARGE_INTEGER, value.to_bytes(size, signed=True))


def stored_integer(code: int, data: memoryview) -> int:
    """Return the integer of a msgpack extension made by `storable`."""
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
        return _encoder.encode([heard.event_id, *map(storable, lists), heard.waited])


def decode_heard(data: bytes) -> Heard:
    """Return what was passed to `encode_heard`."""
    return _decoder.decode(data)

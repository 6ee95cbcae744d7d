"""Which partition a profile belongs to: murmur2, as Kafka's own clients compute it.

Source of the algorithm: org.apache.kafka.common.utils.Utils.murmur2 (Austin Appleby's MurmurHash2
with a fixed seed), and BuiltInPartitioner: the positive part modulo the number of partitions.
"""

import struct

from processor.limits import PARTITION_CACHE_MAX

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF


def murmur2(data: bytes) -> int:
    """Return the unsigned 32-bit murmur2 of `data`."""
    length = len(data)
    h = _SEED ^ length
    words = length >> 2
    for k in struct.unpack_from(f"<{words}I", data):
        k = (k * _M) & _MASK
        k ^= k >> 24
        h = ((h * _M) & _MASK) ^ ((k * _M) & _MASK)
    tail = data[words << 2 :]
    if tail:
        h ^= int.from_bytes(tail, "little")
        h = (h * _M) & _MASK
    h ^= h >> 13
    h = (h * _M) & _MASK
    return h ^ (h >> 15)


def profile_key(key: str, identifier: str) -> bytes:
    """Return the bytes by which a profile is partitioned: `KEY`, a NUL and the id, in UTF-8."""
    return f"{key}\0{identifier}".encode()


class Partitioner:
    """Partition of each profile among `partitions`, with a bounded cache of results."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self._known: dict[tuple[str, str], int] = {}

    def partition(self, key: str, identifier: str) -> int:
        """Return the partition of the profile of `identifier` for the attribute key `key`."""
        pair = (key, identifier)
        known = self._known.get(pair)
        if known is not None:
            return known
        if len(self._known) >= PARTITION_CACHE_MAX:
            self._known.clear()
        partition = (murmur2(profile_key(key, identifier)) & _POSITIVE) % self.partitions
        self._known[pair] = partition
        return partition

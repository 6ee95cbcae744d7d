"""How far a local store follows its changelog: one record, kept in the store only."""

import msgspec

from processor.errors import DamagedStoreError, StateFormatError
from processor.formats import FIRST_LEVEL, Kind, RecordReader
from processor.state.store import Store

_RESTORED_KEY = b"\x00restored"
_SET_ASIDE = "the store is set aside, and the state is restored from the changelog"


class Restored(msgspec.Struct, array_like=True):
    """How far the local store follows the changelog.

    `next_offset` is the first changelog offset that is not in the store. `wall_ms` is when the
    changelog was last known to end there.
    """

    topic_id: str
    next_offset: int
    wall_ms: int


_restored_reader = RecordReader({Kind.RESTORE_MARK: msgspec.msgpack.Decoder(Restored).decode})


def restored_record(restored: Restored) -> tuple[bytes, bytes]:
    """Return the local record that holds how far a store follows the changelog."""
    return _RESTORED_KEY, Kind.RESTORE_MARK.seal(msgspec.msgpack.encode(restored), FIRST_LEVEL)


def stored_restored(store: Store) -> Restored | None:
    """Return how far a store follows the changelog; None for a new store.

    Raises:
        DamagedStoreError: the mark is damaged. No record of the changelog can mend it.
    """
    data = store.get(_RESTORED_KEY)
    try:
        return None if data is None else _restored_reader.read(data)
    except StateFormatError as error:
        raise DamagedStoreError(error.message, private=error.private, hint=_SET_ASIDE) from error

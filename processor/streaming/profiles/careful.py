"""What happens after our code raises while it applies one contribution or part to one profile.

The first exception leaves a profile half changed. So the partition drops all that it has in memory
and is taken over from what is committed. Then it is careful for a while: before each contribution,
the profile is encoded to bytes. A contribution that fails is undone by decoding these bytes, and is
tried once more on the decoded profile. If it fails again, it is refused, and nothing of it stays.
"""

from collections.abc import Callable

import structlog

from processor.errors import ProcessorError
from processor.limits import CAREFUL_MAX
from processor.streaming.profiles.ownership import Ownership

log = structlog.get_logger(__name__)

_ATTEMPTS = 2


class HalfAppliedError(Exception):
    """Our code raised and left a profile half changed; the cause is what it raised."""

    def __init__(self, partition: int, offset: int, event_id: str) -> None:
        super().__init__(f"event {event_id!r}, partition {partition}, offset {offset}")


def apply_to_profile(
    own: Ownership, prefix: bytes, apply: Callable[[], None], place: tuple[int, int, str]
) -> Exception | None:
    """Apply something to one profile, under `work`; `place` is its partition, offset and event.

    Returns:
        An exception if it must be refused, after which everything is unchanged.

    Raises:
        ProcessorError, MemoryError: an error not caused by what is applied.
        HalfAppliedError: what is in memory of the partition must be dropped.
    """
    if own.careful:
        return apply_carefully(own, prefix, apply)
    try:
        apply()
    except (ProcessorError, MemoryError):
        own.torn = True
        raise
    except Exception as error:
        own.torn = True
        raise HalfAppliedError(*place) from error
    return None


def apply_carefully(own: Ownership, prefix: bytes, apply: Callable[[], None]) -> Exception | None:
    """Apply something to one profile, under `work`, or leave everything unchanged.

    Returns:
        The exception of the second attempt, if it could not be applied.

    Raises:
        ProcessorError, MemoryError: an error not caused by what is applied.
    """
    own.careful -= 1
    own.table.encode(prefix, own.format_level)
    failure: Exception | None = None
    for _ in range(_ATTEMPTS):
        try:
            apply()
        except (ProcessorError, MemoryError):
            own.torn = True
            raise
        except Exception as error:
            own.table.undo(prefix)
            failure = error
        else:
            return None
    own.careful = CAREFUL_MAX
    log.error("contribution_refused", partition=own.gates.name, error=repr(failure))
    return failure

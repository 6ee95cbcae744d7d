"""Native code of the first stage, if this installation has it (processor/native).

It is optional. Without it, with native code of another version, and at older format levels, the
stage works the same way in Python, only more slowly. processor/decisions/native.md explains what
native code leaves to Python.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol

import structlog

from processor.engine import Plan
from processor.metrics import EVENTS_BY_CODE

try:
    import processor_native as _native
except ImportError:
    _native = None

log = structlog.get_logger(__name__)

# What `Table` takes and returns, and how it encodes contributions; its source has the same number.
_FORMAT: Final = 1
# It encodes contributions of this format level.
_LEVEL: Final = 2

# Contributions to one target: the target, their number, their bytes.
Encoded = tuple[int, int, bytes]
# What records contribute, and the start and end of the range of records after them that are left to
# Python.
Stretch = tuple[Sequence[Encoded], int, int]


class NativeTable(Protocol):
    """The definitions of a plan in native code."""

    def collect(
        self,
        values: Sequence[bytes | None],
        offsets: Sequence[int],
        arrivals_ms: Sequence[int],
        partitions: int,
    ) -> tuple[int, int, int, Sequence[Stretch]]:
        """Return what records contribute to profiles in `partitions` partitions.

        The three numbers count, of the records that are not left to Python: those that contribute,
        those in the future, those ahead. The ranges of the stretches are in order.
        """
        ...


# The class of native code, None if there is none that fits: untyped, since it may be absent.
_Table: Any = getattr(_native, "Table", None) if getattr(_native, "FORMAT", 0) == _FORMAT else None


def code_in_use() -> Literal["native", "python"]:
    """Return what computes contributions in this process."""
    return "python" if _Table is None else "native"


def tell_code_in_use() -> None:
    """Log what computes contributions, and start to count its events."""
    if _native is not None and _Table is None:
        log.warning("native_code_of_another_version", hint="build and install it again: make")
    log.info("source_stage", code=code_in_use())
    EVENTS_BY_CODE.labels(code_in_use())


class NativeCode:
    """The table of the current plan."""

    def __init__(self) -> None:
        self._plan: Plan | None = None
        self._table: NativeTable | None = None

    def table(self, plan: Plan, level: int) -> NativeTable | None:
        """Return the table of a plan; None if Python must compute contributions at this level."""
        if _Table is None or level != _LEVEL:
            return None
        if plan is not self._plan:
            self._plan, self._table = plan, _Table(*plan.stage_table())
        return self._table

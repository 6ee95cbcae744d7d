"""What the HTTP API needs of the worker that it runs in."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from processor.engine.coverage import Coverage
from processor.engine.plan import Plan
from processor.engine.profile import Profile


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this worker serves, and why not; `restored` is a share of 1 while it restores."""

    ready: bool
    reason: str
    restored: float


class Backend(Protocol):
    """The worker, as the API sees it. Called in the event loop's thread; nothing blocks."""

    @property
    def plan(self) -> Plan:
        """The definitions in force."""
        ...

    def owner_url(self, key: str, identifier: str) -> str | None:
        """Return the URL of the worker that owns a profile; None when it is this one.

        Raises:
            NotReadyError: no worker is known to own it now.
        """
        ...

    def committed_profile(
        self, key: str, identifier: str
    ) -> AbstractContextManager[Profile | None]:
        """Give a profile that this worker owns, as the last transaction left it, to read at once.

        Raises:
            NotReadyError: the partition is moving, or this worker may have lost it.
        """
        ...

    def coverage(self, key: str, identifier: str) -> Coverage:
        """Return since when what is kept with that profile is complete.

        Raises:
            NotReadyError: as for `committed_profile`.
        """
        ...

    def readiness(self) -> Readiness:
        """Return whether this worker serves."""
        ...

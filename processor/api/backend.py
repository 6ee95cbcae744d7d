"""What the HTTP API needs of the worker that it runs in."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from definitions.catalog import Catalog
from definitions.life_cycle import LifeCycleStep
from processor.api.subscriptions import Subscriptions
from processor.engine.coverage import Coverage
from processor.engine.plan import Plan
from processor.engine.profile import Profile
from processor.interventions import Pushed


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this worker serves, and why not; `restored` is a share of 1 while it restores."""

    ready: bool
    reason: str
    restored: float


class Written(Protocol):
    """What a change of definitions did, by record keys."""

    @property
    def changed(self) -> tuple[str, ...]:
        """What was written."""
        ...

    @property
    def stopped(self) -> tuple[str, ...]:
        """What else is not in force any more because of it."""
        ...

    @property
    def offset(self) -> int:
        """A worker that has read the definitions up to here uses the change."""
        ...

    @property
    def catalog(self) -> Catalog:
        """The definitions after the change."""
        ...


class Registry(Protocol):
    """The definitions, as they are now for every worker.

    Raises (all methods):
        NotReadyError, BrokerError: it is not to be had in time.
    """

    async def catalog(self) -> Catalog:
        """Return the definitions with everything that was committed before the call."""
        ...

    async def reach(self, offset: int) -> None:
        """Wait until this worker uses the definitions up to `offset`."""
        ...

    async def change(self, step: Callable[[Catalog, Collection[str]], LifeCycleStep]) -> Written:
        """Take a step from the catalog and the stored record keys as they are under the lock.

        Raises:
            InvalidDefinitionsError: the step refuses it; nothing was written.
            ConflictError: others came first all the time; nothing was written.
        """
        ...


class PastEvent(Protocol):
    """A record of the source."""

    @property
    def partition(self) -> int:
        """Where it stands."""
        ...

    @property
    def offset(self) -> int:
        """Where it stands there."""
        ...

    @property
    def value(self) -> bytes | None:
        """The event."""
        ...


class PastEvents(Protocol):
    """Events that the source has already, once, in the order of their timestamps."""

    total: int  # how many there can be

    def __iter__(self) -> Iterator[PastEvent]:
        """Yield the events; raises BrokerError when they cannot be read."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Backend(Protocol):
    """The worker, as the API sees it. Called in the event loop's thread.

    Nothing blocks but `past_events`, which is called in a thread of its own.
    """

    @property
    def plan(self) -> Plan:
        """The definitions in force."""
        ...

    @property
    def registry(self) -> Registry:
        """The definitions themselves."""
        ...

    @property
    def subscriptions(self) -> Subscriptions:
        """Who follows interventions on this worker."""
        ...

    async def write_interventions(self, messages: Sequence[tuple[Pushed, bytes]]) -> None:
        """Write direct interventions, with their JSON, to the topic.

        Raises:
            BrokerError: not all of them are there in time.
        """
        ...

    def past_events(self, start_ms: int) -> PastEvents:
        """Return the events of the source from a record timestamp to its end as it is now.

        Blocks, as its result does. Disturbs nothing.

        Raises:
            BrokerError, TopicError: they are not to be had.
        """
        ...

    def other_urls(self) -> Collection[str]:
        """Return the URLs of the other workers of the group."""
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

"""What the HTTP API needs from its worker."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from definitions.catalog import Catalog
from definitions.life_cycle import LifeCycleStep
from processor.api.subscriptions.subscriptions import Subscriptions
from processor.engine import Coverage, Plan, Profile
from processor.interventions import Pushed


@dataclass(frozen=True, slots=True)
class Degraded:
    """A partition, TOPIC-NUMBER, that a fault has closed, with the reason and the remedy."""

    partition: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this worker serves, and if not, why; `restored` is a fraction while it restores.

    It serves as long as one of its partitions does; `degraded` lists the closed ones. `code` is
    what computes contributions. `definitions_offset` is the offset of the definitions in use.
    """

    ready: bool
    reason: str
    restored: float
    degraded: tuple[Degraded, ...] = ()
    code: Literal["native", "python"] = "python"
    definitions_offset: int = -1


class Process(Protocol):
    """One process of a worker, as its own API sees it. Called in the event loop's thread."""

    @property
    def stage(self) -> str:
        """The stage that it runs: source or profiles."""
        ...

    def readiness(self) -> Readiness:
        """Return whether it does its work; of both stages if the other process is beside it."""
        ...

    def stages(self) -> Mapping[str, Readiness]:
        """Return the same of each process by stage: this one, and the one beside it."""
        ...

    async def metrics_beside(self) -> bytes:
        """Return the metrics of the process beside this one; empty if there is none."""
        ...


class Reach(Protocol):
    """What waits for definitions."""

    async def reach(self, offset: int) -> int:
        """Wait until this process uses the definitions up to `offset`; return what it uses.

        Raises:
            NotReadyError: it does not in time.
        """
        ...


class Written(Protocol):
    """What a change of definitions did, by record keys."""

    @property
    def changed(self) -> tuple[str, ...]:
        """The record keys that were written."""
        ...

    @property
    def stopped(self) -> tuple[str, ...]:
        """Other objects that are no longer in force as a result."""
        ...

    @property
    def offset(self) -> int:
        """A worker that has read the definitions up to this offset uses the change."""
        ...

    @property
    def catalog(self) -> Catalog:
        """The definitions after the change."""
        ...


class Registry(Protocol):
    """The current definitions, the same for every worker.

    Raises (all methods):
        NotReadyError, BrokerError: there is no result in time.
    """

    async def catalog(self) -> Catalog:
        """Return the definitions with everything that was committed before the call."""
        ...

    async def change(self, step: Callable[[Catalog, Collection[str]], LifeCycleStep]) -> Written:
        """Apply a step to the catalog and the stored record keys, under the lock.

        Raises:
            InvalidDefinitionsError: the step refuses it; nothing was written.
            ConflictError: other writers were first each time; nothing was written.
        """
        ...


class PastEvent(Protocol):
    """A record of the source."""

    @property
    def partition(self) -> int:
        """Its partition."""
        ...

    @property
    def offset(self) -> int:
        """Its offset in the partition."""
        ...

    @property
    def value(self) -> bytes | None:
        """The bytes of the event."""
        ...

    @property
    def arrival_ms(self) -> int:
        """Its arrival time."""
        ...


class PastEvents(Protocol):
    """Existing events of the source, each once, in the order of their timestamps."""

    total: int  # the maximum number

    def __iter__(self) -> Iterator[PastEvent]:
        """Yield the events; raises BrokerError if they cannot be read."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Backend(Process, Reach, Protocol):
    """The worker, as the API sees it. Called in the event loop's thread.

    Only `past_events` blocks; it is called in a separate thread.
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
        """The subscribers to interventions on this worker."""
        ...

    async def write_interventions(self, messages: Sequence[tuple[Pushed, bytes]]) -> None:
        """Write direct interventions, with their JSON, to the topic.

        Raises:
            BrokerError: not all of them were written in time.
        """
        ...

    def past_events(self, start_ms: int) -> PastEvents:
        """Return the events of the source from a record timestamp to its current end.

        Blocks, and so does its result. Has no effect on the worker.

        Raises:
            BrokerError, TopicError: the events cannot be read.
        """
        ...

    def other_urls(self) -> Collection[str]:
        """Return the URLs of the other processes of the profile stage."""
        ...

    async def users_of_definitions(self) -> Collection[str]:
        """Return the URLs of the processes of all other workers, as far as they can be seen."""
        ...

    async def beside_uses(self, offset: int, timeout_s: float) -> bool:
        """Wait until the source process of this worker uses the definitions up to an offset.

        Returns whether it does in time, or there is none.
        """
        ...

    def owner_url(self, key: str, identifier: str) -> str | None:
        """Return the URL of the worker that owns a profile; None if it is this one.

        Raises:
            NotReadyError: no known worker owns it now.
        """
        ...

    def committed_profile(
        self, key: str, identifier: str
    ) -> AbstractContextManager[Profile | None]:
        """Yield a profile that this worker owns, as of the last transaction, to be read at once.

        Raises:
            NotReadyError: the partition is moving, or this worker may have lost it.
        """
        ...

    def coverage(self, key: str, identifier: str) -> Coverage:
        """Return since when the state of that profile's partition is complete.

        Raises:
            NotReadyError: as for `committed_profile`.
        """
        ...

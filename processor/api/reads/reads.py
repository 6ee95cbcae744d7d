"""Reads profiles from their owner: this worker or another one.

While a partition moves, no worker can answer for it. A read waits up to READ_WAIT_S for the
partition and is then refused; if a fault has closed the partition, it is refused at once. A
forwarded read is answered or refused at once, because its sender does the waiting.
"""

import asyncio
from collections.abc import Iterable, Sequence

from processor.api.backend import Backend
from processor.api.http.forwarding import Asker, Forwarder, Reading, Wanted
from processor.clock import monotonic_s
from processor.engine import CompiledAttribute, read_since, read_values
from processor.errors import ClosedError, NotReadyError
from processor.interventions import iso_time
from processor.request_limits import READ_WAIT_S, SLICE_VALUES_MAX

# Between two checks whether a partition has arrived.
_LOOK_S = 0.05
# The cost of looking up a profile, in values read.
_LOOKUP_VALUES = 20

Readings = dict[str, Reading]


class ProfileReader:
    """Reads attributes of one key for many ids. Used in the event loop's thread."""

    def __init__(self, backend: Backend, forwarder: Forwarder) -> None:
        self._backend = backend
        self._forwarder = forwarder

    async def read(
        self,
        key: str,
        ids: Iterable[str],
        attributes: Sequence[CompiledAttribute],
        asker: Asker,
        now_ms: int,
    ) -> Readings:
        """Return the values at `now_ms`, in the order of `attributes`, by the ids as given.

        Raises:
            NotReadyError: some cannot be read in time, or not until an operator has acted.
            ForwardError: another worker refused.
        """
        wanted = Wanted(key, [attribute.full_name for attribute in attributes], now_ms)
        deadline = monotonic_s() + (0.0 if asker.forwarded else READ_WAIT_S)
        found: Readings = {}
        identities = self._backend.plan.identities
        kept = {id_: identities.kept(key, id_) for id_ in ids}
        missing = list(dict.fromkeys(kept.values()))
        while True:
            by_owner, failure = self._by_owner(key, missing)
            mine = by_owner.pop(None, [])
            failure = await self._read_here(wanted, mine, attributes, found) or failure
            if asker.forwarded and by_owner:
                message = f"another worker owns {key} {next(iter(by_owner.values()))[0]!r}"
                failure = NotReadyError(message, hint="try again in a moment")
            elif by_owner:
                left_s = max(_LOOK_S, deadline - monotonic_s())
                failure = await self._fetch(wanted, by_owner, left_s, found) or failure
            missing = [id_ for id_ in missing if id_ not in found]
            if not missing:
                return {id_: found[one] for id_, one in kept.items()}
            assert failure is not None, "what is not found failed"
            if monotonic_s() >= deadline or isinstance(failure, ClosedError):
                raise failure
            await asyncio.sleep(_LOOK_S)

    def _by_owner(
        self, key: str, ids: Iterable[str]
    ) -> tuple[dict[str | None, list[str]], NotReadyError | None]:
        by_owner: dict[str | None, list[str]] = {}
        failure = None
        for id_ in ids:
            try:
                by_owner.setdefault(self._backend.owner_url(key, id_), []).append(id_)
            except NotReadyError as error:
                failure = error
        return by_owner, failure

    async def _read_here(
        self,
        wanted: Wanted,
        ids: Iterable[str],
        attributes: Sequence[CompiledAttribute],
        found: Readings,
    ) -> NotReadyError | None:
        failure = None
        work = 0
        identities = self._backend.plan.identities
        for id_ in ids:
            nobody = identities.is_nobody(wanted.key, id_)
            try:
                coverage = self._backend.coverage(wanted.key, id_)
                with self._backend.committed_profile(wanted.key, id_) as profile:
                    values = read_values(None if nobody else profile, attributes, wanted.now_ms)
            except NotReadyError as error:
                failure = error
            else:
                since = read_since(coverage, attributes, wanted.now_ms)
                found[id_] = Reading(values, {name: iso_time(at) for name, at in since.items()})
            work += _LOOKUP_VALUES + len(attributes)
            if work >= SLICE_VALUES_MAX:
                work = 0
                await asyncio.sleep(0)
        return failure

    async def _fetch(
        self,
        wanted: Wanted,
        by_owner: dict[str | None, list[str]],
        timeout_s: float,
        found: Readings,
    ) -> NotReadyError | None:
        failures: list[NotReadyError] = []

        async def fetch(url: str, ids: list[str]) -> None:
            try:
                found.update(await self._forwarder.fetch(url, wanted, ids, timeout_s=timeout_s))
            except NotReadyError as error:
                failures.append(error)

        await asyncio.gather(*(fetch(url, ids) for url, ids in by_owner.items() if url))
        return failures[0] if failures else None

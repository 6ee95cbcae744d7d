"""Profiles read where they are: in this worker or in the one that owns them.

While a partition moves nobody can answer for it; a read waits for that up to READ_WAIT_S and is
then refused. A forwarded read is answered at once, one way or the other: its sender waits.
"""

import asyncio
from collections.abc import Iterable, Sequence

from processor.api.backend import Backend
from processor.api.forwarding import Asker, Forwarder, Reading, Wanted
from processor.clock import monotonic_s
from processor.engine import CompiledAttribute, read_since, read_values
from processor.errors import NotReadyError
from processor.interventions.message import iso_time
from processor.limits import READ_WAIT_S, SLICE_VALUES_MAX

# Between two looks whether a partition has arrived.
_LOOK_S = 0.05
# What looking a profile up costs, in values read.
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
        """Return by id what was read at `now_ms`, in the order of `attributes`.

        Raises:
            NotReadyError: some are not to be had in time.
            ForwardError: another worker refused.
        """
        wanted = Wanted(key, [attribute.full_name for attribute in attributes], now_ms)
        deadline = monotonic_s() + (0.0 if asker.forwarded else READ_WAIT_S)
        found: Readings = {}
        missing = list(dict.fromkeys(ids))
        while True:
            by_owner, failure = self._by_owner(key, missing)
            mine = by_owner.pop(None, [])
            failure = await self._read_here(wanted, mine, attributes, found) or failure
            if asker.forwarded and by_owner:
                message = f"another worker owns {key} {next(iter(by_owner.values()))[0]!r}"
                failure = NotReadyError(message, hint="try again in a moment")
            elif by_owner:
                left_s = max(_LOOK_S, deadline - monotonic_s())
                failure = await self._fetch(wanted, by_owner, asker, left_s, found) or failure
            missing = [id_ for id_ in missing if id_ not in found]
            if not missing:
                return found
            assert failure is not None, "what is not found failed"
            if monotonic_s() >= deadline:
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
        for id_ in ids:
            try:
                coverage = self._backend.coverage(wanted.key, id_)
                with self._backend.committed_profile(wanted.key, id_) as profile:
                    values = read_values(profile, attributes, wanted.now_ms)
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
        asker: Asker,
        timeout_s: float,
        found: Readings,
    ) -> NotReadyError | None:
        failures: list[NotReadyError] = []

        async def fetch(url: str, ids: list[str]) -> None:
            try:
                found.update(
                    await self._forwarder.fetch(
                        url,
                        wanted,
                        ids,
                        authorization=asker.authorization,
                        timeout_s=timeout_s,
                    )
                )
            except NotReadyError as error:
                failures.append(error)

        await asyncio.gather(*(fetch(url, ids) for url, ids in by_owner.items() if url))
        return failures[0] if failures else None

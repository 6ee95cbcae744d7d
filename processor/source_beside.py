"""The source process of the same worker, as the process of the profile stage sees it.

It answers health and metrics for both: one address shows the whole worker.
"""

import asyncio
from dataclasses import replace

import httpx

from processor.api import Degraded, Readiness
from processor.clock import monotonic_s
from processor.settings import Settings

# Between two looks: often until it is ready for the first time.
_FIRST_LOOK_S, _LOOK_S = 0.1, 1.0
_ANSWER_S = 2.0
_USES_LOOK_S = 0.02
_REMEDY = "the worker starts it again; its log states why it ended"


class SourceBeside:
    """Asks the source process that listens on `address` (HOST:PORT) how it is.

    `url` is where other workers reach it.
    """

    def __init__(self, settings: Settings, address: str) -> None:
        scheme = "https" if settings.tls_cert else "http"
        # It is a process of the same worker: the host in its certificate does not matter.
        self._client = httpx.AsyncClient(
            base_url=f"{scheme}://{_reachable(address)}", verify=False, timeout=_ANSWER_S,  # noqa: S501
            trust_env=False,
        )  # fmt: skip
        self.url = settings.listening_at(address, "").own_url
        self._topic = settings.enriched_topic
        self._was_ready = False
        self.found = Readiness(ready=False, reason="the source process starts", restored=1.0)

    async def follow_forever(self) -> None:
        """Ask again and again."""
        while True:
            self.found = await self._look()
            # A source whose partitions faults have closed is no reason to refuse reads.
            started = self.found.ready or bool(self.found.degraded)
            self._was_ready = self._was_ready or started
            await asyncio.sleep(_LOOK_S if self._was_ready else _FIRST_LOOK_S)

    def joined_with(self, own: Readiness) -> Readiness:
        """Return the readiness of the worker.

        It does not serve before the source process has started: until it is ready, or faults have
        closed partitions of it. After that, profiles can be read whatever becomes of the source.
        """
        found = self.found
        serves = own.ready and self._was_ready
        degraded = (*own.degraded, *found.degraded)
        if self._was_ready and not found.ready:
            degraded += (Degraded(self._topic, found.reason, _REMEDY),)
        reason = own.reason or ("" if serves else found.reason)
        return replace(own, ready=serves, reason=reason, degraded=degraded, code=found.code)

    async def uses(self, offset: int, timeout_s: float) -> bool:
        """Wait until it uses the definitions up to an offset; return whether it does in time."""
        deadline = monotonic_s() + timeout_s
        while (await self._look()).definitions_offset < offset:
            if monotonic_s() >= deadline:
                return False
            await asyncio.sleep(_USES_LOOK_S)
        return True

    async def metrics(self) -> bytes:
        """Return its metrics; empty if it does not answer."""
        try:
            return (await self._get("/metrics")).content
        except httpx.HTTPError:
            return b""

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _get(self, path: str) -> httpx.Response:
        """Return an answer.

        A kept connection may be closed just when the request is sent, so it is sent twice.
        """
        try:
            answer = await self._client.get(path)
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            answer = await self._client.get(path)
        return answer.raise_for_status()

    async def _look(self) -> Readiness:
        try:
            told = (await self._get("/health")).json()
            own = told["stages"]["source"]
            return Readiness(
                ready=own["status"] == "ok",
                reason=own["reason"],
                restored=1.0,
                degraded=tuple(Degraded(**one) for one in own["degraded"]),
                code=told["source_stage"],
                definitions_offset=int(own["definitions_offset"]),
            )
        except (httpx.HTTPError, ValueError, LookupError, TypeError):  # or something else answers
            reason = "the source process does not answer"
            return replace(self.found, ready=False, reason=reason, degraded=())


def _reachable(address: str) -> str:
    """Return where a process that listens on HOST:PORT can be reached from the same machine."""
    host, _, port = address.rpartition(":")
    return f"{_LOOPBACK.get(host, host)}:{port}"


# What stands for all addresses of the machine, and the loopback address that is one of them.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "::": "[::1]"}  # noqa: S104 - nothing listens

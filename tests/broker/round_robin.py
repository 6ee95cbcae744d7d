"""A balancer as it stands in front of workers: each connection goes to the next one."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

_CHUNK_BYTES = 65_536


class RoundRobin:
    """Passes connections on, byte by byte, in a thread of its own.

    `served` counts the connections of each target.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = list(ports)
        self._next = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server: asyncio.Server | None = None
        self.served = [0] * len(self._ports)
        self.port = 0

    def __enter__(self) -> "RoundRobin":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self._next = self._next, (self._next + 1) % len(self._ports)
        self.served[number] += 1
        try:
            upstream, downstream = await asyncio.open_connection("127.0.0.1", self._ports[number])
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, downstream), _pump(upstream, writer))


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while chunk := await source.read(_CHUNK_BYTES):
                target.write(chunk)
                await target.drain()
    finally:
        with suppress(OSError, RuntimeError):
            target.close()

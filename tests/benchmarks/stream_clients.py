"""Clients of server-sent events in processes of their own: many, and cheap.

They note when each event came, by the system's monotonic clock, which all processes share.
"""

import asyncio
import multiprocessing
import re
import resource
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Final, cast
from urllib.parse import urlencode

import uvloop

from processor.api.subscriptions.subscription import Target

PATH: Final = "/api/v1/interventions"
# Connections opened at once: fewer than the worker lets wait.
_AT_ONCE = 100
_ID = re.compile(rb'"id":"([^"]*)"')
_WAIT_S = 120.0

# The id of a target, and when its event came.
Arrival = tuple[str, float]


def allow_files() -> None:
    """Let this process and its children open as many files as the system lets it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Client(asyncio.Protocol):
    """One stream. Data is noted by its target's id; it may come in pieces."""

    def __init__(self, targets: Sequence[Target], arrivals: list[Arrival]) -> None:
        self._targets = targets
        self._arrivals = arrivals
        self._rest = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        query = urlencode(self._targets)
        self._transport.write(f"GET {PATH}?{query} HTTP/1.1\r\nHost: worker\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if not self.opened.done():
            assert data.startswith(b"HTTP/1.1 200"), data
            self.opened.set_result(None)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                self._arrivals.extend((one.decode(), now) for one in _ID.findall(line))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("the worker closed it"))


async def _follow(port: int, streams: Sequence[Sequence[Target]], told: Connection) -> None:
    """Open the streams, say so, and then give on request what came since, as `count` says."""
    loop = asyncio.get_running_loop()
    arrivals: list[Arrival] = []
    clients = []
    for first in range(0, len(streams), _AT_ONCE):
        made = [_Client(targets, arrivals) for targets in streams[first : first + _AT_ONCE]]
        for client in made:
            await loop.create_connection(lambda one=client: one, "127.0.0.1", port)
        await asyncio.wait_for(asyncio.gather(*(client.opened for client in made)), _WAIT_S)
        clients += made
    told.send(len(clients))
    asked = asyncio.Event()
    loop.add_reader(told.fileno(), asked.set)
    while True:
        await asked.wait()
        asked.clear()
        if not told.poll():
            continue
        count: int | None = told.recv()
        if count is None:
            return
        deadline = loop.time() + _WAIT_S
        while len(arrivals) < count and loop.time() < deadline:
            await asyncio.sleep(0.01)
        told.send(arrivals[:])
        arrivals.clear()


def _run(port: int, streams: Sequence[Sequence[Target]], told: Connection) -> None:
    uvloop.run(_follow(port, streams, told))


class StreamClients:
    """Streams spread over some processes, opened when this is made; a context manager ends them."""

    def __init__(self, port: int, streams: Sequence[Sequence[Target]], processes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._shares = [streams[number::processes] for number in range(processes)]
        self._children = []
        for share in self._shares:
            here, there = context.Pipe()
            child = context.Process(target=_run, args=(port, share, there), daemon=True)
            child.start()
            self._children.append((child, here))
        for _, here in self._children:
            here.recv()

    def __enter__(self) -> "StreamClients":
        return self

    def __exit__(self, *_: object) -> None:
        for child, here in self._children:
            here.send(None)
            child.join(10)

    def arrivals(self, each: int) -> list[Arrival]:
        """Return what came, when `each` stream has had so many on average, or two minutes later."""
        for share, (_, here) in zip(self._shares, self._children, strict=True):
            here.send(each * len(share))
        return [arrival for _, here in self._children for arrival in here.recv()]

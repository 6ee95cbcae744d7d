"""A client of server-sent events for tests: reads in a thread, and remembers the last id."""

import json
import queue
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

import httpx

PATH = "/api/v1/interventions"
WAIT_S = 20.0


class Stream:
    """Follows interventions until it is closed; remembers the id of the last event, as browsers do.

    `events` are the data of events with their ids; `lines` is everything that came.
    """

    def __init__(
        self, url: str, targets: Mapping[str, Any], *, last: str = "", token: str = ""
    ) -> None:
        self.last = last
        self.lines: list[str] = []
        self.events: queue.Queue[Any] = queue.Queue()
        self.ended = threading.Event()
        self._client = httpx.Client(timeout=httpx.Timeout(10.0, read=None), trust_env=False)
        headers = {"Last-Event-ID": last} if last else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = self._client.build_request("GET", url + PATH, params=targets, headers=headers)
        self.response = self._client.send(request, stream=True)
        assert self.response.status_code == 200, self.response.read()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + WAIT_S
        while not self.lines:  # the worker counts it among its subscribers
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. The last id is that of what came before."""
        with suppress(OSError):  # the worker may have been first
            connection = self.response.extensions["network_stream"].get_extra_info("socket")
            connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(WAIT_S)
        self.response.close()
        self._client.close()

    def next(self, timeout_s: float = WAIT_S) -> Any:
        """The next event's data."""
        return self.events.get(timeout=timeout_s)

    def take(self, count: int) -> list[Any]:
        return [self.next() for _ in range(count)]

    def nothing_more(self) -> bool:
        """Nothing came until now."""
        return self.events.empty()

    def _read(self) -> None:
        data = ""
        try:
            for line in self.response.iter_lines():
                self.lines.append(line)
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last = value
                elif line.startswith(": id "):  # where nothing came
                    self.last = line.removeprefix(": id ")
                elif name == "data":
                    data = value
                elif not line and data:
                    self.events.put(json.loads(data))
                    data = ""
        except (httpx.HTTPError, httpx.StreamError, OSError):
            pass
        self.ended.set()

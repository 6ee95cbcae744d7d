"""Interventions as they happen: server-sent events, read in a thread.

If the connection ends, the thread reconnects with the id of the last event, and the worker sends
what was published since then.
"""

import logging
import queue
import random
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from types import TracebackType
from typing import Final, Self

import httpx
from pydantic import ValidationError

from definitions.client.connection import Connection
from definitions.client.errors import SignalsError
from definitions.client.event_lines import EventLines
from definitions.client.instances import InterventionInstance

log = logging.getLogger(__name__)

Handler = Callable[[InterventionInstance], object]

# How many interventions wait for `get`; beyond that, the oldest are dropped first.
BUFFERED_MAX: Final = 10_000
# Between two attempts to reconnect, if the worker does not send a time.
_RETRY_S = 1.0
_RETRY_S_MAX = 30.0
# Answers after which it can help to reconnect later.
_NOT_NOW: Final = frozenset({0, 429, 500, 502, 503, 504})
_ITERATION_S = 0.1
_END_S = 5.0
_OK = 200
_LOST = (httpx.HTTPError, httpx.StreamError, OSError, ValueError)


class InterventionsSubscription:
    """The interventions of some ids, from `start`, or `with`, until `stop`.

    They wait for `get` or iteration, and handlers are called with each of them in the thread.
    """

    def __init__(self, connection: Connection, targets: Mapping[str, Sequence[str]]) -> None:
        self._connection = connection
        self._targets = targets
        self._handlers: dict[Handler, bool] = {}
        self._buffer: deque[InterventionInstance] = deque()
        self._dropped = False
        self._changed = threading.Condition()
        self._lines = EventLines()
        self._error: Exception | None = None
        self._response: httpx.Response | None = None
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __iter__(self) -> Iterator[InterventionInstance]:
        """Waiting interventions, and each one that arrives within 0.1 s after the one before."""
        with suppress(queue.Empty):
            while True:
                yield self.get(timeout=_ITERATION_S)

    def start(self) -> None:
        """Begin to follow; once this returns, nothing is missed. After `stop`, it continues there.

        Raises:
            SignalsError: the subscription is refused, or no worker answers.
            RuntimeError: the subscription has already begun.
        """
        if self._running:
            message = "this subscription has started already"
            raise RuntimeError(message)
        self._stopped = threading.Event()
        self._error = None
        client = self._connection.new_client()
        try:
            response = self._opened(client)
        except BaseException:
            client.close()
            raise
        self._response = response
        self._thread = threading.Thread(
            target=self._follow,
            name="interventions",
            daemon=True,
            args=(client, response, self._stopped),
        )
        self._thread.start()

    def stop(self) -> None:
        """End the subscription; waiting interventions can still be read."""
        self._stopped.set()
        thread, response = self._thread, self._response
        if response is not None:
            _interrupt(response)
        if thread is not None and thread is not threading.current_thread():
            thread.join(_END_S)
        with self._changed:
            self._changed.notify_all()

    def get(self, block: bool = True, timeout: float | None = None) -> InterventionInstance:
        """The next intervention.

        Args:
            block: whether to wait for one.
            timeout: for how many seconds; None: until one arrives, or the subscription ends.

        Raises:
            queue.Empty: there is none.
            SignalsError: the subscription was refused when it reconnected.
        """
        with self._changed:
            if block:
                self._changed.wait_for(lambda: self._buffer or not self._running, timeout)
            if self._buffer:
                return self._buffer.popleft()
        if self._error is not None:
            raise self._error
        raise queue.Empty

    def add_handler(self, handler: Handler, ignore_fail: bool = True) -> None:
        """Call a function with each intervention that arrives, in the thread.

        Args:
            handler: called with one intervention.
            ignore_fail: whether exceptions of the handler are only logged; otherwise, an exception
                ends the subscription, and `get` raises it.
        """
        self._handlers.setdefault(handler, ignore_fail)

    def remove_handler(self, handler: Handler) -> bool:
        """Stop calling a handler; return whether it was called before."""
        return self._handlers.pop(handler, None) is not None

    @property
    def _running(self) -> bool:
        thread = self._thread
        return thread is not None and thread.is_alive() and not self._ended

    @property
    def _ended(self) -> bool:
        return self._stopped.is_set() or self._error is not None

    def _follow(
        self, client: httpx.Client, first: httpx.Response, stopped: threading.Event
    ) -> None:
        response: httpx.Response | None = first
        try:
            while response is not None:
                with closing(response), suppress(*_LOST):
                    self._read(response, stopped)
                response = self._come_back(client, stopped)
        except _HandlerFailedError as failed:
            self._error = failed.error
        except SignalsError as error:
            self._error = error
            log.error("the subscription to interventions has ended: %s", error)
        except Exception as error:
            self._error = error
            raise
        finally:
            client.close()
            with self._changed:
                self._changed.notify_all()

    def _read(self, response: httpx.Response, stopped: threading.Event) -> None:
        self._lines.begin()
        for line in response.iter_lines():
            if stopped.is_set():
                return
            data = self._lines.take(line)
            if data is not None:
                self._dispatch(data)

    def _dispatch(self, data: str) -> None:
        try:
            found = InterventionInstance.model_validate_json(data)
        except ValidationError as error:
            log.warning("something else than an intervention came: %s", error)
            return
        with self._changed:
            if len(self._buffer) >= BUFFERED_MAX:
                self._buffer.popleft()
                if not (self._dropped or self._handlers):
                    log.warning("interventions are dropped: %d wait for get()", BUFFERED_MAX)
                self._dropped = True
            self._buffer.append(found)
            self._changed.notify_all()
        for handler, ignore_fail in list(self._handlers.items()):
            try:
                handler(found)
            except Exception as error:  # the user's own code may raise anything
                if not ignore_fail:
                    raise _HandlerFailedError(error) from error
                log.exception("a handler of interventions failed")

    def _come_back(self, client: httpx.Client, stopped: threading.Event) -> httpx.Response | None:
        """Connect again; None when stopped."""
        pause_s = self._lines.retry_s or _RETRY_S
        while not stopped.wait(pause_s * random.uniform(0.5, 1.0)):  # noqa: S311 - spread
            try:
                response = self._opened(client)
            except SignalsError as error:
                if error.status not in _NOT_NOW:
                    raise
                pause_s = min(max(2 * pause_s, error.retry_after_s or 0.0), _RETRY_S_MAX)
                continue
            self._response = response
            if not stopped.is_set():
                return response
            response.close()  # stop() was called before the response existed
        return None

    def _opened(self, client: httpx.Client) -> httpx.Response:
        url = self._connection.url + "interventions"
        headers = {"Accept": "text/event-stream"}
        if self._lines.last_id:
            headers["Last-Event-ID"] = self._lines.last_id
        try:
            request = client.build_request("GET", url, params=self._targets, headers=headers)
            response = client.send(request, stream=True)
            if response.status_code == _OK:
                return response
            with closing(response):
                response.read()
        except _LOST as error:
            raise SignalsError.without_answer(self._connection.url, error) from error
        raise SignalsError.of_response(response)


class _HandlerFailedError(Exception):
    """A handler raised `error`, which ends the subscription."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def _interrupt(response: httpx.Response) -> None:
    """Wake a thread that waits for more of a response: closing alone does not wake it."""
    stream = response.extensions.get("network_stream")
    found = stream.get_extra_info("socket") if stream is not None else None
    if isinstance(found, socket.socket):
        with suppress(OSError):
            socket.socket.shutdown(found, socket.SHUT_RDWR)

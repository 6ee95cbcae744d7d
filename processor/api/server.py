"""Serves the API: uvicorn in the running event loop, which keeps its own signal handlers."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from processor.api.http.admission import (
    Admission,
    Place,
    connections_max,
    files_max,
    per_address_max,
)
from processor.api.http.client_addresses import ClientAddresses
from processor.api.http.connections import ImpatientConnection
from processor.api.http.listener import Listener
from processor.errors import ListenError
from processor.request_limits import CLIENT_SILENT_MS
from processor.settings import Settings

# How long requests in progress get when the worker stops.
_STOP_S = 5
_BACKLOG = 1024
_LOOK_S = 0.01


def _nothing() -> None:
    """Do nothing when the server closes."""


class _QuietServer(uvicorn.Server):
    """Leaves signals to the worker, accepts connections within bounds, and ends streams last."""

    def __init__(
        self, config: uvicorn.Config, admission: Admission, on_closing: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._admission = admission
        self._on_closing = on_closing

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application and listen."""
        await self.lifespan.startup()
        self.servers = []
        for one in sockets or ():
            self.accept_on(one)
        self.started = True

    def accept_on(self, listening: socket.socket) -> None:
        """Accept the connections of a socket."""
        listener = Listener(listening, self._admission, self._connection, self.config.ssl)
        self.servers.append(listener)  # type: ignore[arg-type]  # stands in for one of asyncio's

    def _connection(self, place: Place) -> ImpatientConnection:
        return ImpatientConnection(
            place,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end the streams, and answer the requests in progress."""
        for server in self.servers:
            server.close()
        self._on_closing()
        await super().shutdown(sockets)


class Server:
    """A listening API; `port` is the actual port."""

    def __init__(self, port: int, server: _QuietServer, serving: "asyncio.Task[None]") -> None:
        self.port = port
        self._server = server
        self._serving = serving

    def also_accept(self, shared: socket.socket) -> None:
        """Accept connections of a listening socket that several processes have."""
        self._server.accept_on(shared)

    async def stop(self) -> None:
        """Answer the requests in progress and stop listening."""
        self._server.should_exit = True
        await self._serving


async def serve(
    api: FastAPI,
    settings: Settings,
    *,
    on_closing: Callable[[], None] = _nothing,
) -> Server:
    """Listen and return when requests are answered.

    Args:
        api: the application that answers.
        settings: where to listen, and the certificate.
        on_closing: ends endless answers, once no client can connect any longer.

    Raises:
        ListenError: the address is in use or not ours, or the certificate cannot be used.
    """
    _build(api)
    listening = listen(settings)
    config = uvicorn.Config(
        api,
        http=ImpatientConnection,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="on",
        # Client addresses come from the proxies that a setting names: see client_addresses.py.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_S,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except OSError as error:
        listening.close()
        message = "the TLS certificate of the HTTP API cannot be used"
        hint = "PROCESSOR_TLS_CERT and PROCESSOR_TLS_KEY must name PEM files that belong together"
        raise ListenError(message, detail=str(error), hint=hint) from error
    admission = Admission(
        connections_max(settings),
        per_address_max(settings),
        ClientAddresses(settings).is_proxy,
        files_max(),
    )
    server = _QuietServer(config, admission, on_closing)
    serving = asyncio.get_running_loop().create_task(server.serve([listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(_LOOK_S)
    if serving.done():
        serving.result()
    return Server(listening.getsockname()[1], server, serving)


def check_address(settings: Settings) -> None:
    """Refuse an address on which nothing could listen now.

    Raises:
        ListenError: it is in use or not ours.
    """
    listen(settings).close()


def _build(api: FastAPI) -> None:
    """Build before the first request what FastAPI would build in it: that took 0.4 s."""
    scope = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []}
    for route in api.routes:
        route.matches(scope)
    if api.middleware_stack is None:
        api.middleware_stack = api.build_middleware_stack()


def listen(settings: Settings) -> socket.socket:
    """Return a socket that listens on the address of the API.

    Raises:
        ListenError: the address is in use or not ours.
    """
    host = settings.http_host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit these: they end if the client stops reading or vanishes silently.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, CLIENT_SILENT_MS)
    try:
        listening.bind((host, settings.http_port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        message = f"the HTTP API cannot listen on {settings.http}"
        hint = "end the process that listens there, or set another address in PROCESSOR_HTTP"
        raise ListenError(message, detail=error.strerror or str(error), hint=hint) from error
    return listening

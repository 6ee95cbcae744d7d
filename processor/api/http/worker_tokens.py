"""How workers authenticate each other: separate tokens, each for one worker and half a minute.

A member of the consumer group announces a URL, and anyone who may join the group can announce any
URL. Therefore nothing that is sent there may be useful anywhere else: never a client's token, and a
worker's token for that URL only.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from fastapi import Request
from starlette.datastructures import Headers

from processor.api.http.json_web_tokens import TokenKind
from processor.api.http.token_secret import NEEDED, TokenSecret
from processor.clock import wall_ms
from processor.errors import ForwardError
from processor.request_limits import WORKER_TOKEN_S
from processor.settings import Settings, listed

# The time as of which another worker reads, in milliseconds since 1970.
READ_AT_HEADER: Final = "X-Processor-Read-At"
_TIME_MS = re.compile(r"[0-9]{1,15}")
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


class WorkerTokens:
    """Issues tokens for requests to other workers, and checks the tokens of their requests."""

    def __init__(self, settings: Settings, secret: TokenSecret) -> None:
        self._key = secret.key("worker token") if secret else b""
        self._needed = bool(settings.api_tokens)
        own = urlsplit(settings.own_url)
        self._scheme = own.scheme
        self._own_url = _spelled(own)
        self._hosts = [one.lower() for one in listed(settings.worker_hosts)]

    def headers(self, url: str) -> dict[str, str]:
        """Return the headers for a request to another worker at its announced URL.

        Raises:
            ForwardError: the URL is not allowed, or the worker could not authenticate us.
        """
        parts = urlsplit(url)
        where = _spelled(parts)
        if parts.scheme != self._scheme or parts.username or parts.query or parts.fragment:
            message = f"a worker announces {where!r}, but this one has {self._own_url!r}"
            hint = "give PROCESSOR_ADVERTISED_URL of all workers one scheme, and only host and port"
            raise ForwardError(message, hint=hint)
        if self._hosts and not any(_names(one, parts.hostname or "") for one in self._hosts):
            message = f"a worker announces {where!r}, whose host is not in PROCESSOR_WORKER_HOSTS"
            raise ForwardError(message, hint="add it there, or find out who joined the group")
        if self._key:
            now_s = wall_ms() // 1000
            token = self._kind(where).sign({}, now_s=now_s, lifetime_s=WORKER_TOKEN_S)
            return {"Authorization": f"Bearer {token}"}
        if self._needed:
            message = "workers with PROCESSOR_API_TOKENS ask each other with tokens of their own"
            raise ForwardError(message, hint=NEEDED)
        return {}

    def are_shown(self, request: Request) -> bool:
        """Return whether a request comes from another worker and is for this one."""
        if not self._key:
            return False
        now_s = wall_ms() // 1000
        claims = self._kind(self._own_url).claims(bearer(request.headers), now_s=now_s)
        return claims is not None and claims["exp"] > now_s

    def chosen_ms(self, request: Request) -> int:
        """Return the time as of which a request reads; another worker chooses it.

        If the API is open and there is no secret, no worker can be authenticated. A time close to
        the own clock is then accepted from anyone, so that answers of several workers are as of
        one time.
        """
        own_ms = wall_ms()
        given = request.headers.get(READ_AT_HEADER, "")
        if not _TIME_MS.fullmatch(given):
            return own_ms
        if self._key:
            trusted = self.are_shown(request)
        else:
            trusted = not self._needed and abs(int(given) - own_ms) <= 1000 * WORKER_TOKEN_S
        return int(given) if trusted else own_ms

    def _kind(self, url: str) -> TokenKind:
        return TokenKind(self._key, url, WORKER_TOKEN_S)


def bearer(headers: Headers) -> str:
    """Return the bearer token of a request; empty if it has none."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _spelled(url: SplitResult) -> str:
    """Return the URL of a worker in one spelling, without parts that no worker's URL has."""
    host = url.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    try:
        port = url.port
    except ValueError:
        port = None
    shown = "" if port in {None, _PORTS.get(url.scheme)} else f":{port}"
    return f"{url.scheme}://{host}{shown}{url.path.rstrip('/')}"


def _names(entry: str, host: str) -> bool:
    return host.endswith(entry) if entry.startswith(".") else host == entry

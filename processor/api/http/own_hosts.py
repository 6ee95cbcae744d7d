"""An API without tokens answers to its own names alone, and to no page of another site.

Without tokens, anyone who can reach a worker may do anything, and a page in a browser on the same
machine can reach it. A page of another site is recognised by `Origin`. A page whose host name was
redirected here after it was loaded (DNS rebinding) sends that name in `Host`. If tokens are set,
such a page has none, and both headers may have any value.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.exceptions import HTTPException

from processor.api.http.cors import ANY_ORIGIN, PATH
from processor.api.http.guarded_routes import Need
from processor.settings import Settings, listed

_FORBIDDEN: Final = 403
_LOCAL: Final = "localhost"
_PORTS: Final = {"http": 80, "https": 443}
_HINT: Final = "add the names of this worker to PROCESSOR_OWN_HOSTS, or set PROCESSOR_API_TOKENS"


class OwnHosts(Need):
    """The names of a worker. Without tokens, every guarded route requires one of them."""

    def __init__(self, settings: Settings) -> None:
        self._open = not settings.api_tokens
        given = (settings.http_host.strip("[]"), urlsplit(settings.own_url).hostname or "")
        self._names = {name.lower() for name in (*given, *listed(settings.own_hosts))}
        self._any_page_subscribes = ANY_ORIGIN in listed(settings.cors_origins)
        # An attacker cannot choose an address. If the API listens beyond this machine, accept any.
        self._any_address = not is_loopback(settings.http_host)

    def check(self, request: Request) -> None:
        """Refuse a request for a name that is not ours, or from a page that we did not serve."""
        if not self._open:
            return
        # Pages of other sites may subscribe; cors.py decides which.
        subscribes = request.method == "GET" and request.scope["path"] == PATH
        if subscribes and self._any_page_subscribes:
            return
        called = request.headers.get("host", "")
        host = _host(called)
        if called and not self._is_own(host):
            message = f"without tokens this worker does not answer to {host[:100]!r} - {_HINT}"
            raise HTTPException(_FORBIDDEN, message)
        page = request.headers.get("origin")
        if page is not None and not subscribes and not _same_place(page, called):
            message = f"without tokens this worker does not answer to pages of {page[:100]!r}"
            raise HTTPException(_FORBIDDEN, f"{message} - set PROCESSOR_API_TOKENS")

    def _is_own(self, host: str) -> bool:
        if host in self._names or is_loopback(host):
            return True
        return self._any_address and _is_address(host)


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback name or address of this machine."""
    bare = host.strip("[]").lower()
    if bare == _LOCAL or bare.endswith(f".{_LOCAL}"):
        return True
    return _is_address(bare) and ip_address(bare).is_loopback


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _host(authority: str) -> str:
    """Return the host of `host:port`, without the brackets of IPv6; empty if there is none."""
    return _parts(f"//{authority}")[0]


def _same_place(origin: str, authority: str) -> bool:
    """Return whether a page's origin is the authority that it now sends a request to."""
    scheme = origin.partition(":")[0].lower()
    default = _PORTS.get(scheme)
    host, port = _parts(origin)
    other_host, other_port = _parts(f"//{authority}")
    return bool(host) and host == other_host and (port or default) == (other_port or default)


def _parts(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "", None

"""The client's address: that of the connection, or the one that a trusted proxy reports.

Every client can send `X-Forwarded-For`. It counts only on connections from addresses in
PROCESSOR_TRUSTED_PROXIES, and is read from the right: each proxy appends the address that it saw,
so the client is the last address that is not itself a trusted proxy.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from starlette.requests import HTTPConnection

from processor.settings import Settings, listed

_HEADER: Final = "x-forwarded-for"
_SCHEME_HEADER: Final = "x-forwarded-proto"
# An entry of the header: an address, or an address with a port; IPv6 is then in brackets.
_ENTRY = re.compile(r'"?(?:\[(?P<six>[^\]]*)\]|(?P<four>[0-9.]+))(?::[0-9]*)?"?')

Address = IPv4Address | IPv6Address


class ClientAddresses:
    """Finds the addresses of clients."""

    def __init__(self, settings: Settings) -> None:
        self._trusted = [ip_network(one, strict=False) for one in listed(settings.trusted_proxies)]

    def is_proxy(self, address: str) -> bool:
        """Return whether this address is that of a trusted proxy."""
        return self._is_trusted(_parsed(address))

    def of(self, request: HTTPConnection) -> str:
        """Return the address of the client; empty if the connection has none."""
        peer = request.client.host if request.client else ""
        if not self._trusted or not self.is_proxy(peer):
            return peer
        found = peer
        entries = ",".join(request.headers.getlist(_HEADER)).split(",")
        for entry in reversed(entries):
            address = _parsed(entry.strip())
            if address is None:  # no proxy wrote this, so nothing to the left of it can be trusted
                break
            found = str(address)
            if not self._is_trusted(address):
                break
        return found

    def is_https(self, request: HTTPConnection) -> bool:
        """Return whether the client's connection is encrypted, here or at a trusted proxy."""
        peer = request.client.host if request.client else ""
        told = request.headers.get(_SCHEME_HEADER, "") if self.is_proxy(peer) else ""
        return (told or request.url.scheme).strip().lower() == "https"

    def _is_trusted(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def _parsed(text: str) -> Address | None:
    match = _ENTRY.fullmatch(text)
    bare = (match["six"] or match["four"]) if match else text
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address

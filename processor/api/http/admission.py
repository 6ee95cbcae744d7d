"""How many connections a worker has: each is an open file, and the store and Kafka need some, too.

When the bound is reached, the idle connection that has waited longest for a request is closed. If
no connection is idle, the new one is refused. Idle connections therefore cost nobody but their
owner anything.
"""

import resource
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Final

from processor.metrics import CONNECTIONS, CONNECTIONS_REFUSED
from processor.request_limits import (
    ADDRESS_SHARE,
    CONNECTIONS_FILES_SHARE,
    FILES_FREE_MIN,
    FILES_PER_PARTITION,
    FILES_RESERVED,
    STREAMS_SHARE,
)
from processor.settings import Settings

# A site has at least an IPv6 network of this prefix length, with any number of addresses.
_SITE_BITS: Final = 64


def files_max() -> int:
    """Return how many files this process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    known = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    return min(known, default=2**31 - 1)


def connections_max(settings: Settings) -> int:
    """Return how many connections the file limit of this process leaves room for."""
    files = files_max()
    reserved = FILES_RESERVED + settings.partitions * FILES_PER_PARTITION
    return max(files - reserved, int(files * CONNECTIONS_FILES_SHARE), 1)


def per_address_max(settings: Settings) -> int:
    """Return how many connections one address may have; 0: any number."""
    most = int(connections_max(settings) * ADDRESS_SHARE)
    return min(settings.connections_per_address, max(1, most))


def streams_max(settings: Settings) -> int:
    """Return how many of the connections may be subscriptions: requests need some, too."""
    return max(1, min(settings.sse_clients, int(connections_max(settings) * STREAMS_SHARE)))


class Place:
    """The place of one connection; `idle` and `busy` note whether it has a request under way."""

    def __init__(self, admission: "Admission", owner: str) -> None:
        self.owner = owner
        self.close: Callable[[], None] = _nothing
        self._admission = admission

    def idle(self) -> None:
        """Note that it waits for a request: until one arrives, it may be closed to make room."""
        self._admission.note_idle(self)

    def busy(self) -> None:
        """Note that it has a request under way."""
        self._admission.note_busy(self)

    def leave(self) -> None:
        """Give the place back; further calls do nothing."""
        self._admission.leave(self)


class Admission:
    """The connections of one server. Used in the event loop's thread.

    Args:
        most: maximum number of connections.
        per_owner: connections from one address, or one site of IPv6; 0: any number.
        is_proxy: whether an address is a trusted proxy, whose connections serve many clients.
        files: maximum number of open files of this process.
    """

    def __init__(
        self, most: int, per_owner: int, is_proxy: Callable[[str], bool], files: int
    ) -> None:
        self._most = most
        self._per_owner = per_owner
        self._is_proxy = is_proxy
        self._highest_file = files - min(FILES_FREE_MIN, files // 4)
        self._places: set[Place] = set()
        self._by_owner: Counter[str] = Counter()
        # Idle connections in the order in which they became idle; and the same by owner.
        self._idle: dict[Place, None] = {}
        self._idle_of: dict[str, dict[Place, None]] = {}

    def admit(self, address: str, file: int) -> Place | None:
        """Return a place for a connection from `address`; `file` is the number of its open file.

        A new file gets the lowest free number, so a high number means that many files are open.
        Returns None if there is no room; the refusal is counted.
        """
        owner = _owner(address)
        limited = self._per_owner and not self._is_proxy(address)
        if limited and self._by_owner[owner] >= self._per_owner:
            if not self._make_room(self._idle_of.get(owner, {})):
                CONNECTIONS_REFUSED.labels("address_full").inc()
                return None
        elif len(self._places) >= self._most and not self._make_room(self._idle):
            CONNECTIONS_REFUSED.labels("worker_full").inc()
            return None
        if file > self._highest_file:
            self._make_room(self._idle)
            CONNECTIONS_REFUSED.labels("files").inc()
            return None
        place = Place(self, owner)
        self._places.add(place)
        self._by_owner[owner] += 1
        CONNECTIONS.set(len(self._places))
        return place

    def note_idle(self, place: Place) -> None:
        """Count a connection as idle from now on."""
        if place in self._places and place not in self._idle:
            self._idle[place] = None
            self._idle_of.setdefault(place.owner, {})[place] = None

    def note_busy(self, place: Place) -> None:
        """Count a connection as one with a request under way."""
        if place in self._idle:
            del self._idle[place]
            others = self._idle_of[place.owner]
            del others[place]
            if not others:
                del self._idle_of[place.owner]

    def leave(self, place: Place) -> None:
        """Take a place back."""
        if place not in self._places:
            return
        self.note_busy(place)
        self._places.remove(place)
        self._by_owner[place.owner] -= 1
        if not self._by_owner[place.owner]:
            del self._by_owner[place.owner]
        CONNECTIONS.set(len(self._places))

    def _make_room(self, idle: dict[Place, None]) -> bool:
        """Close the connection that has been idle longest; return whether there was one."""
        first = next(iter(idle), None)
        if first is None:
            return False
        CONNECTIONS_REFUSED.labels("idle").inc()
        close = first.close
        first.leave()
        close()
        return True


def _owner(address: str) -> str:
    """Return the owner of a connection: the address, or for IPv6 the network of the site."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if found.version == 4:  # noqa: PLR2004 - of the Internet Protocol
        return address
    return str(ip_network((found, _SITE_BITS), strict=False))


def _nothing() -> None:
    """Close nothing."""

"""The visitors of the shop: a few come often, most come seldom."""

from random import Random

from processor.local.shop.catalogue import STORES, Product, Store
from processor.local.shop.devices import AMERICAN_PLACES, DEVICES, EUROPEAN_PLACES, PHONES

# A user's number is drawn as this power of a uniform number: with 3, one user in a hundred makes a
# fifth of the visits.
_SKEW = 3
# This share of all users, the most frequent ones, also view more pages in a visit.
_KEEN_SHARE = 0.05
# Shares of the stores, in the order of STORES; the last store gets the rest.
_STORE_SHARES = (0.55, 0.33)
_ACCOUNT_SHARE = 0.5
_APP_ACCOUNT_SHARE = 0.8
# Share of devices with a wrong clock, and the maximum error either way. Enrich corrects it.
_WRONG_CLOCK_SHARE = 0.1
_WRONG_CLOCK_MS = 3_600_000


def uuid_text(random: Random) -> str:
    """A version 4 UUID of a seeded generator."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


class Visitor:
    """One user with one device. The cart outlives the visit."""

    __slots__ = (
        "account",
        "active",
        "address",
        "cart",
        "cart_id",
        "clock_error_ms",
        "device",
        "domain_userid",
        "keen",
        "logged_in",
        "network_userid",
        "place",
        "store",
        "visits",
    )

    def __init__(self, random: Random, *, keen: bool) -> None:
        chance = random.random
        self.keen = keen
        self.store = _choose_store(chance())
        mobile_app = self.store.platform == "mob"
        devices = PHONES if mobile_app else DEVICES
        self.device = devices[int(chance() * len(devices))]
        places = AMERICAN_PLACES if self.store.currency == "USD" else EUROPEAN_PLACES
        self.place = places[int(chance() * len(places))]
        address = random.getrandbits(16)
        self.address = f"{self.place['user_ipaddress']}.{address >> 8}.{address & 255}"
        self.network_userid = uuid_text(random)
        # Apps have no cookies: an entity holds their session.
        self.domain_userid = "" if mobile_app else uuid_text(random)
        has_account = chance() < (_APP_ACCOUNT_SHARE if mobile_app else _ACCOUNT_SHARE)
        self.account = uuid_text(random) if has_account else ""
        wrong = chance() < _WRONG_CLOCK_SHARE
        self.clock_error_ms = int((chance() - 0.5) * 2 * _WRONG_CLOCK_MS) if wrong else 0
        self.logged_in = False
        self.active = False
        self.visits = 0
        self.cart: list[tuple[Product, int]] = []
        self.cart_id = uuid_text(random)

    @property
    def user_id(self) -> str:
        """Empty while nobody is logged in."""
        return self.account if self.logged_in else ""

    def cart_cents(self) -> int:
        """The total value of the cart."""
        return sum(product.price_cents * quantity for product, quantity in self.cart)


class Crowd:
    """All users. Each is created at the first visit."""

    def __init__(self, random: Random, users: int) -> None:
        self._random = random
        self._users = users
        self._visitors: dict[int, Visitor] = {}

    def next_visitor(self) -> Visitor:
        """Draw a user who is not visiting now. Never call this while all users are visiting."""
        index = int(self._users * self._random.random() ** _SKEW)
        while (visitor := self._visitors.get(index)) is not None and visitor.active:
            index = (index + 1) % self._users
        if visitor is None:
            visitor = self._visitors[index] = Visitor(
                self._random, keen=index < _KEEN_SHARE * self._users
            )
        return visitor


def _choose_store(chance: float) -> Store:
    for share, store in zip(_STORE_SHARES, STORES, strict=False):
        if chance < share:
            return store
        chance -= share
    return STORES[-1]

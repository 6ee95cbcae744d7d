"""What a visitor does, one visit long: pages, products, a cart, perhaps an order."""

import math
from collections.abc import Iterator
from enum import Enum
from random import Random
from typing import NamedTuple

from processor.local.shop.catalogue import (
    ECOMMERCE,
    Page,
    Product,
    decimal_text,
    entity_text,
)
from processor.local.shop.visitors import Visitor

_NEXT_PAGE_SHARE = 0.83
_KEEN_NEXT_PAGE_SHARE = 0.93
_HOME_LANDING_SHARE = 0.4
# Shares of the following pages; the rest goes to the front page.
_PRODUCT_PAGE_SHARE = 0.5
_CATEGORY_PAGE_SHARE = 0.35
_SEARCH_PAGE_SHARE = 0.1
_PING_SHARE = 0.42
_PINGS_MAX = 8
_PING_MS = 10_000
_LINK_CLICK_SHARE = 0.12
_LIST_VIEW_SHARE = 0.25
_ADD_SHARE = 0.22
_SECOND_PIECE_SHARE = 0.2
_CHECKOUT_SHARE = 0.5
_REMOVE_SHARE = 0.25
_NEXT_STEP_SHARE = 0.85
_LOGIN_SHARE = 0.8
_CART_LINES_MAX = 3
_LISTED_PRODUCTS = 2
_CHECKOUT_STEPS = 4
# Time on a page before the next action: the minimum, and the mean of what is added to it.
_THINK_LEAST_MS = 1_200
_THINK_MEAN_MS = 9_000
_SEARCHES = (
    "trail shoes",
    "rain jacket",
    "tent 2 person",
    "gps watch",
    "merino",
    "rucksack größe m",
)


class Kind(Enum):
    """Kinds of events: the column `event`, and the schema if that is unstruct."""

    PAGE_VIEW = ("page_view", "")
    PAGE_PING = ("page_ping", "")
    STRUCT = ("struct", "")
    LINK_CLICK = ("unstruct", "link_click")
    ACTION = ("unstruct", "snowplow_ecommerce_action")
    SCREEN_VIEW = ("unstruct", "screen_view")


class Hit(NamedTuple):
    """One action, `gap_ms` after the one before it."""

    gap_ms: int
    kind: Kind
    page: Page
    detail: str = ""  # JSON of the event's own data, or the columns se_* or pp_*
    entities: str = ""  # JSON, each preceded by a comma


class Visit:
    """The hits of one visit, drawn one by one; they change the visitor's cart and login."""

    def __init__(self, visitor: Visitor, random: Random) -> None:
        self._visitor = visitor
        self._random = random
        self._chance = random.random
        self._store = visitor.store
        self._web = visitor.store.platform == "web"
        self._view = Kind.PAGE_VIEW if self._web else Kind.SCREEN_VIEW

    def hits(self) -> Iterator[Hit]:
        """Everything until the visitor leaves."""
        next_page_share = _KEEN_NEXT_PAGE_SHARE if self._visitor.keen else _NEXT_PAGE_SHARE
        yield from self._look(self._landing())
        while self._chance() < next_page_share:
            yield from self._look(self._next_page())
        if self._visitor.cart and self._chance() < _CHECKOUT_SHARE:
            yield from self._check_out()

    def _landing(self) -> Page:
        at_home = self._chance() < _HOME_LANDING_SHARE
        return self._store.home if at_home else self._next_page()

    def _next_page(self) -> Page:
        chance = self._chance()
        store = self._store
        if chance < _PRODUCT_PAGE_SHARE:
            # Products at the front of the catalogue sell best.
            return store.products[int(len(store.products) * self._chance() ** 2)]
        chance -= _PRODUCT_PAGE_SHARE
        if chance < _CATEGORY_PAGE_SHARE:
            return store.categories[int(len(store.categories) * self._chance())]
        chance -= _CATEGORY_PAGE_SHARE
        return store.search if chance < _SEARCH_PAGE_SHARE else store.home

    def _think_ms(self) -> int:
        return _THINK_LEAST_MS + int(-math.log(1 - self._chance()) * _THINK_MEAN_MS)

    def _soon_ms(self) -> int:
        return 40 + int(self._chance() * 600)

    def _look(self, page: Page) -> Iterator[Hit]:
        yield Hit(self._think_ms(), self._view, page)
        product = page.product
        if product is not None:
            yield self._action(self._soon_ms(), page, "product_view", f",{product.entity()}")
        elif page.kind == "category" and self._chance() < _LIST_VIEW_SHARE:
            yield self._list_view(page)
        elif page.kind == "search":
            yield self._search(page)
        if self._web:
            yield from self._stay(page)
        if product is not None and self._chance() < _ADD_SHARE:
            yield from self._add(page, product)

    def _stay(self, page: Page) -> Iterator[Hit]:
        depth = 0
        for _ in range(_PINGS_MAX):
            if self._chance() >= _PING_SHARE:
                break
            least, depth = depth, min(page.height, depth + int(self._chance() * 900))
            yield Hit(_PING_MS, Kind.PAGE_PING, page, f"0\t0\t{least}\t{depth}")
        if self._chance() < _LINK_CLICK_SHARE:
            target = self._store.categories[int(len(self._store.categories) * self._chance())]
            detail = (
                f'{{"elementId":"nav-{target.title[:4].lower()}","elementClasses":["nav","link"],'
                f'"elementTarget":"_self","targetUrl":"{target.url}"}}'
            )
            yield Hit(self._think_ms(), Kind.LINK_CLICK, page, detail)

    def _search(self, page: Page) -> Hit:
        term = _SEARCHES[int(len(_SEARCHES) * self._chance())]
        detail = f"search\tsubmit\t{term}\tresults\t{int(self._chance() * 40)}.0"
        return Hit(self._soon_ms(), Kind.STRUCT, page, detail)

    def _list_view(self, page: Page) -> Hit:
        products = self._store.products
        first = int((len(products) - _LISTED_PRODUCTS) * self._chance())
        listed = [page.product for page in products[first : first + _LISTED_PRODUCTS]]
        entities = [
            f",{product.entity(position=place)}"
            for place, product in enumerate(listed, start=1)
            if product is not None
        ]
        return self._action(self._soon_ms(), page, "list_view", "".join(entities), page.path[1:])

    def _action(self, gap_ms: int, page: Page, action: str, entities: str, name: str = "") -> Hit:
        detail = f'{{"type":"{action}","name":"{name}"}}' if name else f'{{"type":"{action}"}}'
        return Hit(gap_ms, Kind.ACTION, page, detail, entities)

    def _add(self, page: Page, product: Product) -> Iterator[Hit]:
        cart = self._visitor.cart
        if len(cart) >= _CART_LINES_MAX or any(product is held for held, _ in cart):
            return
        quantity = 2 if self._chance() < _SECOND_PIECE_SHARE else 1
        cart.append((product, quantity))
        entities = f",{product.entity(quantity=quantity)},{self._cart_entity()}"
        yield self._action(self._think_ms(), page, "add_to_cart", entities)

    def _cart_entity(self) -> str:
        visitor = self._visitor
        return (
            f'{{"schema":"iglu:{ECOMMERCE}/cart/jsonschema/1-0-0","data":{{'
            f'"cart_id":"{visitor.cart_id}","total_value":{decimal_text(visitor.cart_cents())},'
            f'"currency":"{self._store.currency}"}}}}'
        )

    def _check_out(self) -> Iterator[Hit]:
        cart = self._visitor.cart
        yield Hit(self._think_ms(), self._view, self._store.cart)
        if self._chance() < _REMOVE_SHARE:
            product, quantity = cart.pop(int(len(cart) * self._chance()))
            entities = f",{product.entity(quantity=quantity)},{self._cart_entity()}"
            yield self._action(self._think_ms(), self._store.cart, "remove_from_cart", entities)
        if not cart:
            return
        yield Hit(self._think_ms(), self._view, self._store.checkout)
        for step in range(1, _CHECKOUT_STEPS + 1):
            yield self._checkout_step(step)
            if self._chance() >= _NEXT_STEP_SHARE:
                return
        yield Hit(self._think_ms(), self._view, self._store.thanks)
        yield self._transaction()

    def _checkout_step(self, step: int) -> Hit:
        visitor = self._visitor
        if visitor.account and self._chance() < _LOGIN_SHARE:
            visitor.logged_in = True
        data = {
            "step": step,
            "account_type": "existing" if visitor.logged_in else "guest",
            "delivery_method": "standard",
            "payment_method": "card",
        }
        entity = entity_text(f"{ECOMMERCE}/checkout_step/jsonschema/1-0-0", data)
        entities = f",{entity},{self._cart_entity()}"
        return self._action(self._think_ms(), self._store.checkout, "checkout_step", entities)

    def _transaction(self) -> Hit:
        visitor = self._visitor
        cents = visitor.cart_cents()
        data = {
            "transaction_id": f"T-{self._random.getrandbits(40):010x}",
            "revenue": cents / 100,
            "currency": self._store.currency,
            "payment_method": "card",
            "total_quantity": sum(quantity for _, quantity in visitor.cart),
            "tax": cents * 19 // 119 / 100,
            "shipping": 4.9,
            "credit_order": False,
        }
        entities = [f",{entity_text(f'{ECOMMERCE}/transaction/jsonschema/1-0-0', data)}"]
        entities += [f",{item.entity(quantity=quantity)}" for item, quantity in visitor.cart]
        visitor.cart.clear()
        return self._action(self._soon_ms(), self._store.thanks, "transaction", "".join(entities))

"""What a job must find, counted while the events are written: the plainest code that can.

It shares nothing with the systems, except that the first product's price is the one that counts.
"""

import json
from typing import Protocol

EVENT_NAME, CONTEXTS, UNSTRUCT_EVENT = 126, 52, 58
USER_ID, DOMAIN_USERID, DOMAIN_SESSIONID = 12, 15, 123


class Expected(Protocol):
    """Contributions and firings of the events so far; None where only systems know firings."""

    contributions: int
    firings: int | None

    def take(self, columns: list[bytes]) -> None:
        """Count an event."""


class WeekOfViews:
    """Job (a). All events lie within seven days: nothing leaves a window."""

    def __init__(self) -> None:
        self.contributions = 0
        self.firings = 0
        self._views: dict[bytes, int] = {}

    def take(self, columns: list[bytes]) -> None:
        visitor = columns[DOMAIN_USERID]
        if visitor and columns[EVENT_NAME] == b"page_view":
            self.contributions += 1
            views = self._views[visitor] = self._views.get(visitor, 0) + 1
            self.firings += views == 5
        elif visitor and _action(columns) == "product_view":
            self.contributions += 1


class ShopTutorial:
    """Job (b). Sums are in cents."""

    def __init__(self) -> None:
        self.contributions = 0
        self.firings = 0
        self._views: dict[bytes, int] = {}
        self._cents: dict[bytes, int] = {}
        self._fired: set[bytes] = set()

    def take(self, columns: list[bytes]) -> None:
        visitor = columns[DOMAIN_USERID]
        kind = _action(columns) if visitor else ""
        if kind == "product_view":
            self._views[visitor] = self._views.get(visitor, 0) + 1
        elif kind == "add_to_cart":
            self._cents[visitor] = self._cents.get(visitor, 0) + _cents(columns)
        else:
            return
        self.contributions += 1
        full = self._views.get(visitor, 0) >= 3 and self._cents.get(visitor, 0) > 25_000
        if full and visitor not in self._fired:
            self._fired.add(visitor)
            self.firings += 1


class TwentyWindows:
    """Job (c). What fires depends on windows that events leave: the systems alone say that."""

    firings = None

    def __init__(self) -> None:
        self.contributions = 0

    def take(self, columns: list[bytes]) -> None:
        counts = columns[EVENT_NAME] == b"page_view" or _action(columns) in {
            "product_view", "add_to_cart",
        }  # fmt: skip
        self.contributions += bool(columns[DOMAIN_USERID]) and counts
        self.contributions += bool(columns[DOMAIN_SESSIONID])
        self.contributions += bool(columns[USER_ID])


class FewMatches:
    """Job (d). All events lie within seven days."""

    def __init__(self) -> None:
        self.contributions = 0
        self.firings = 0
        self._clicks: dict[bytes, int] = {}

    def take(self, columns: list[bytes]) -> None:
        visitor = columns[DOMAIN_USERID]
        if visitor and columns[EVENT_NAME] == b"link_click":
            self.contributions += 1
            clicks = self._clicks[visitor] = self._clicks.get(visitor, 0) + 1
            self.firings += clicks == 3


def _action(columns: list[bytes]) -> str:
    """The type of an ecommerce action; empty for other events."""
    if columns[EVENT_NAME] != b"snowplow_ecommerce_action":
        return ""
    return str(json.loads(columns[UNSTRUCT_EVENT])["data"]["data"]["type"])


def _cents(columns: list[bytes]) -> int:
    """The price of the first product."""
    for entity in json.loads(columns[CONTEXTS])["data"]:
        if "/product/jsonschema/1-" in entity["schema"]:
            return round(entity["data"]["price"] * 100)
    return 0

"""The jobs (a) and (b) for peers in Python, as functions over JSON values.

`contribution` makes of an event what its profile needs of it, or None; `apply` makes a profile of
the one before, and says whether the rule is met now and was not met before.
"""

from datetime import UTC, datetime
from typing import Any

import orjson

EVENT_NAME, DERIVED_TSTAMP, DOMAIN_USERID = 126, 124, 15
PAGE_URL, CONTEXTS, UNSTRUCT_EVENT = 29, 52, 58
ACTION = b"snowplow_ecommerce_action"
PRODUCT = "iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-"
HOUR_MS = 3_600_000
HOURS_KEPT = 7 * 24

Json = dict[str, Any]


def action_type(columns: list[bytes]) -> str | None:
    """The type of an ecommerce action."""
    found: str | None = orjson.loads(columns[UNSTRUCT_EVENT])["data"]["data"].get("type")
    return found


def price(columns: list[bytes]) -> float:
    """The price of the first product; 0 if there is none."""
    for entity in orjson.loads(columns[CONTEXTS])["data"]:
        if entity["schema"].startswith(PRODUCT):
            return float(entity["data"]["price"])
    return 0.0


class WeekOfViews:
    """Job (a): page views, product views, their prices and the last URL of seven days, by the hour.

    A contribution is {id, time in ms, price, url}: a page view has a URL, a product view has none.
    A profile is {hours: {hour: [page views, product views, prices]}, time of the last URL, url}.
    """

    rule = "five_views"

    def contribution(self, columns: list[bytes]) -> Json | None:
        """What the event adds to its profile."""
        name = columns[EVENT_NAME]
        if name == b"page_view":
            return self._made(columns, 0.0, columns[PAGE_URL].decode())
        if name == ACTION and action_type(columns) == "product_view":
            return self._made(columns, price(columns), None)
        return None

    def _made(self, columns: list[bytes], amount: float, url: str | None) -> Json:
        time = datetime.fromisoformat(columns[DERIVED_TSTAMP].decode()).replace(tzinfo=UTC)
        return {
            "id": columns[DOMAIN_USERID].decode(), "ms": int(time.timestamp() * 1000),
            "price": amount, "url": url,
        }  # fmt: skip

    def apply(self, before: Json | None, given: Json) -> tuple[Json, bool]:
        """The profile with the contribution, and whether five page views are reached."""
        profile = before or {"hours": {}, "ms": 0, "url": None}
        hour = given["ms"] // HOUR_MS
        hours = {
            one: sums for one, sums in profile["hours"].items() if int(one) > hour - HOURS_KEPT
        }
        views = sum(sums[0] for sums in hours.values())
        sums = hours.setdefault(str(hour), [0, 0, 0.0])
        viewed = given["url"] is not None
        if viewed:
            sums[0] += 1
            if given["ms"] >= profile["ms"]:
                profile["ms"], profile["url"] = given["ms"], given["url"]
        else:
            sums[1] += 1
            sums[2] += given["price"]
        profile["hours"] = hours
        return profile, viewed and views + 1 == 5


class ShopTutorial:
    """Job (b): product views, additions to the cart and the sum of their prices, over a lifetime.

    A contribution is {id, price}: a product view has no price. A profile is
    {views, additions, prices}.
    """

    rule = "full_cart"

    def contribution(self, columns: list[bytes]) -> Json | None:
        """What the event adds to its profile."""
        if columns[EVENT_NAME] != ACTION:
            return None
        kind = action_type(columns)
        if kind == "product_view":
            return {"id": columns[DOMAIN_USERID].decode(), "price": None}
        if kind == "add_to_cart":
            return {"id": columns[DOMAIN_USERID].decode(), "price": price(columns)}
        return None

    def apply(self, before: Json | None, given: Json) -> tuple[Json, bool]:
        """The profile with the contribution, and whether the cart is full now."""
        profile = before or {"views": 0, "additions": 0, "prices": 0.0}
        was_met = self._met(profile)
        if given["price"] is None:
            profile["views"] += 1
        else:
            profile["additions"] += 1
            profile["prices"] += given["price"]
        return profile, not was_met and self._met(profile)

    def _met(self, profile: Json) -> bool:
        # Prices are in cents: no sum is so near to 250.005 that rounding decides.
        return bool(profile["views"] >= 3 and profile["prices"] > 250.005)


JOBS = {"a": WeekOfViews, "b": ShopTutorial}


def message(rule: str, owner: str, produced_ms: int) -> Json:
    """What a peer writes when a rule has fired."""
    return {"name": rule, "domain_userid": owner, "produced_ms": produced_ms}

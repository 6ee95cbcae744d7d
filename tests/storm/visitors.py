"""Who visits, and what they send: enriched events from seeded visitors with clocks of all kinds."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from random import Random

from tests.model.enriched import COLUMNS
from tests.storm.hostilities import DAY_MS, HOUR_MS, MINUTE_MS, Hostilities

PATHS = 40
SNOWPLOW = "com.snowplowanalytics.snowplow"
ECOMMERCE = f"{SNOWPLOW}.ecommerce"
# A session ends after so many events, on average.
SESSION_EVENTS = 12
PLACES = {name: place for place, name in enumerate(COLUMNS)}
# What collectors with a wrong clock add to the time, and the share of the events that they take.
SKEWS_MS = (0, 0, 0, 0, 0, 0, 0, -3 * HOUR_MS, -11 * MINUTE_MS, 47 * MINUTE_MS)
# How far ahead or behind single events are.
WILD_MS = (121 * MINUTE_MS, 5 * MINUTE_MS, 2 * DAY_MS, 9 * DAY_MS, -2 * HOUR_MS, -26 * HOUR_MS)


@dataclass(frozen=True)
class Sent:
    """A line for the source. `collector` names the one that took the event."""

    line: bytes
    collector: int


@dataclass
class Visitor:
    """One device. `user_id` is empty for who does not log in."""

    domain_userid: str
    user_id: str
    collector: int
    device_ahead_ms: int
    session: str = ""


class Visitors:
    """An endless stream of events; what is sent depends on the seed, its times on the clock."""

    def __init__(self, seed: str, hostilities: Hostilities) -> None:
        self._random = Random(seed)
        self._hostilities = hostilities
        self._visitors = list(self._made())
        some = hostilities.visitors
        self._weights = [1.0 / (place + some // 100) ** 0.8 for place in range(some)]
        self._queue: list[Visitor] = []

    def _made(self) -> Iterator[Visitor]:
        random = self._random
        visitors = self._hostilities.visitors
        accounts = [f"account-{number}" for number in range(visitors // 2)]
        for _ in range(visitors):
            user = random.choice(accounts) if random.random() < 0.6 else ""
            ahead_ms = random.choice(WILD_MS) if random.random() < 0.02 else 0
            if not self._hostilities.wild_clocks:
                ahead_ms = abs(ahead_ms)
            collector = random.randrange(len(SKEWS_MS))
            yield Visitor(some_uuid(random), user, collector, ahead_ms)

    def next(self, now_ms: int) -> Sent:
        """The next event, which happens at `now_ms` of a right clock."""
        random, on = self._random, self._hostilities
        if random.random() < on.malformed:
            return Sent(malformed(random), 0)
        if not self._queue:
            self._queue = random.choices(self._visitors, self._weights, k=1_000)
        visitor = self._queue.pop()
        if not visitor.session or random.random() < 1 / SESSION_EVENTS:
            visitor.session = some_uuid(random)
        collector_ms = now_ms
        if on.skewed_collectors:
            collector_ms += SKEWS_MS[visitor.collector]
        if random.random() < on.wild_clocks:
            collector_ms += random.choice(WILD_MS)
        if random.random() < on.late:
            collector_ms -= int(random.random() ** 3 * on.late_max_ms)
        derived_ms = collector_ms - random.randrange(400) + visitor.device_ahead_ms
        columns = action(random)
        columns |= {
            "app_id": "storm",
            "event_id": some_uuid(random),
            "collector_tstamp": stamp(collector_ms),
            "derived_tstamp": stamp(derived_ms),
            "domain_userid": visitor.domain_userid,
            "domain_sessionid": visitor.session,
            "user_id": visitor.user_id,
        }
        return Sent(line_of(columns), visitor.collector)


def action(random: Random) -> dict[str, str]:
    """The columns of a page view, a ping, or something done with a product."""
    columns = {
        "platform": "web",
        "event_format": "jsonschema",
        "event_version": "1-0-0",
        "page_urlpath": f"/{int(PATHS * random.random() ** 2)}",
    }
    kind = random.random()
    if kind < 0.55:
        return columns | {
            "event": "page_view", "event_vendor": SNOWPLOW, "event_name": "page_view",
        }  # fmt: skip
    if kind < 0.65:
        return columns | {
            "event": "page_ping", "event_vendor": SNOWPLOW, "event_name": "page_ping",
        }  # fmt: skip
    done = random.choice(("product_view", "add_to_cart", "remove_from_cart"))
    price = random.randrange(199, 19_999) / 100
    return columns | {
        "event": "unstruct",
        "event_vendor": ECOMMERCE,
        "event_name": "snowplow_ecommerce_action",
        "unstruct_event": json.dumps(
            {
                "schema": f"iglu:{SNOWPLOW}/unstruct_event/jsonschema/1-0-0",
                "data": {
                    "schema": f"iglu:{ECOMMERCE}/snowplow_ecommerce_action/jsonschema/1-0-0",
                    "data": {"type": done},
                },
            }
        ),
        "contexts": json.dumps(
            {
                "schema": f"iglu:{SNOWPLOW}/contexts/jsonschema/1-0-0",
                "data": [
                    {
                        "schema": f"iglu:{ECOMMERCE}/product/jsonschema/1-0-0",
                        "data": {"id": f"p{random.randrange(200)}", "price": price},
                    }
                ],
            }
        ),
    }


def line_of(columns: dict[str, str]) -> bytes:
    """The enriched event with these columns."""
    fields = [""] * len(COLUMNS)
    for name, text in columns.items():
        fields[PLACES[name]] = text
    return "\t".join(fields).encode()


def malformed(random: Random) -> bytes:
    """A record that is no event."""
    kind = random.randrange(3)
    if kind == 0:
        return f"only\t{random.getrandbits(32)}".encode()
    if kind == 1:
        return line_of({"app_id": "storm", "page_title": str(random.getrandbits(32))})
    return line_of({"event_id": some_uuid(random)}) + b"\xff\xfe"


def stamp(time_ms: int) -> str:
    """A time in the form of the columns."""
    return f"{second_text(time_ms // 1_000)}.{time_ms % 1_000:03d}"


@lru_cache(maxsize=4_096)
def second_text(second: int) -> str:
    """A second in the form of the columns."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}"


def some_uuid(random: Random) -> str:
    """A UUID of a seeded generator."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))

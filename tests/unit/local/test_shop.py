import itertools
import re
from collections import Counter
from functools import cache
from hashlib import sha256

import pytest
from snowplow_analytics_sdk.event_transformer import transform

from definitions import EntityProperty, EventProperty
from processor.errors import UsageError
from processor.events import ATOMIC_COLUMNS, Event, compile_property, parse_event
from processor.local.shop import GeneratedEvent, Shop

START_MS = 1_795_341_600_000  # 2026-11-22 10:00:00 UTC
ECOMMERCE = "com.snowplowanalytics.snowplow.ecommerce"
EVENTS = 20_000
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}")

action_type = compile_property(
    EventProperty(vendor=ECOMMERCE, name="snowplow_ecommerce_action", major_version=1, path="type")
)


def entity(name: str, path: str, index: int = 0) -> EntityProperty:
    return EntityProperty(vendor=ECOMMERCE, name=name, major_version=1, path=path, index=index)


product_price = compile_property(entity("product", "price"))
product_quantity = compile_property(entity("product", "quantity"))
cart_total = compile_property(entity("cart", "total_value"))
revenue = compile_property(entity("transaction", "revenue"))


@cache
def stream() -> tuple[GeneratedEvent, ...]:
    shop = Shop(7, 500, start_ms=START_MS, duplicate_rate=0.05, late_rate=0.02)
    return tuple(itertools.islice(shop, EVENTS))


@cache
def events() -> tuple[Event, ...]:
    return tuple(parse_event(generated.value) for generated in stream())


def column(event: Event, name: str) -> str:
    return event.columns[ATOMIC_COLUMNS.index(name)].decode()


def of_type(action: str) -> list[Event]:
    return [event for event in events() if action_type(event) == action]


def test_the_same_arguments_give_the_same_bytes() -> None:
    def digest(seed: int) -> str:
        shop = Shop(seed, 100, start_ms=START_MS, duplicate_rate=0.1, late_rate=0.1)
        return sha256(b"\n".join(e.value for e in itertools.islice(shop, 500))).hexdigest()

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


def test_a_shop_iterates_anew() -> None:
    shop = Shop(1, 10, start_ms=START_MS)
    assert list(itertools.islice(shop, 50)) == list(itertools.islice(shop, 50))


def test_every_line_is_one_that_the_analytics_sdk_reads() -> None:
    for generated in stream()[:3_000]:
        text = generated.value.decode()
        assert "\n" not in text
        theirs = transform(text)
        assert theirs.get("user_id", "") == generated.user_id
        assert theirs.get("domain_userid", "") == generated.domain_userid
        assert theirs.get("domain_sessionid", "") == generated.domain_sessionid
        assert any(name.startswith("contexts_") for name in theirs)


def test_what_is_said_of_an_event_is_what_its_line_says() -> None:
    for generated, event in zip(stream(), events(), strict=True):
        assert event.time_ms == generated.time_ms
        assert not event.future
        assert column(event, "user_id") == generated.user_id
        assert column(event, "domain_userid") == generated.domain_userid
        assert column(event, "domain_sessionid") == generated.domain_sessionid


def test_sizes_are_those_of_real_events() -> None:
    sizes = sorted(len(generated.value) for generated in stream())
    assert 1_800 < sum(sizes) / EVENTS < 2_100
    assert sizes[0] > 1_300
    assert sizes[EVENTS * 98 // 100] < 3_000
    assert sizes[-1] < 3_600


def test_ids_are_uuids_and_event_ids_are_unique_but_for_duplicates() -> None:
    originals = [
        event.event_id
        for generated, event in zip(stream(), events(), strict=True)
        if not generated.duplicate
    ]
    assert len(set(originals)) == len(originals)
    for generated, event in zip(stream(), events(), strict=True):
        ids = (event.event_id, generated.user_id, generated.domain_userid)
        assert all(UUID.fullmatch(text) for text in ids if text)


def test_late_events_are_minutes_to_hours_behind_and_as_many_as_asked_for() -> None:
    originals = [generated for generated in stream() if not generated.duplicate]
    late = [generated for generated in originals if generated.late]
    assert 0.016 < len(late) / len(originals) < 0.024
    greatest = START_MS
    for generated in originals:
        behind_ms = greatest - generated.time_ms
        if generated.late:
            assert 100_000 < behind_ms < 6 * 3_600_000
        else:
            assert behind_ms < 1_000
            greatest = max(greatest, generated.time_ms)


def test_duplicates_repeat_the_bytes_a_little_later_and_are_as_many_as_asked_for() -> None:
    places: dict[bytes, int] = {}
    distances = []
    for place, generated in enumerate(stream()):
        if generated.duplicate:
            distances.append(place - places[generated.value])
        else:
            assert generated.value not in places
            places[generated.value] = place
    assert 0.042 < len(distances) / len(places) < 0.058
    assert min(distances) > 0
    assert max(distances) < 300


def test_without_rates_nothing_is_late_and_nothing_comes_twice() -> None:
    for generated in itertools.islice(Shop(1, 50, start_ms=START_MS), 1_000):
        assert not generated.late
        assert not generated.duplicate


@pytest.mark.parametrize(("rate", "users"), [(5.0, 2_000), (100.0, 2_000), (100.0, 20), (2.0, 1)])
def test_event_time_goes_on_at_the_rate(rate: float, users: int) -> None:
    count = 8_000
    shop = Shop(3, users, start_ms=START_MS, rate=rate)
    last = max(generated.time_ms for generated in itertools.islice(shop, count))
    assert count / ((last - START_MS) / 1_000) == pytest.approx(rate, rel=0.15)


def test_some_users_are_much_more_active_than_most() -> None:
    counts = sorted(Counter(e.domain_userid for e in stream() if e.domain_userid).values())
    assert counts[-1] > 5 * counts[len(counts) // 2]
    busiest = sum(counts[-len(counts) // 10 :])
    assert busiest > 0.2 * sum(counts)


def test_users_are_anonymous_or_logged_in_and_come_back() -> None:
    anonymous = sum(not generated.user_id for generated in stream()) / EVENTS
    assert 0.3 < anonymous < 0.8
    sessions: dict[str, set[str]] = {}
    for generated in stream():
        sessions.setdefault(generated.domain_userid, set()).add(generated.domain_sessionid)
    assert max(len(ids) for user, ids in sessions.items() if user) >= 5


def test_a_session_belongs_to_one_user() -> None:
    owners: dict[str, str] = {}
    for generated in stream():
        if generated.domain_sessionid:
            owner = owners.setdefault(generated.domain_sessionid, generated.domain_userid)
            assert owner == generated.domain_userid


def test_all_kinds_of_events_come_from_all_applications() -> None:
    assert {column(event, "app_id") for event in events()} == {"shop-eu", "shop-us", "shop-app"}
    assert {column(event, "platform") for event in events()} == {"web", "mob"}
    kinds = {
        (column(event, "event"), event.event_vendor, event.event_name, event.event_version)
        for event in events()
    }
    snowplow = "com.snowplowanalytics.snowplow"
    assert kinds == {
        ("page_view", snowplow, "page_view", "1-0-0"),
        ("page_ping", snowplow, "page_ping", "1-0-0"),
        ("struct", "com.google.analytics", "event", "1-0-0"),
        ("unstruct", snowplow, "link_click", "1-0-1"),
        ("unstruct", "com.snowplowanalytics.mobile", "screen_view", "1-0-0"),
        ("unstruct", ECOMMERCE, "snowplow_ecommerce_action", "1-0-2"),
    }


def test_the_schema_columns_name_the_schema_of_the_event() -> None:
    for event in events():
        schema = f"{event.event_vendor}/{event.event_name}/{event.event_version[0]}"
        assert (event.unstruct_data(schema) is not None) == (column(event, "event") == "unstruct")
        assert column(event, "event_format") == "jsonschema"


def test_all_ecommerce_actions_come_with_their_entities() -> None:
    for action in ("product_view", "list_view", "add_to_cart", "remove_from_cart", "transaction"):
        found = of_type(action)
        assert found, action
        assert all(isinstance(product_price(event), float) for event in found)
    for action in ("add_to_cart", "remove_from_cart", "checkout_step"):
        assert all(isinstance(cart_total(event), float) for event in of_type(action))
    assert of_type("checkout_step")


def test_money_has_two_decimals_and_an_order_is_worth_its_products() -> None:
    for event in of_type("transaction"):
        product = f"{ECOMMERCE}/product/1"
        lines = list(
            itertools.takewhile(bool, (event.entity_data(product, n) for n in itertools.count()))
        )
        cents = sum(round(line["price"] * 100) * line["quantity"] for line in lines)
        total = revenue(event)
        assert isinstance(total, float)
        assert total == cents / 100
        assert len(repr(total).partition(".")[2]) <= 2


def test_what_is_added_is_in_the_cart() -> None:
    for event in of_type("add_to_cart"):
        price, quantity, total = (
            read(event) for read in (product_price, product_quantity, cart_total)
        )
        assert isinstance(price, float)
        assert isinstance(quantity, int)
        assert isinstance(total, float)
        assert total >= round(price * quantity, 2)


@pytest.mark.parametrize(("users", "rate"), [(0, 1.0), (-1, 1.0), (1, 0.0)])
def test_a_shop_without_users_or_rate_is_wrong_use(users: int, rate: float) -> None:
    with pytest.raises(UsageError, match="users="):
        Shop(1, users, start_ms=START_MS, rate=rate)

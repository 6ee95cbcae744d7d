"""A whole run: definitions, generated shop events, workers, and the comparison with the model."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from processor.kafka.partitioner import murmur2
from processor.local.shop import GeneratedEvent, Shop
from processor.streaming.profiles.profile_table import POSITIONS_KEY
from tests.broker.cluster import Cluster
from tests.model.topic_reader import Records, read_topic
from tests.model.verifier import Report, verify

Json = dict[str, Any]
ACTION = {
    "type": "event",
    "vendor": "com.snowplowanalytics.snowplow.ecommerce",
    "name": "snowplow_ecommerce_action",
    "major_version": 1,
    "path": "type",
}
PRICE = {
    "type": "entity",
    "vendor": "com.snowplowanalytics.snowplow.ecommerce",
    "name": "product",
    "major_version": 1,
    "path": "price",
}
SHOPPING = [{"name": "snowplow_ecommerce_action"}]
VIEWS = [{"name": "page_view", "vendor": "com.snowplowanalytics.snowplow"}]


def _action(value: str) -> Json:
    return {"all": [{"property": ACTION, "operator": "=", "value": value}]}


def _attribute(name: str, kind: str, aggregation: str, **more: Any) -> Json:
    return {"name": name, "type": kind, "aggregation": aggregation, "events": SHOPPING, **more}


def _group(name: str, key: str, attributes: list[Json]) -> Json:
    return {
        "name": name,
        "version": 1,
        "attribute_key": {"name": key},
        "owner": "a@example.com",
        "is_published": True,
        "attributes": attributes,
    }


def _rule(name: str, key: str, criteria: Json) -> Json:
    return {
        "name": name,
        "version": 1,
        "owner": "a@example.com",
        "is_published": True,
        "criteria": criteria,
        "target_attribute_keys": [{"name": key}],
    }


def _criterion(attribute: str, operator: str, value: Any) -> Json:
    return {"attribute": attribute, "operator": operator, "value": value}


DEFINITIONS: dict[str, Json] = {
    "attribute_group/ecom/1": _group(
        "ecom",
        "domain_userid",
        [
            _attribute("views", "int32", "counter", criteria=_action("product_view")),
            _attribute("carts", "int32", "counter", criteria=_action("add_to_cart")),
            _attribute(
                "cart_value", "double", "sum", property=PRICE, criteria=_action("add_to_cart")
            ),
            _attribute("dearest", "double", "max", property=PRICE),
        ],
    ),
    "attribute_group/visit/1": _group(
        "visit",
        "domain_sessionid",
        [
            _attribute("pages", "int32", "counter", events=VIEWS),
            _attribute(
                "page", "string", "last", events=VIEWS,
                property={"type": "atomic", "name": "page_urlpath"},
            ),
            _attribute("landing", "string", "first", events=VIEWS,
                       property={"type": "atomic", "name": "page_urlpath"}),
        ],
    ),
    "attribute_group/recent/1": _group(
        "recent",
        "user_id",
        [
            _attribute("spent", "double", "sum", property=PRICE, period="PT20M",
                       criteria=_action("add_to_cart")),
            _attribute("mean_price", "double", "mean", property=PRICE, period="PT2H"),
            _attribute("cheapest", "double", "min", property=PRICE, period="PT45S"),
            _attribute("seen", "int32", "counter", period="P1D", default_value=0),
        ],
    ),
    "intervention/nudge/1": _rule(
        "nudge",
        "domain_userid",
        {
            "all": [
                _criterion("ecom:cart_value", ">", 100),
                _criterion("ecom:views", ">=", 3),
            ]
        },
    ),
    "intervention/reader/1": _rule(
        "reader", "domain_sessionid", _criterion("visit:pages", ">=", 4)
    ),
    "intervention/spender/1": _rule(
        "spender",
        "user_id",
        {
            "any": [
                _criterion("recent:spent", ">=", 150),
                {"none": [_criterion("recent:mean_price", "<", 60)]},
            ]
        },
    ),
}  # fmt: skip


def shop(events: int, *, seed: int, start_ms: int) -> Iterator[GeneratedEvent]:
    """Events of a shop, 2 % of them twice and 5 % late, over some hours before `start_ms`."""
    return islice(
        Shop(seed, users=1_500, start_ms=start_ms, rate=25.0, duplicate_rate=0.02, late_rate=0.05),
        events,
    )


def by_person(events: Iterable[GeneratedEvent], partitions: int) -> list[tuple[bytes, int]]:
    """Each event with a source partition that has all events of its person."""
    found = list(events)
    leader: dict[str, str] = {}

    def root(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for event in found:
        names = [one for one in (event.user_id, event.domain_userid, event.domain_sessionid) if one]
        for other in names[1:]:
            leader[root(other)] = root(names[0])
    placed = []
    for event in found:
        name = event.user_id or event.domain_userid or event.domain_sessionid
        placed.append((event.value, murmur2(root(name).encode()) % partitions))
    return placed


def profile_ids(events: Iterable[GeneratedEvent]) -> dict[str, list[str]]:
    """The ids of each attribute key."""
    ids: dict[str, set[str]] = {"domain_userid": set(), "domain_sessionid": set(), "user_id": set()}
    for event in events:
        for key, found in ids.items():
            identifier = getattr(event, key)
            if identifier:
                found.add(identifier)
    return {key: sorted(found) for key, found in ids.items()}


def read_all(
    cluster: Cluster, ids: dict[str, list[str]]
) -> tuple[dict[tuple[str, str], Json], tuple[int, int]]:
    """Every profile's attributes by the command line, and the first and last time of reading."""
    attributes: dict[tuple[str, str], Json] = {}
    times: list[int] = []
    for key, wanted in ids.items():
        for start in range(0, len(wanted), 1_000):
            answer = cluster.read_profiles(key, wanted[start : start + 1_000])
            times.append(answer["now_ms"])
            for identifier, values in answer["profiles"].items():
                attributes[key, identifier] = values
    return attributes, (min(times), max(times))


def compare(cluster: Cluster, ids: dict[str, list[str]], contributions: Records | None) -> Report:
    """Everything that the workers hold and have written, against the model."""
    attributes, read_ms = read_all(cluster, ids)
    settings = cluster.settings
    return verify(
        cluster.bootstrap_servers,
        source_topic=settings.enriched_topic,
        interventions_topic=settings.interventions_topic,
        contributions=contributions,
        definitions=list(DEFINITIONS.values()),
        attributes_by_profile=attributes,
        read_now_ms=(read_ms[0] - 2_000, read_ms[1] + 2_000),
        order="source" if contributions is None else "contributions",
    )


def aborted_transactions(cluster: Cluster) -> int:
    """How many flushes stand in the changelog without being committed."""
    counts = []
    for isolation in ("read_uncommitted", "read_committed"):
        records = read_topic(
            cluster.bootstrap_servers, cluster.settings.changelog_topic, isolation=isolation
        )
        counts.append(sum(one.key == POSITIONS_KEY for found in records.values() for one in found))
    return counts[0] - counts[1]

"""Definitions that change under way, and what is noted so that their effect can be computed.

A worker applies a contribution under the definitions that it has then: at least those under which
the contribution was made, at most those that stand in the topic by then. So before each change it
is noted how far the definitions and the group's positions are: what the group had committed was
applied without the change.
"""

import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition

from definitions.records import from_record
from processor.errors import BrokerError, ConflictError
from processor.streaming.definitions.definitions_topic import DefinitionsWriter
from tests.broker.cluster import Cluster, group_of
from tests.model.topic_reader import read_topic
from tests.storm.broker import admin_client
from tests.storm.catalogue import (
    KEYS,
    PATH,
    PRICE,
    SHOPPING,
    VIEWS,
    Json,
    attribute,
    criterion,
    group,
    record_key,
    rule,
)

# Calls to Kafka are short; one that waits for a coordinator that is gone waits in vain.
TIMEOUT_S = 10.0
# A change is tried again while Kafka is away, for so long.
AWAY_MAX_S = 90.0
RETRY_S = 0.5
# What was unpublished stays so for at least this long before it comes back.
GONE_S = 15.0
JOINT_RULES_MAX = 2
# A definition in force costs each event; older ones leave before newer ones come.
LIVE_MAX = 8
# The record of what a partition keeps: its key, and what stands before the msgpack array whose
# first item is the offset of the definitions.
COVERAGE_KEY = b"\x03"
HEADER_BYTES = 6


@dataclass(frozen=True)
class Sample:
    """The ends of the topics before a change: by partition, what the group had committed."""

    definitions_end: int
    contributions: dict[int, int]
    rules: dict[int, int]


@dataclass
class Changes:
    """Changes definitions at the wish of the storm; each change is drawn from the seed."""

    cluster: Cluster
    random: Random
    samples: list[Sample] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._writer = DefinitionsWriter(self.cluster.settings)
        self._number = 0
        self._joint = 0
        self._tide = 1
        self._live: list[list[Json]] = []
        self._gone: list[tuple[float, list[Json]]] = []
        self._gone_offset = -1

    def change(self) -> str:
        """Make one change; what it was."""
        what, act = self._next()
        deadline = time.monotonic() + AWAY_MAX_S
        while True:
            try:
                self.samples.append(self._sample())
                act()
                break
            except (BrokerError, ConflictError, KafkaException, TimeoutError) as error:
                if time.monotonic() > deadline:
                    raise
                self.done.append(f"{what}: again after {error!r}")
                self.cluster.admin = admin_client(self.cluster.bootstrap_servers)
                time.sleep(RETRY_S)
        self.done.append(what)
        return what

    # --- what is changed ---------------------------------------------------------------------

    def _next(self) -> tuple[str, Callable[[], Any]]:
        comes_back = [one for one in self._gone if one[0] < time.monotonic() - GONE_S]
        kinds = ["own", "own", "shared", "rule", "tide"]
        kinds += ["joint"] * (self._joint < JOINT_RULES_MAX)
        kinds += ["unpublish"] * (2 if self._live else 0)
        kinds += ["again"] * (2 if comes_back else 0) + ["delete"] * bool(comes_back)
        kind = "unpublish" if len(self._live) >= LIVE_MAX else self.random.choice(kinds)
        if kind == "unpublish":
            return self._unpublish(self._live.pop(self.random.randrange(len(self._live))))
        if kind == "again" and self._noted_offset() < self._gone_offset:
            kind = "own"  # owners that see both at once see neither
        if kind in ("again", "delete"):
            chosen = self.random.choice(comes_back)
            self._gone.remove(chosen)
            return self._delete(chosen[1]) if kind == "delete" else self._publish(chosen[1], kind)
        self._number += 1
        made = {
            "own": self._own,
            "shared": self._shared,
            "rule": self._rule,
            "tide": self._next_tide,
            "joint": self._joint_rule,
        }[kind]()
        return self._publish(made, kind)

    def _publish(self, objects: list[Json], kind: str) -> tuple[str, Callable[[], Any]]:
        if kind not in ("joint", "tide"):
            self._live.append(objects)
        names = [record_key(one) for one in objects]
        return f"publish {names} ({kind})", lambda: self._writer.publish(map(stored, objects))

    def _unpublish(self, objects: list[Json]) -> tuple[str, Callable[[], Any]]:
        """Take out all, or only the group: then its rules stop with it."""
        self._gone.append((time.monotonic(), objects))
        names = [record_key(one) for one in objects]
        if self.random.random() < 0.5:
            names = names[:1]

        def act() -> None:
            self._gone_offset = self._writer.unpublish(names).offset

        return f"unpublish {names}", act

    def _delete(self, objects: list[Json]) -> tuple[str, Callable[[], Any]]:
        names = [record_key(one) for one in objects]

        def act() -> None:
            self._writer.unpublish(names)
            self._writer.delete(names)

        return f"delete {names}", act

    # --- kinds of definitions ------------------------------------------------------------------

    def _only(self) -> Json:
        """Criteria that all events with a path meet, and that nobody else has: a new series."""
        return {"all": [{"property": PATH, "operator": "!=", "value": f"/no-{self._number}"}]}

    def _own(self) -> list[Json]:
        """A group that looks at events as nobody else does, and a rule on it."""
        key, name, only = self.random.choice(KEYS), f"own_{self._number}", self._only()
        attributes = [
            attribute("count", "int32", "counter", criteria=only),
            attribute("shortly", "int32", "counter", criteria=only, period="PT20S"),
            attribute(
                "sum", "double", "sum", events=SHOPPING, property=PRICE, criteria=only,
            ),
        ]  # fmt: skip
        least = self.random.randrange(2, 5)
        criteria = criterion(f"{name}:count", ">=", least)
        return [group(name, key, attributes), rule(f"rule_{self._number}", [key], criteria)]

    def _shared(self) -> list[Json]:
        """A group over what is kept already: most of it is complete at once."""
        attributes = [
            attribute("seen", "int32", "counter"),
            attribute("shortly", "int32", "counter", period="PT20S"),
            attribute("spent", "double", "mean", events=SHOPPING, property=PRICE, period="PT1M"),
            # The accumulator is a new one: it begins when the partition's owner has read of it.
            attribute("least", "double", "min", events=SHOPPING, property=PRICE),
        ]
        return [group(f"shared_{self._number}", "domain_userid", attributes)]

    def _rule(self) -> list[Json]:
        """A rule over attributes that stay."""
        key, criteria = self.random.choice(
            [
                ("domain_sessionid", criterion("visit:seen", ">=", self.random.randrange(2, 9))),
                ("domain_userid", criterion("lately:minute", ">=", self.random.randrange(2, 5))),
                ("user_id", criterion("recent:mean", ">", self.random.randrange(50, 150))),
            ]
        )
        return [rule(f"soft_{self._number}", [key], criteria)]

    def _next_tide(self) -> list[Json]:
        """The next version of a group whose attribute a rule reads: the rule moves to it."""
        self._tide += 1
        return [tide(self._tide)]

    def _joint_rule(self) -> list[Json]:
        """A rule across attribute keys. It stays."""
        self._joint += 1
        views = self.random.randrange(1, 4)
        criteria = {
            "all": [criterion("ecom:views", ">=", views), criterion("attention:held", ">", 1)]
        }
        return [rule(f"joint_{self._joint}", ["domain_userid", "user_id"], criteria)]

    def _noted_offset(self) -> int:
        """Up to which definitions all owners have written down what they keep; -1 if unknown.

        An owner writes that to its partition of the changelog (decisions/coverage.md).
        """
        try:
            found = read_topic(
                self.cluster.bootstrap_servers, self.cluster.settings.changelog_topic
            )
        except (KafkaException, TimeoutError):
            return -1
        noted = dict.fromkeys(found, -1)
        for partition, records in found.items():
            for record in records:
                if record.key == COVERAGE_KEY and record.value:
                    (noted[partition], *_) = msgspec.msgpack.decode(record.value[HEADER_BYTES:])
        return min(noted.values(), default=-1)

    # --- how far everything is -------------------------------------------------------------------

    def _sample(self) -> Sample:
        settings = self.cluster.settings
        committed = {
            topic: self._committed(topic)
            for topic in (settings.contributions_topic, settings.rules_topic)
        }
        # Read last: a definition behind this end is younger than what was committed.
        end = self._end(settings.definitions_topic)
        return Sample(end, *committed.values())

    def _committed(self, topic: str) -> dict[int, int]:
        """What the group has committed. By a consumer: another thread replaces `cluster.admin`."""
        asked = [TopicPartition(topic, one) for one in range(self.cluster.settings.partitions)]
        with closing(self._consumer(group_of(self.cluster.settings, topic))) as consumer:
            found = consumer.committed(asked, TIMEOUT_S)
        return {one.partition: max(0, one.offset) for one in found}

    def _end(self, topic: str) -> int:
        with closing(self._consumer("storm-ends")) as consumer:
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), TIMEOUT_S)
        return int(end)

    def _consumer(self, group_id: str) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.cluster.bootstrap_servers,
                "group.id": group_id,
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )


def stored(one: Json) -> Any:
    """A definition as the writer takes it."""
    return from_record(record_key(one), json.dumps(one).encode())


def tide(version: int) -> Json:
    """A version of the group `tide`: each version looks at events in its own way."""
    other = {"all": [{"property": PATH, "operator": "!=", "value": f"/tide-{version}"}]}
    attributes = [attribute("count", "int32", "counter", events=VIEWS, criteria=other)]
    return group("tide", "domain_sessionid", attributes, version=version)


TIDE = [tide(1), rule("tide", ["domain_sessionid"], criterion("tide:count", ">=", 2))]

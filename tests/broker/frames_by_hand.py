"""Frames that no worker would write, made without the processor's own encoder."""

import zlib
from typing import Any

import msgspec
from confluent_kafka import Producer

from tests.broker.cluster import Cluster
from tests.model.contribution_log import HEADER, Contribution, Section
from tests.model.topic_reader import topic_id

SERIES = 1  # of no definition
_FIELDS = 9


def contribution(offset: int, user: str) -> Contribution:
    at_ms = 1_700_000_000_000 + offset
    return Contribution(
        offset, "domain_userid", user, at_ms, f"{user}-{offset}", "page_view", "", [(SERIES, None)]
    )


def section(
    cluster: Cluster, contributions: list[Contribution], *, epoch: int = 1, sequence: int = 0
) -> Section:
    source = topic_id(cluster.bootstrap_servers, cluster.settings.enriched_topic)
    return Section(source, 0, -1, epoch, sequence, contributions)


def frame(*sections: Section, magic: int = 0xF7, number: int = 1, damage: int = 0) -> bytes:
    body = msgspec.msgpack.encode([_of_format_1(one) for one in sections])
    return HEADER.pack(magic, number, zlib.crc32(body) ^ damage) + body


def _of_format_1(section: Section) -> list[Any]:
    """A section whose contributions do not say when they arrived, and which is not cut."""
    *fields, contributions, _unfinished = msgspec.to_builtins(section)
    return [*fields, [one[:_FIELDS] for one in contributions]]


def write_frames(cluster: Cluster, partition: int, *frames: bytes) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers})
    for one in frames:
        producer.produce(cluster.settings.contributions_topic, one, partition=partition)
    assert producer.flush(30) == 0

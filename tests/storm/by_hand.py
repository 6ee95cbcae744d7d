"""A storm of a few events, written by hand: what the topics would hold of it."""

import hashlib
import json
import struct
import uuid
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.model.enriched import COLUMNS
from tests.model.topic_reader import Record
from tests.storm.catalogue import attribute, criterion, group, record_key, rule
from tests.storm.changes import Sample
from tests.storm.evidence import Evidence, Read
from tests.storm.verifier import Findings, Verifier

Json = dict[str, Any]
KEY = "domain_userid"
TOPIC, TOPIC_ID = "storm-enriched", "id"
# 2026-01-01 00:00:00; event n happens n seconds later.
BEGIN_MS = 1_767_225_600_000
ARRIVED_MS = BEGIN_MS + 1_800_000
NOW_MS = BEGIN_MS + 3_600_000
ALL = group("all", KEY, [attribute("seen", "int32", "counter")])
# Another series than that of `all`.
ELSE = {"all": [{"property": {"type": "atomic", "name": "app_id"}, "operator": "!=", "value": "x"}]}
OTHER = group("other", KEY, [attribute("seen", "int32", "counter", criteria=ELSE)])
# The series of `all` with an accumulator of its own.
LATER = group("later", KEY, [attribute("idle", "double", "time_since_first", time_unit="s")])
SECOND = rule("second", [KEY], criterion("all:seen", ">=", 2))


def line(number: int, user: str = "u") -> bytes:
    columns = dict.fromkeys(COLUMNS, "")
    columns |= {"app_id": "storm", "event_id": event_id(number), KEY: user}
    columns |= {"event_name": "page_view", "collector_tstamp": f"2026-01-01 00:00:{number:02d}.000"}
    return "\t".join(columns.values()).encode()


def event_id(number: int) -> str:
    return str(uuid.UUID(int=number))


@dataclass
class Storm:
    """One source partition and one of contributions; event n has offset n in the source."""

    evidence: Evidence = field(
        default_factory=lambda: Evidence(TOPIC, TOPIC_ID, *({0: []} for _ in range(5)))
    )
    _sections: Counter[int] = field(default_factory=Counter)

    def define(self, *changes: Json | str) -> int:
        """Publish what is given, unpublish what is named; the offset of the last record."""
        records = self.evidence.definitions
        for one in changes:
            if isinstance(one, str):
                key, value = one, {**self._last(one), "is_published": False}
            else:
                key, value = record_key(one), one
            records.append(Record(len(records), key.encode(), json.dumps(value).encode()))
        return len(records) - 1

    def _last(self, key: str) -> Json:
        found = [one for one in self.evidence.definitions if one.key == key.encode()]
        stored: Json = json.loads(found[-1].value or b"")
        return stored

    def send(
        self,
        *numbers: int,
        under: int,
        time_ms: int | None = None,
        arrived_ms: int = ARRIVED_MS,
        epoch: int = 1,
    ) -> None:
        """Events, and a frame of their contributions, made under definitions up to an offset."""
        source, frames = self.evidence.source[0], self.evidence.contributions[0]
        for number in numbers:
            if number == len(source):
                source.append(Record(number, None, line(number), ARRIVED_MS))
        contributions = [
            [
                number, KEY, "u", time_ms or BEGIN_MS + number * 1_000, event_id(number),
                "page_view", "", [[7, None]], None, arrived_ms,
            ]
            for number in numbers
        ]  # fmt: skip
        sequence = self._sections[epoch]
        self._sections[epoch] += 1
        body = msgspec.msgpack.encode([[TOPIC_ID, 0, under, epoch, sequence, contributions]])
        value = struct.pack(">BBI", 0xF7, 2, zlib.crc32(body)) + body
        frames.append(Record(len(frames), None, value))

    def sample(self) -> None:
        """All frames are applied, and the definitions are as they are."""
        applied = {0: len(self.evidence.contributions[0])}
        self.evidence.samples.append(Sample(len(self.evidence.definitions), applied, {}))

    def fire(self, fired: Json, number: int, before: Any, after: Any) -> None:
        """The message of a rule with one criterion that an event has triggered."""
        leaf, name = fired["criteria"], fired["name"]
        digest = hashlib.sha256(f"{name}\n1\n{event_id(number)}".encode()).digest()
        stamp = f"2026-01-01T00:00:{number:02d}.000Z"
        data = {
            "intervention_id": str(uuid.UUID(bytes=digest[:16], version=5)),
            "name": name, "version": 1, "origin": "rule",
            "target_attribute_key": {"name": KEY, "id": "u"},
            "attributes": {leaf["attribute"]: after},
            "fired_at": stamp,
            "trigger": {
                "event_id": event_id(number), "event_name": "page_view", "derived_tstamp": None,
                "topic": TOPIC, "partition": 0, "offset": number,
            },
            "because": [
                {
                    "attribute": leaf["attribute"], "group_version": 1,
                    "operator": leaf["operator"], "value": leaf["value"],
                    "before": before, "after": after,
                }
            ],
            "definitions_offset": 0,
        }  # fmt: skip
        schema = "iglu:io.processor/intervention/jsonschema/1-0-0"
        value = json.dumps({"schema": schema, "data": data}).encode()
        records = self.evidence.interventions[0]
        records.append(Record(len(records), b"u", value))

    def read(self, **values: Any) -> None:
        """What a worker answered in the end: `all_seen=2` is `all_v1:seen`."""
        named = {name.replace("_", "_v1:"): value for name, value in values.items()}
        self.evidence.reads.append(Read(KEY, NOW_MS, {"u": named}))

    def verify(self) -> Findings:
        return Verifier(self.evidence, lambda _text: None).verify()

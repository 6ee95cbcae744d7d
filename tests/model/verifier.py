"""Was a run on Kafka right? An independent look at what went in and what came out.

It reads the source and the interventions topic, applies the events to the naive model in the order
in which each profile got them, and compares attributes and interventions. The order is that of the
source, where all events of a profile stand in one partition, or that of the contributions topic.
Rules across attribute keys follow the order of the rules topic; what their targets remember must
not have become too old on the way, since no topic says when that is forgotten.
It imports nothing of the processor.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from tests.model.contribution_log import Contribution, ContributionLog, Section
from tests.model.enriched import NotAnEventError
from tests.model.naive import Entry, Model, ProfileId
from tests.model.part_log import PartLog
from tests.model.published import Attribute, Json
from tests.model.topic_reader import Record, Records, read_topic, topic_id
from tests.model.values import UNITS_MS, agrees

Place = tuple[int, int]  # partition and offset in the source
Step = tuple[Place, list[ProfileId]]
DIFFERENCES_MAX = 100


@dataclass(frozen=True)
class Evidence:
    """What stood in the topics. Frames and the topic's id are needed only for their order."""

    source_topic: str
    source: Records
    interventions: Records
    contributions: Records | None = None
    source_topic_id: str = ""
    parts: Records = field(default_factory=dict)


@dataclass
class Report:
    """What was looked at, and everything that is not as it should be."""

    events: int = 0
    malformed: Counter[str] = field(default_factory=Counter)
    profiles: int = 0
    duplicates: int = 0
    applied: int = 0
    replayed: int = 0
    dropped: int = 0
    parts: int = 0
    interventions: int = 0
    joint_interventions: int = 0
    attributes_compared: int = 0
    difference_count: int = 0
    differences: list[str] = field(default_factory=list)

    def differ(self, text: str) -> None:
        """Note a difference; only the first ones are kept in full."""
        self.difference_count += 1
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(text)


def verify(
    bootstrap: str,
    *,
    source_topic: str,
    interventions_topic: str,
    contributions: str | Records | None = None,
    parts: str | Records | None = None,
    definitions: list[Json],
    attributes_by_profile: Mapping[ProfileId, Json],
    read_now_ms: int | tuple[int, int],
    order: Literal["source", "contributions"] = "source",
    **options: Any,
) -> Report:
    """Read the topics of a run and check it; see `check`.

    `contributions` and `parts` (the rules topic, for definitions that have rules across keys) are
    the topics, or what a Recorder got of them: workers delete what they have used.
    """
    if order == "contributions" and contributions is None:
        raise ValueError("the order of the contributions needs their topic")
    if isinstance(contributions, str):
        contributions = read_topic(bootstrap, contributions, isolation="read_uncommitted")
    evidence = Evidence(
        source_topic,
        read_topic(bootstrap, source_topic),
        read_topic(bootstrap, interventions_topic),
        contributions if order == "contributions" else None,
        topic_id(bootstrap, source_topic),
        read_topic(bootstrap, parts) if isinstance(parts, str) else parts or {},
    )
    model = Model(definitions, **options)
    return check(evidence, model, attributes_by_profile, read_now_ms)


def check(
    evidence: Evidence,
    model: Model,
    attributes_by_profile: Mapping[ProfileId, Json],
    read_now_ms: int | tuple[int, int],
) -> Report:
    """Compare a run with an empty model.

    Attributes were read at `read_now_ms`, or between two such times: then the value of any moment
    between them will do. They are named `group_v1:attribute`, or `attribute` where one group of the
    key has it.
    """
    report = Report()
    lines = {
        (partition, record.offset): record
        for partition, records in sorted(evidence.source.items())
        for record in records
    }
    report.events = len(lines)
    expected = read_entries(model, lines, report)
    if evidence.contributions is None:
        steps = in_source_order(expected, report)
    else:
        steps = in_contribution_order(evidence, expected, report)
    fired: list[Json] = []
    for (partition, offset), owners in steps:
        line, arrival_ms = value_of(lines[partition, offset])
        result = model.apply(line, evidence.source_topic, partition, offset, owners, arrival_ms)
        assert isinstance(result, list), "only events get here"
        fired += result
    fired += join_parts(evidence, model, report)
    report.duplicates = model.duplicates
    report.profiles = len(model.profiles)
    compare_interventions(evidence.interventions, fired, report)
    compare_attributes(model, attributes_by_profile, read_now_ms, report)
    return report


def read_entries(
    model: Model, lines: Mapping[Place, Record], report: Report
) -> dict[Place, dict[ProfileId, Entry]]:
    """What each event contributes; what is no event is counted."""
    expected = {}
    for place, record in lines.items():
        try:
            expected[place] = model.contributions(*value_of(record))
        except NotAnEventError as error:
            report.malformed[str(error)] += 1
    return expected


def value_of(record: Record) -> tuple[bytes, int | None]:
    """The event, and when it arrived."""
    return record.value or b"", record.timestamp_ms


def in_source_order(
    expected: Mapping[Place, Mapping[ProfileId, Entry]], report: Report
) -> Iterator[Step]:
    """Every event for all of its profiles, as the source has them."""
    partitions: dict[ProfileId, int] = {}
    for place, entries in expected.items():
        for owner in entries:
            if partitions.setdefault(owner, place[0]) != place[0]:
                report.differ(f"{owner} has events in several source partitions: unknown order")
                partitions[owner] = place[0]
        report.applied += len(entries)
        yield place, list(entries)


def in_contribution_order(
    evidence: Evidence, expected: Mapping[Place, Mapping[ProfileId, Entry]], report: Report
) -> Iterator[Step]:
    """Every contribution that counts, and whether they are just those that the events give."""
    missing = {(place, owner) for place, entries in expected.items() for owner in entries}
    homes: dict[ProfileId, int] = {}
    for partition, records in sorted((evidence.contributions or {}).items()):
        if [one.offset for one in records] != list(range(len(records))):
            report.differ(f"contributions partition {partition} was not read from its first frame")
        log = ContributionLog(partition)
        for record in records:
            for section, one in log.read(record.value or b""):
                place, owner = (section.partition, one.offset), (one.key, one.id)
                if homes.setdefault(owner, partition) != partition:
                    report.differ(
                        f"{owner} is in contributions partitions {homes[owner]} and {partition}"
                    )
                trouble = wrong_contribution(evidence, section, one, expected.get(place, {}))
                if trouble:
                    report.differ(f"contribution of {place} to {owner}: {trouble}")
                else:
                    missing.discard((place, owner))
                    yield place, [owner]
        report.applied += log.applied
        report.replayed += log.replayed
        report.dropped += log.dropped
        for problem in log.problems:
            report.differ(problem)
    for place, owner in sorted(missing):
        report.differ(f"contribution of {place} to {owner}: missing")


def join_parts(evidence: Evidence, model: Model, report: Report) -> list[Json]:
    """What the targets fire in the order of the rules topic, which must hold just what was sent."""
    report.parts = len(model.sent)
    log = PartLog(evidence.source_topic, model.sent)
    fired = [model.targets.join(part) for part in log.read(evidence.parts)]
    for problem in log.problems:
        report.differ(problem)
    found = [one for one in fired if one is not None]
    report.joint_interventions = len(found)
    return found


def wrong_contribution(
    evidence: Evidence, section: Section, one: Contribution, entries: Mapping[ProfileId, Entry]
) -> str:
    """What is wrong with a contribution; empty if nothing is."""
    if section.topic_id != evidence.source_topic_id:
        return f"of topic {section.topic_id} instead of {evidence.source_topic_id}"
    entry = entries.get((one.key, one.id))
    if entry is None:
        return "the event gives the profile nothing"
    found = (one.time_ms, one.event_id, one.event_name, one.derived_tstamp)
    due = (entry.time_ms, entry.event_id, entry.event_name, entry.derived_tstamp)
    if found != due:
        return f"{found} instead of {due}"
    numbers, ids = one.asks or ([], {})
    if len(set(numbers)) != len(entry.asked) or ids != entry.ids:
        return f"asks {one.asks} instead of {entry.asked} with {entry.ids}"
    return "" if bool(one.values) == bool(entry.values) else f"{one.values} of {entry.values}"


def compare_interventions(found: Records, expected: list[Json], report: Report) -> None:
    """Each expected message exactly once and no other, whatever the offset of the definitions."""
    messages: Counter[str] = Counter()
    for records in found.values():
        for record in records:
            message = json.loads(record.value or b"null")
            target = message["data"]["target_attribute_key"]["id"]
            if (record.key or b"").decode() != target:
                report.differ(f"intervention for {target!r} under the key {record.key!r}")
            if not isinstance(message["data"].pop("definitions_offset", None), int):
                report.differ(f"intervention without definitions_offset: {message}")
            messages[canonical(message)] += 1
    report.interventions = messages.total()
    due = Counter(map(canonical, expected))
    for text in sorted(messages.keys() | due.keys()):
        if messages[text] != due[text]:
            report.differ(f"intervention {messages[text]} times instead of {due[text]}: {text}")


def canonical(message: Json) -> str:
    """The same text for the same message."""
    return json.dumps(message, sort_keys=True)


def compare_attributes(
    model: Model,
    attributes_by_profile: Mapping[ProfileId, Json],
    read_now_ms: int | tuple[int, int],
    report: Report,
) -> None:
    """Each attribute has the value of the model at a moment of the read."""
    start, end = (read_now_ms, read_now_ms) if isinstance(read_now_ms, int) else read_now_ms
    for owner, found in attributes_by_profile.items():
        times_ms = model.change_times(owner, start, end)
        moments = [model.all_attributes(*owner, now_ms) for now_ms in times_ms]
        named = model.named(owner[0])
        for name, value in found.items():
            if name == owner[0]:
                continue
            report.attributes_compared += 1
            if name not in named:
                report.differ(f"{owner} {name}: {value!r} instead of no such attribute")
                continue
            due = [moment[name] for moment in moments]
            spans_ms = [until - since for since, until in pairwise([*times_ms, end])]
            if not any(
                agrees(named[name], value, one) or grown(named[name], value, one, span_ms)
                for one, span_ms in zip(due, spans_ms, strict=True)
            ):
                report.differ(f"{owner} {name}: {value!r} instead of {shown(due)}")


def grown(attribute: Attribute, value: Any, since: Any, span_ms: int) -> bool:
    """Is it a time since an event that was shorter a moment ago?"""
    unit = attribute.definition.get("time_unit")
    if unit is None or not isinstance(value, float) or not isinstance(since, float):
        return False
    return since <= value <= (since + span_ms / UNITS_MS[unit]) * (1 + 1e-12)


def shown(due: Iterable[Any]) -> str:
    """The values that would have done."""
    return " or ".join(dict.fromkeys(map(repr, due)))

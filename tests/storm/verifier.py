"""Was it right? Everything that a storm left behind, against the naive model.

The order in which each profile got its events is that of the contributions topic; the definitions
of each contribution are those that its section names, and bounds.py says under which it can have
been applied. Nothing here comes from the processor.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.model.contribution_log import Contribution, ContributionLog, Section, decode_frame
from tests.model.enriched import COLUMNS, NotAnEventError, parse
from tests.model.messages import Entry, ProfileId
from tests.model.part_log import PartLog
from tests.model.published import Json
from tests.model.values import agrees
from tests.model.verifier import canonical, wrong_contribution
from tests.storm.bounds import Bounds, bounds_of
from tests.storm.catalogue import KEYS
from tests.storm.evidence import Evidence, reasons_of
from tests.storm.living_model import LivingModel
from tests.storm.timeline import Timeline

Place = tuple[int, int]  # partition and offset in the source
Arrived = tuple[bytes, int | None]  # the line, and when Kafka got it
DIFFERENCES_MAX = 200
PLACES = {key: COLUMNS.index(key) for key in KEYS}
TELL_EVERY_S = 0.5


@dataclass
class Findings:
    """What was compared, what could not be, and what is not as it should be."""

    events: int = 0
    malformed: int = 0
    contributions: int = 0
    replayed: int = 0
    dropped: int = 0
    duplicates: int = 0
    parts: int = 0
    profiles: int = 0
    values: int = 0
    interventions: int = 0
    # Values that had several right outcomes, and firings of which nobody can say whether they must
    # be, by the reason.
    doubtful: Counter[str] = field(default_factory=Counter)
    difference_count: int = 0
    differences: list[str] = field(default_factory=list)

    def differ(self, text: str) -> None:
        """Note a difference; only the first ones are kept in full."""
        self.difference_count += 1
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(text)


class Verifier:
    """Verifies one storm."""

    def __init__(self, evidence: Evidence, tell: Callable[[str], None]) -> None:
        self._evidence = evidence
        self._tell = tell
        self.findings = Findings()
        self.timeline = Timeline(evidence.definitions)
        self.model = LivingModel(self.timeline)
        self._homes: dict[ProfileId, int] = {}
        self._bounds: dict[int, Bounds] = {}
        self._sources: dict[ProfileId, list[Place]] = {}
        self._told_at = time.monotonic()

    def verify(self) -> Findings:
        """Look at everything."""
        lines = {
            (partition, record.offset): (record.value or b"", record.timestamp_ms)
            for partition, records in self._evidence.source.items()
            for record in records
        }
        self.findings.events = len(lines)
        self._check_dead_letters(lines)
        missing = {
            (place, owner) for place, (line, _) in lines.items() for owner in self._owners(line)
        }
        for partition in sorted(self._evidence.contributions):
            self._count(partition, lines, missing)
        for place, owner in sorted(missing)[:DIFFERENCES_MAX]:
            self.findings.differ(f"contribution of {place} to {owner}: missing")
        self._join()
        self._compare_interventions()
        for read in self._evidence.reads:
            for identifier, found in read.profiles.items():
                self._compare_profile((read.key, identifier), found, read.now_ms)
        self.findings.duplicates = self.model.duplicates
        self.findings.profiles = len(self.model.profiles)
        return self.findings

    def _progress(self, text: str) -> None:
        if time.monotonic() - self._told_at > TELL_EVERY_S:
            self._told_at = time.monotonic()
            self._tell(text)

    # --- what went in ----------------------------------------------------------------------------

    def _owners(self, line: bytes) -> Iterator[ProfileId]:
        """The profiles of an event: each key has an attribute that counts every event."""
        try:
            parse(line)
        except NotAnEventError:
            return
        fields = line.split(b"\t")
        for key, place in PLACES.items():
            if fields[place]:
                yield key, fields[place].decode()

    def _contributions(self, arrived: Arrived, state: int) -> dict[ProfileId, Entry]:
        return self.timeline.model(state).contributions(*arrived)

    def _check_dead_letters(self, lines: dict[Place, Arrived]) -> None:
        due = {}
        for place, (line, _) in lines.items():
            try:
                parse(line)
            except NotAnEventError as error:
                due[place] = str(error)
        found = reasons_of(self._evidence.dead_letters, self._evidence.source_topic)
        self.findings.malformed = len(due)
        for place in sorted(due.keys() | found.keys()):
            if due.get(place) != found.get(place):
                self.findings.differ(
                    f"dead letter of {place}: {found.get(place)} instead of {due.get(place)}"
                )

    # --- contributions -----------------------------------------------------------------------

    def _count(
        self,
        partition: int,
        lines: dict[Place, Arrived],
        missing: set[tuple[Place, ProfileId]],
    ) -> None:
        records = self._evidence.contributions[partition]
        if [one.offset for one in records] != list(range(len(records))):
            self.findings.differ(f"contributions partition {partition}: frames are missing")
        sections = [
            (record.offset, section)
            for record in records
            for section in decode_frame(record.value or b"")
        ]
        offsets = [(offset, section.definitions_offset) for offset, section in sections]
        bounds = bounds_of(partition, offsets, self.timeline, self._evidence.samples)
        self._bounds[partition] = bounds
        self.model.begin(bounds)
        log = ContributionLog(partition)
        for number, (_, section) in enumerate(sections):
            if bounds.least[number] > bounds.greatest[number]:
                self.findings.differ(f"partition {partition}: section {number} is from the future")
            for one in log.take(section):
                self._apply(partition, number, section, one, lines, missing)
        self.findings.contributions += log.applied
        self.findings.replayed += log.replayed
        self.findings.dropped += log.dropped
        for problem in log.problems:
            self.findings.differ(problem)

    def _apply(
        self,
        partition: int,
        number: int,
        section: Section,
        one: Contribution,
        lines: dict[Place, Arrived],
        missing: set[tuple[Place, ProfileId]],
    ) -> None:
        place, owner = (section.partition, one.offset), (one.key, one.id)
        home = self._homes.setdefault(owner, partition)
        if home != partition:
            self.findings.differ(f"{owner} is in contributions partitions {home} and {partition}")
        try:
            state = self.timeline.state(section.definitions_offset)
            entries = self._contributions(lines.get(place, (b"", None)), state)
        except NotAnEventError:
            entries = {}
        trouble = wrong_contribution(self._evidence, section, one, entries)
        if not trouble and one.arrival_ms != entries[owner].arrival_ms:
            trouble = f"arrived at {one.arrival_ms} instead of {entries[owner].arrival_ms}"
        if trouble:
            self.findings.differ(f"contribution of {place} to {owner}: {trouble}")
            return
        missing.discard((place, owner))
        source = {
            "topic": self._evidence.source_topic, "partition": place[0], "offset": place[1],
        }  # fmt: skip
        self._sources.setdefault(owner, []).append(place)
        self.model.count(owner, entries[owner], number, source)
        self._progress(f"verifying: contributions partition {partition}, section {number}")

    def _join(self) -> None:
        """What the targets of rules across keys fire, in the order of the rules topic."""
        self.findings.parts = len(self.model.sent)
        log = PartLog(self._evidence.source_topic, self.model.sent)
        for part in log.read(self._evidence.parts):
            fired = self.model.targets.join(part)
            if fired is not None:
                self.model.outcome.due[canonical(fired)] += 1
        for problem in log.problems:
            self.findings.differ(problem)

    # --- what came out -----------------------------------------------------------------------

    def _compare_interventions(self) -> None:
        outcome = self.model.outcome
        found: Counter[str] = Counter()
        for records in self._evidence.interventions.values():
            for record in records:
                sent = json.loads(record.value or b"null")
                target = sent["data"]["target_attribute_key"]["id"]
                if (record.key or b"").decode() != target:
                    self.findings.differ(f"intervention for {target!r} under {record.key!r}")
                if not isinstance(sent["data"].pop("definitions_offset", None), int):
                    self.findings.differ(f"intervention without definitions_offset: {sent}")
                found[canonical(sent)] += 1
        self.findings.interventions = found.total()
        self.findings.doubtful["firings while the definitions changed"] += (
            outcome.possible.total() + len(outcome.unknowable)
        )
        for text in sorted(found.keys() | outcome.due.keys()):
            least = outcome.due[text]
            greatest = least + outcome.possible[text]
            if least <= found[text] <= greatest:
                continue
            if not least and found[text] == 1 and occasion(text) in outcome.unknowable:
                continue
            self.findings.differ(
                f"intervention {found[text]} times instead of {least} to {greatest}: {text}"
            )

    def _compare_profile(self, owner: ProfileId, found: Json, now_ms: int) -> None:
        home = self._homes.get(owner)
        if home is not None:
            self.model.begin(self._bounds[home])
        state = self.timeline.last
        attributes = [one for one in self.timeline.attributes(state) if one.key == owner[0]]
        due = {f"{one.id[0]}_v{one.id[1]}:{one.id[2]}": one for one in attributes}
        if due.keys() != found.keys():
            names = sorted(due.keys() ^ found.keys())
            self.findings.differ(f"{owner}: has or lacks {names}")
            return
        for name, one in due.items():
            self.findings.values += 1
            values = self.model.values_of(one, owner, state, now_ms)
            if len(values) > 1:
                self.findings.doubtful["values of what began while the definitions changed"] += 1
            if not any(agrees(one, found[name], value) for value in values):
                shown = " or ".join(dict.fromkeys(map(repr, values)))
                self.findings.differ(
                    f"{owner} {name} at {now_ms}: found {found[name]!r}, expected {shown}; "
                    f"its events: {self._events(owner)}"
                )
        self._progress(f"verifying: {self.findings.values} values")

    def _events(self, owner: ProfileId) -> str:
        """The last events of a profile: where they stand in the source, and what they are."""
        history = self.model.profiles.get(owner, [])
        ids = [one.event_id for one in history[-5:]]
        return f"{len(history)} counted, the last {ids}, at {self._sources.get(owner, [])[-8:]}"


def occasion(text: str) -> tuple[tuple[str, int], ProfileId, int, int]:
    """Which rule a message is of, for whom, because of which event."""
    data = json.loads(text)["data"]
    target, trigger = data["target_attribute_key"], data["trigger"]
    return (
        (data["name"], data["version"]),
        (target["name"], target["id"]),
        trigger["partition"],
        trigger["offset"],
    )

"""What a storm leaves behind: all that its verifier looks at."""

import json
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.model.topic_reader import Record, Records
from tests.storm.changes import Sample

FILE = "evidence.pickle"


@dataclass(frozen=True)
class Read:
    """Profiles of one attribute key, as a worker answered; at `now_ms` by its own account."""

    key: str
    now_ms: int
    profiles: dict[str, dict[str, Any]]


@dataclass
class Evidence:
    """Records of the topics, what was noted at changes, what was read at the end."""

    source_topic: str
    source_topic_id: str
    source: Records = field(default_factory=dict)
    contributions: Records = field(default_factory=dict)
    parts: Records = field(default_factory=dict)
    interventions: Records = field(default_factory=dict)
    dead_letters: Records = field(default_factory=dict)
    definitions: list[Record] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)

    def save(self, directory: Path) -> None:
        """Keep it, so that it can be looked at once more."""
        with (directory / FILE).open("wb") as file:
            pickle.dump(self, file)


def saved(directory: Path) -> Evidence:
    """What was kept in a directory."""
    with (directory / FILE).open("rb") as file:
        found = pickle.load(file)
    assert isinstance(found, Evidence)
    return found


def ids_in(source: Records, keys: dict[str, int]) -> dict[str, list[str]]:
    """The ids of each key in the lines of the source, by the place of its column."""
    found: dict[str, set[str]] = {key: set() for key in keys}
    for records in source.values():
        for record in records:
            fields = (record.value or b"").split(b"\t")
            for key, place in keys.items():
                if place < len(fields) and fields[place]:
                    found[key].add(fields[place].decode(errors="replace"))
    return {key: sorted(ids) for key, ids in found.items()}


def reasons_of(letters: Records, topic: str) -> dict[tuple[int, int], str]:
    """The dead letters of a topic: the reason by partition and offset."""
    found = {}
    for records in letters.values():
        for record in records:
            letter = json.loads(record.value or b"{}")
            if letter["topic"] == topic:
                found[letter["partition"], letter["offset"]] = letter["reason"]
    return found

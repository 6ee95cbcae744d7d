"""Records of every kind, written by the version of the processor whose code is imported.

`python records.py` prints them as JSON: in hexadecimal by kind, those of a profile by the suffix of
their key. It runs with the code of 42a2ca5, too, which writes level 1 and takes no level: so what
stands here of level 1 may name only what that version has.
"""

import base64
import json
import sys
from inspect import signature
from pathlib import Path
from typing import Any

from processor.engine import (
    Asks,
    Contribution,
    Coverage,
    Part,
    Profile,
    changed_records,
    decode_profile,
    encode_part,
)
from processor.engine.coverage import Kept
from processor.streaming.messages.frames import Section, encode_frame, encode_section
from processor.streaming.profiles.positions import Positions

# A profile with chunks, nodes, large states, firings and joint instances, written by a version from
# before there were levels, and what is read of it.
PROFILE = Path(__file__).parents[1] / "data" / "profile-v1.json"
MAX = 2**63 - 1
Json = dict[str, Any]


def since_2(level: int, **fields: Any) -> Json:
    """Fields that level 1 does not have."""
    return fields if level > 1 else {}


def contribution(*fields: Any, arrival_ms: int = 0) -> Contribution:
    """A contribution of source partition 3 by the fields of its record."""
    if not hasattr(Contribution, "trigger"):  # in versions in which it had the event's fields
        return Contribution(*fields, **since_2(arrival_ms, arrival_ms=arrival_ms))
    offset, key, id_, time_ms, event_id, name, derived, values, *asks = fields
    trigger = trigger_of(("enriched", 3), offset, (time_ms, event_id, name, derived), arrival_ms)
    return Contribution(trigger, key, id_, values, *asks)


def trigger_of(source: tuple[str, int], offset: int, event: Json, arrival_ms: int) -> Any:
    from processor.events import Source, Trigger

    time_ms, event_id, name, derived = event
    return Trigger(event_id, name, derived, Source(*source), offset, time_ms, arrival_ms)


def part(*fields: Any, arrival_ms: int = 0) -> Part:
    """A part by the fields of its record."""
    if not hasattr(Part, "trigger"):
        return Part(*fields, **since_2(arrival_ms, arrival_ms=arrival_ms))
    *ours, topic, partition, offset, definitions_offset = fields
    trigger = trigger_of((topic, partition), offset, ours[8:], arrival_ms)
    return Part(*ours[:8], trigger, definitions_offset)


def sections(level: int) -> list[Section]:
    arrival = since_2(level, arrival_ms=MAX - 1)
    values = [(MAX, None), (1, True), (2, -MAX), (3, 1e308), (4, "é€😀"), (5, "")]
    asks = Asks([1, MAX], {"user_id": "jo", "domain_userid": "é"})
    at_ms = 1_700_000_000_000
    ours = [
        contribution(7, "user_id", "jo", at_ms, "e-1", "click", "2023", values, **arrival),
        contribution(MAX, "domain_userid", "é", 0, "e-2", "", "", [], asks, **arrival),
    ]
    return [
        Section("topic-id", 3, 41, 1_700_000_000_001, 5, ours),
        Section("topic-id", 4, -1, MAX, 0, [], **since_2(level, unfinished=True)),
    ]


def frame(level: int, *argument: int) -> bytes:
    encoded = [encode_section(one, *argument) for one in sections(level)]
    return encode_frame(encoded, *argument)


def positions(level: int) -> Positions:
    made = positions_of({"contributions": ("contributions-id", 42), "rules": ("rules-id", MAX)})
    remembered = {"remembered_since_ms": MAX - 5, "_remembered_horizon_ms": MAX - 6}
    for name, value in since_2(level, taken_over_ms=MAX - 2, **remembered).items():
        setattr(made, name, value)
    for partition, topic_id in enumerate(("topic-id", "made-anew")):
        place = made.admit(Section(topic_id, partition, 0, 1_700_000_000_001 + partition, 0, []))
        assert place is not None
        place.offset, place.time_ms = MAX - partition, 1_700_000_000_000 + partition
        if hasattr(place, "replayed_to"):  # the first version has none
            place.replayed_to = MAX - 9 if level > 1 else place.offset
    return made


def positions_of(inputs: dict[str, tuple[str, int]]) -> Any:
    """Positions by the titles of inputs."""
    if "rules_topic_id" in signature(Positions).parameters:  # in versions with these two alone
        return Positions(*(field for place in inputs.values() for field in place))
    from processor.profile_inputs import ProfileInput

    noted = {one: inputs[one.title] for one in ProfileInput if one.title in inputs}
    return Positions(
        {one: topic_id for one, (topic_id, _) in noted.items()},
        {one: offset for one, (_, offset) in noted.items()},
    )


def coverage(level: int) -> Coverage:
    open_since = Kept(1_700_000_000_000, 60_000, **since_2(level, offset=40, confirmed=False))
    return Coverage(41, -2, 3, {1: Kept(0, 0), ~2: open_since}, {MAX: 2, -5: 3})


def parts(level: int) -> list[Part]:
    """One as most are, and one with integers that msgpack does not hold."""
    ids = {"domain_sessionid": "é", "user_id": "jo"}
    values = [None, True, 1, 1.5, "x", ["a", 1], {"a": 2}]
    event = (1_700_000_000_000, "e-1", "click", "2023", "enriched", 3, MAX, -1)
    arrival = since_2(level, arrival_ms=MAX - 3)
    large = [2**64, -(2**70)]
    return [
        part(MAX, "user_id", "jo", "domain_sessionid", ids, values, [], [None], *event, **arrival),
        part(1, "user_id", "jo", "user_id", ids, large, [2**63], [0], *event, **arrival),
    ]


def profile_records() -> dict[bytes, bytes]:
    """The records of the profile as they were written first, by the suffixes of their keys."""
    written = json.loads(PROFILE.read_text())["records"]
    return {bytes.fromhex(suffix): base64.b64decode(text) for suffix, text in written.items()}


class CallableRecords(dict[bytes, bytes]):
    """Records by suffix; the first version calls what returns them."""

    __call__ = dict.get


def profile(level: int) -> Profile:
    """The same profile, with all that a level has, to be written as a whole."""
    records = CallableRecords(profile_records())
    found = decode_profile(records.pop(b""), records)
    found.changed = True
    for suffix in records:
        found.parts.put(suffix, found.parts.get(suffix))
    windows = list(found.head.windows.values())
    instances = [one for some in found.head.joints.values() for one in some]
    for holder in (found.head, *windows, *instances):
        for name, value in since_2(level, arrival_ms=MAX - 4).items():
            setattr(holder, name, value)
    return found


def profile_again(level: int, *argument: int) -> Json:
    """What is written of it."""
    found = profile(level)
    again = changed_records(found, *argument)
    return {suffix.hex(): record.hex() for suffix, record in again if record is not None}


def all_records(level: int, *argument: int) -> Json:
    """Every record at a level; `argument` is empty for a version that takes none."""
    return {
        "frame": frame(level, *argument).hex(),
        "positions": positions(level).encode(*argument).hex(),
        "coverage": coverage(level).encode(*argument).hex(),
        "parts": [encode_part(one, *argument).hex() for one in parts(level)],
        "profile": profile_again(level, *argument),
    }


if __name__ == "__main__":
    level, *argument = map(int, sys.argv[1:] or ["1"])
    json.dump(all_records(level, *argument), sys.stdout, indent=1)

"""What the naive model says when a rule fires, and how often a rule may."""

import hashlib
import uuid
from dataclasses import dataclass, field

from tests.model.comparing import Scalar, Value
from tests.model.enriched import iso_or_none, to_iso
from tests.model.published import AttributeId, Json, Rule

ProfileId = tuple[str, str]
RuleId = tuple[str, int]
SCHEMA = "iglu:io.processor/intervention/jsonschema/1-0-0"


@dataclass(frozen=True)
class Entry:
    """An event as a profile gets it: what it gives to its attributes, what it asks it for.

    `asked` are the rules across keys that want the attributes around the event, `ids` all ids of
    the event that these rules know by.
    """

    time_ms: int
    event_id: str
    event_name: str
    derived_tstamp: str
    values: dict[AttributeId, Scalar | None]
    asked: tuple[RuleId, ...] = ()
    ids: dict[str, str] = field(default_factory=dict)
    arrival_ms: int = 0


class Firings:
    """When rules fired for their targets, in the order in which they did."""

    def __init__(self) -> None:
        self._fired_ms: dict[tuple[ProfileId, RuleId], list[int]] = {}

    def may_fire(self, rule: Rule, target: ProfileId, time_ms: int) -> bool:
        """Whether cooldown and number allow one more, which then counts."""
        fired_ms = self._fired_ms.setdefault((target, rule.id), [])
        if rule.cooldown_ms and fired_ms and time_ms < fired_ms[-1] + rule.cooldown_ms:
            return False
        if rule.fires_max and len(fired_ms) >= rule.fires_max:
            return False
        fired_ms.append(time_ms)
        return True


def reason(leaf: Json, rule: Rule, before: dict[str, Value], after: dict[str, Value]) -> Json:
    """A criterion that decided, with the values around the event."""
    name = leaf["attribute"]
    return {
        "attribute": name,
        "group_version": rule.reads[name].id[1],
        "operator": leaf["operator"],
        "value": leaf.get("value"),
        "before": before[name],
        "after": after[name],
    }


def message(
    rule: Rule, target: ProfileId, event: Entry, source: Json, payload: Json, because: list[Json]
) -> Json:
    """The intervention message, without the offset of the definitions."""
    name, version = rule.id
    digest = hashlib.sha256(f"{name}\n{version}\n{event.event_id}".encode()).digest()
    return {
        "schema": SCHEMA,
        "data": {
            "intervention_id": str(uuid.UUID(bytes=digest[:16], version=5)),
            "name": name,
            "version": version,
            "origin": "rule",
            "target_attribute_key": {"name": target[0], "id": target[1]},
            "attributes": payload,
            "fired_at": to_iso(event.time_ms),
            "trigger": {
                "event_id": event.event_id,
                "event_name": event.event_name,
                "derived_tstamp": iso_or_none(event.derived_tstamp),
                **source,
            },
            "because": because,
        },
    }

"""The published definitions as the naive model wants them, from their registry JSON."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Json = dict[str, Any]
AttributeId = tuple[str, int, str]

BUILT_IN_KEYS = {
    "domain_userid": "domain_userid",
    "domain_sessionid": "domain_sessionid",
    "user_id": "user_id",
    "network_userid": "network_userid",
    "user": "domain_userid",
    "session": "domain_sessionid",
}
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Attribute:
    """One attribute of a published group, with what it takes from its group and key."""

    id: AttributeId
    key: str
    definition: Json
    period_ms: int | None
    own_ttl_ms: int | None
    group_ttl_ms: int | None

    @cached_property
    def name(self) -> str:
        """`group:attribute`, as rules and messages name it."""
        return f"{self.id[0]}:{self.id[2]}"

    @cached_property
    def default(self) -> Any:
        """What a profile has that nothing is known of."""
        return self.definition.get("default_value")


@dataclass(frozen=True, eq=False)
class Rule:
    """A published intervention, its attributes by their names in the criteria, its payload."""

    definition: Json
    reads: dict[str, Attribute]
    payload: list[Attribute]

    @cached_property
    def targets(self) -> list[str]:
        """The attribute keys that it fires for: unless it says so, those of its criteria."""
        named = self.definition.get("target_attribute_keys") or []
        return [one["name"] for one in named] or sorted({one.key for one in self.reads.values()})

    @cached_property
    def read_keys(self) -> list[str]:
        """The attribute keys of its criteria and of its payload."""
        return sorted({one.key for one in (*self.reads.values(), *self.payload)})

    @cached_property
    def is_local(self) -> bool:
        """Is all of it about one attribute key?"""
        return len({*self.read_keys, *self.targets}) == 1

    @cached_property
    def needs_memory(self) -> bool:
        """Does its target wait for the attributes of several keys?"""
        return len(self.read_keys) > 1

    @cached_property
    def id(self) -> tuple[str, int]:
        """Name and version."""
        return self.definition["name"], self.definition.get("version", 1)

    @cached_property
    def cooldown_ms(self) -> int | None:
        """How long it does not fire again for a profile."""
        return duration_ms(self.definition.get("cooldown"))

    @cached_property
    def fires_max(self) -> int | None:
        """How often it fires for a profile."""
        return self.definition.get("max_fires")


def read_definitions(
    definitions: list[Json],
) -> tuple[dict[str, Json], dict[str, list[Attribute]], list[Rule]]:
    """The property of each attribute key that is used, its attributes, and the rules."""
    live = [one for one in definitions if one.get("is_published")]
    standalone = {one["name"]: one for one in live if "property" in one}
    keys: dict[str, Json] = {}
    attributes: dict[str, list[Attribute]] = {}
    for group in live:
        if "attribute_key" in group and not group.get("offline") and group.get("online", True):
            name = group["attribute_key"]["name"]
            key = {**standalone.get(name, {}), **group["attribute_key"]}
            built_in = {"type": "atomic", "name": BUILT_IN_KEYS.get(name)}
            keys[name] = key.get("property", built_in)
            attributes.setdefault(name, []).extend(attributes_of(group, key))
    every = [one for several in attributes.values() for one in several]
    rules = [rule_of(one, every) for one in live if "criteria" in one]
    for name in {name for rule in rules for name in rule.targets} - keys.keys():
        built_in = {"type": "atomic", "name": BUILT_IN_KEYS.get(name)}
        keys[name] = standalone.get(name, {}).get("property", built_in)
    return keys, attributes, rules


def attributes_of(group: Json, key: Json) -> list[Attribute]:
    """The attributes of a group; the group's time to live is the key's where it has none."""
    return [
        Attribute(
            id=(group["name"], group.get("version", 1), one["name"]),
            key=key["name"],
            definition=one,
            period_ms=duration_ms(one.get("period")),
            own_ttl_ms=duration_ms(one.get("ttl")),
            group_ttl_ms=duration_ms(group.get("ttl") or key.get("ttl")),
        )
        for one in group["attributes"]
    ]


def rule_of(definition: Json, every: list[Attribute]) -> Rule:
    """`group:attribute` is the highest version of the group that has the attribute."""
    by_version = sorted(every, key=lambda one: one.id[1])
    newest = {one.name: one for one in by_version}
    reads = {
        leaf["attribute"]: newest[leaf["attribute"]] for leaf in leaves(definition["criteria"])
    }
    named = {one.id[:2] for one in reads.values()}
    chosen = definition.get("payload_attribute_groups")
    if chosen:
        named = {(one["name"], one.get("version", 1)) for one in chosen}
    return Rule(definition, reads, [one for one in by_version if one.id[:2] in named])


def leaves(tree: Json) -> list[Json]:
    """The single criteria of a tree, in its order."""
    for kind in ("all", "any", "none"):
        if kind in tree:
            return [leaf for child in tree[kind] for leaf in leaves(child)]
    return [tree]


def duration_ms(text: str | None) -> int | None:
    """An ISO 8601 duration; a year is 365 days, a month 30."""
    if text is None:
        return None
    number = r"(\d+(?:\.\d+)?)"
    pattern = rf"P(?:{number}Y)?(?:{number}M)?(?:{number}W)?(?:{number}D)?"
    pattern += rf"(?:T(?:{number}H)?(?:{number}M)?(?:{number}S)?)?"
    match = re.fullmatch(pattern, text)
    if match is None:
        raise ValueError(text)
    units = (365 * DAY_MS, 30 * DAY_MS, 7 * DAY_MS, DAY_MS, 3_600_000, 60_000, 1_000)
    parts = zip(match.groups(), units, strict=True)
    return round(sum(float(count or 0) * unit for count, unit in parts))

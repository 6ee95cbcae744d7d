"""One scenario: definitions, a table of what happens, the numbers of the rules that it shows."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.scenarios.tables import Round, rounds
from tests.scenarios.writing import BUILT_IN_KEYS, KEYS, Json, prop

Definitions = list[tuple[str, Json]]
_OWNER = "name_tracker"
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Scenario:
    """`rules` are numbers of definitions/README.md, apart by spaces.

    `given` is published before the table begins; `later` holds what its `>` lines name. `settings`
    are those of the worker. `told` are attributes that the message of an event's intervention must
    tell, `because` the criteria that decided: (attribute, before, after). `rejected` counts values
    that could not be used, by attribute and reason; a broker has that as metrics and is not asked.
    `core_only` says why a broker cannot show the scenario.
    """

    title: str
    rules: str
    given: Definitions
    table: str
    later: dict[str, Definitions] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Json] = field(default_factory=dict)
    because: dict[str, list[tuple[str, Any, Any]]] = field(default_factory=dict)
    rejected: dict[tuple[str, str], int] | None = None
    core_only: str = ""

    def __str__(self) -> str:
        return self.title

    @cached_property
    def rounds(self) -> list[Round]:
        return rounds(self.table)

    @cached_property
    def keys(self) -> dict[tuple[str, int], str]:
        """The attribute key of every group version."""
        everything = [*self.given, *(one for many in self.later.values() for one in many)]
        return {
            (value["name"], value["version"]): value["attribute_key"]["name"]
            for record, value in everything
            if record.startswith("attribute_group/") and "attribute_key" in value
        }

    def attribute(self, name: str) -> tuple[str, int, str]:
        """Group, version and attribute of `web:views` (version 1) or `web_v2:views`."""
        group, _, attribute = name.partition(":")
        plain, _, version = group.rpartition("_v")
        return (plain, int(version), attribute) if version.isdigit() else (group, 1, attribute)


def id_of(key: str, ids: dict[str, str]) -> str:
    """The id that a line gives for a key: under the key's column, or `id of KEY`."""
    column = KEYS.get(key, key)
    return ids[f"id of {key}"] if f"id of {key}" in ids else ids[column]


def differs(found: Any, expected: Any) -> bool:
    """Whether an answer is not the expected one; `~100` is 100 within 5 %."""
    if isinstance(expected, str) and expected.startswith("~"):
        wanted = float(expected[1:])
        return not isinstance(found, int) or abs(found - wanted) > 0.05 * wanted
    if isinstance(expected, dict) and isinstance(found, dict):
        return list(found.items()) != list(expected.items())
    return isinstance(found, bool) != isinstance(expected, bool) or found != expected


def fires_differ(found: list[tuple[str, str]], expected: list[str]) -> bool:
    """`found` are (rule, target id); a rule without `>id` is one at any one target."""
    left = [
        (rule.strip(), target.strip()) for rule, _, target in (e.partition(">") for e in expected)
    ]
    for rule, target in found:
        match = next((one for one in left if one[0] == rule and one[1] in {"", target}), None)
        if match is None:
            return True
        left.remove(match)
    return bool(left)


class Names:
    """A scenario under a prefix of its own, so that many share one application.

    Names and ids have it, and so has the column name_tracker of its events, which its attributes
    ask for: attributes of the same meaning would share their state with those of other scenarios.
    """

    def __init__(self, scenario: Scenario, prefix: str) -> None:
        self.scenario = scenario
        self.prefix = prefix

    def definition(self, record: str, value: Json) -> tuple[str, Json]:
        """The record key and the registry JSON of a definition under the prefix."""
        kind = record.partition("/")[0]
        found = dict(value)
        found["name"] = (
            self.key(value["name"]) if kind == "attribute_key" else self.name(value["name"])
        )
        if isinstance(value.get("attribute_key"), dict):
            key = value["attribute_key"]
            found["attribute_key"] = {**key, "name": self.key(key["name"])}
        for links in ("attribute_groups", "payload_attribute_groups"):
            if links in value:
                found[links] = [{**one, "name": self.name(one["name"])} for one in value[links]]
        if "target_attribute_keys" in value:
            found["target_attribute_keys"] = [
                {"name": self.key(one["name"])} for one in value["target_attribute_keys"]
            ]
        if value.get("attributes"):
            found["attributes"] = [self._own(one) for one in value["attributes"]]
        if "criteria" in value and kind == "intervention":
            found["criteria"] = self._tree(value["criteria"])
        return self.record(record), found

    def record(self, record: str) -> str:
        """A record key, or one without its version, under the prefix."""
        kind, name, *version = record.split("/")
        name = self.key(name) if kind == "attribute_key" else self.name(name)
        return "/".join([kind, name, *version])

    def name(self, name: str) -> str:
        return self.prefix + name if name else name

    def plain(self, name: str) -> str:
        """A name as the scenario has it."""
        return name.removeprefix(self.prefix)

    def key(self, name: str) -> str:
        return name if name in BUILT_IN_KEYS else self.prefix + name

    def columns(self, columns: dict[str, str]) -> dict[str, str]:
        """The columns of an event, with ids of its own."""
        cells = {
            name: self.own(cell) if name in BUILT_IN_KEYS else cell
            for name, cell in columns.items()
        }
        event_id = self.prefix + columns["event_id"]
        return {**cells, "event_id": event_id, _OWNER: self.prefix}

    def id(self, key: str, ids: dict[str, str]) -> str:
        """The id that a line gives for a key, under the prefix where events have it so."""
        found = id_of(key, ids)
        return self.own(found) if key in BUILT_IN_KEYS else found

    def own(self, id_: str) -> str:
        """An id under the prefix, but for those that would mean something else then."""
        nobody = self.scenario.settings.get("nobody_ids", "").split(",")
        return id_ if id_ in nobody or _UUID.fullmatch(id_) else self.prefix + id_

    def _own(self, attribute: Json) -> Json:
        criteria = attribute.get("criteria", {"all": []})
        if "criteria" in attribute and not (criteria.get("all") or criteria.get("any")):
            return attribute  # wrong as it is
        mine = {"property": prop(_OWNER), "operator": "=", "value": self.prefix}
        return {**attribute, "criteria": {**criteria, "all": [*criteria.get("all", []), mine]}}

    def _tree(self, node: Json) -> Json:
        if "attribute" in node:
            return {**node, "attribute": self.name(node["attribute"])}
        return {branch: [self._tree(one) for one in nodes] for branch, nodes in node.items()}

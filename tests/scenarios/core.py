"""A scenario on the core: definitions compiled, events applied one by one, attributes read."""

import hashlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

from definitions import life_cycle
from definitions.catalog import Catalog
from definitions.life_cycle import LifeCycleStep
from definitions.records import RecordError, from_record
from processor.engine import Plan, Source, WhatIf, compile_plan, new_coverage
from processor.errors import DefinitionError
from processor.interventions import Fired, encode_message
from tests.scenarios.scenario import Definitions, Names, Scenario, differs, fires_differ, id_of
from tests.scenarios.tables import Change, Look, Row, line_of
from tests.scenarios.writing import Json

_SOURCE = Source("enriched", 0)
# The settings of a worker that are the plan's.
_DEFAULTS = {"deduplication_ids": 64, "deduplication_horizon_ms": 86_400_000}


class CoreRun:
    """What becomes of a scenario; `faults` says where that is not what its table says."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.faults: list[str] = []
        self.catalog = Catalog.empty()
        self.offset = 0
        self.rejected: dict[tuple[str, str], int] = {}
        self._run = WhatIf(self._plan())
        self._coverage = new_coverage()

    def go(self) -> list[str]:
        """Run to the end; return the faults."""
        given = [Change("publish", ["given"], "", "given")] if self.scenario.given else []
        for change in given:
            self._change(change)
        for one in self.scenario.rounds:
            for change in one.changes:
                self._change(change)
            for row in one.rows:
                self._take(row)
            for look in one.looks:
                self._look(look)
        self._count_rejected()
        wanted = self.scenario.rejected
        if wanted is not None and self.rejected != wanted:
            self.faults.append(f"rejected {self.rejected}, not {wanted}")
        return self.faults

    def _plan(self) -> Plan:
        settings = {**_DEFAULTS, **self.scenario.settings}
        lists = {
            name: tuple(settings.pop(name).split(","))
            for name in ("app_ids", "nobody_ids")
            if name in settings
        }
        return compile_plan(self.catalog, **lists, **settings)

    def _change(self, change: Change) -> None:
        refused = ""
        try:
            step = self._step(change)
        except RecordError as error:
            codes = {problem.code for problem in error.problems}
        else:
            codes = {problem.code for problem in step.problems}
            if not codes:
                self.catalog = step.catalog
        refused = ",".join(sorted(codes))
        if refused != change.refused:
            self.faults.append(f"{change.line}\n    refused: {refused or 'no'}")
        self._count_rejected()
        self._run.plan = self._plan()
        self._coverage.note(self._run.plan, 0)
        for profile in self._run._profiles.values():
            self._coverage.renew(profile)

    def _step(self, change: Change) -> LifeCycleStep:
        match change.verb:
            case "publish":
                return life_cycle.publish(self.catalog, self._objects(change.names))
            case "draft":
                return life_cycle.draft(self.catalog, self._objects(change.names))
            case "unpublish":
                return life_cycle.unpublish(self.catalog, change.names)
        assert change.verb == "delete", change.line
        return life_cycle.delete(self.catalog, change.names)

    def _objects(self, names: list[str]) -> list[Any]:
        every: dict[str, Definitions] = {"given": self.scenario.given, **self.scenario.later}
        found = [one for name in names for one in every[name]]
        return [from_record(record, json.dumps(value).encode()) for record, value in found]

    def _take(self, row: Row) -> None:
        run, before = self._run, len(self._run.fired)
        bad = run.malformed.copy()
        run.take(line_of(row.columns), _SOURCE, self.offset)
        self.offset += 1
        fired = run.fired[before:]
        dead = ",".join(reason.value for reason in (run.malformed - bad).elements())
        if dead != row.dead_letter:
            self.faults.append(f"{row.line}\n    dead letter: {dead or 'none'}")
        if row.fires is None:
            if fired:
                self.faults.append(f"{row.line}\n    fired, and no column asks: {_names(fired)}")
        elif fires_differ(_names(fired), row.fires):
            self.faults.append(f"{row.line}\n    fired: {_names(fired)}")
        for one in fired:
            message = json.loads(encode_message(one))["data"]
            self.faults += message_faults(self.scenario, row, message)

    def _look(self, look: Look) -> None:
        found = self._value(look)
        if differs(found, look.expected):
            self.faults.append(f"{look.line}\n    {look.name} is {found!r}, not {look.expected!r}")

    def _value(self, look: Look) -> Any:
        if look.name.startswith("@"):
            name, _, key = look.name[1:].partition(" ")
            key = key or "domain_userid"
            try:
                attributes = self._run.plan.service_attributes(name, key)
            except DefinitionError:
                return "absent"
            values = self._run.values(key, id_of(key, look.ids), attributes, look.now_ms)
            return {one.full_name: v for one, v in zip(attributes, values, strict=True)}
        group, version, name = self.scenario.attribute(look.name)
        key = self.scenario.keys[group, version]
        try:
            attributes = self._run.plan.group_attributes(group, version)
        except DefinitionError:
            return "absent"
        attributes = [one for one in attributes if one.name == name]
        return self._run.values(key, id_of(key, look.ids), attributes, look.now_ms)[0]

    def _count_rejected(self) -> None:
        for name, count in self._run.plan.take_rejected().items():
            self.rejected[name] = self.rejected.get(name, 0) + count


def _names(fired: list[Fired]) -> list[tuple[str, str]]:
    return [(rule_name(one.name, one.version), one.target_id) for one in fired]


def rule_name(name: str, version: int) -> str:
    """What tables call a rule: its name, and ` v2` behind it for another version than the first."""
    return name if version == 1 else f"{name} v{version}"


def message_faults(
    scenario: Scenario, row: Row, message: Json, names: Names | None = None
) -> Iterator[str]:
    """What the message of a rule that fired does not say of the row's event as it should.

    `names` are those under which the scenario ran, where they are not its own.
    """
    plain = names.plain if names else str
    place = f"{row.line}\n    {plain(message['name'])}"
    event_id, at = message["trigger"]["event_id"], _event_time(row)
    if message["fired_at"] != at:
        yield f"{place} fired at {message['fired_at']}, not {at}"
    identity = _identity(message["name"], message["version"], event_id)
    if message["intervention_id"] != identity:
        yield f"{place} is {message['intervention_id']}, not {identity}"
    attributes = {plain(name): value for name, value in message["attributes"].items()}
    told = scenario.told.get(row.event_id, attributes)
    if told != attributes:
        yield f"{place} tells {attributes}, not {told}"
    found = [(plain(one["attribute"]), one["before"], one["after"]) for one in message["because"]]
    because = scenario.because.get(row.event_id, found)
    if because != found:
        yield f"{place} because of {found}, not {because}"


def _event_time(row: Row) -> str:
    stamps = (row.columns["derived_tstamp"], row.columns["collector_tstamp"])
    return min(filter(None, stamps)).replace(" ", "T") + "Z"


def _identity(name: str, version: int, event_id: str) -> str:
    digest = hashlib.sha256(f"{name}\n{version}\n{event_id}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))

"""Every scenario on a real Kafka: all at once in one application, under names of their own.

Each scenario's definitions and events have a prefix, so that no other's events concern them.
The rounds of all scenarios go on beside each other: definitions are changed through the writer, the
events are written in order to one partition of the source, and when all are applied the profiles
are read over HTTP, at the time of the table's line as one worker reads for another.
"""

import base64
import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from definitions.records import RecordError, from_record
from processor.api.http.forwarding import FORWARDED_HEADER, PROFILES_PATH, READ_AT_HEADER
from processor.api.http.token_secret import TokenSecret
from processor.api.http.worker_tokens import WorkerTokens
from processor.streaming.definitions.definitions_topic import (
    DefinitionsWriter,
    InvalidDefinitionsError,
)
from tests.broker.cluster import Cluster
from tests.broker.visits import application, dead_letters, eventually, fired
from tests.scenarios.chapters import SCENARIOS
from tests.scenarios.core import message_faults, rule_name
from tests.scenarios.scenario import Definitions, Names, Scenario, differs, fires_differ
from tests.scenarios.tables import Change, Look, Row, line_of

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

HERE = [scenario for scenario in SCENARIOS if not scenario.core_only]


def together(scenario: Scenario) -> tuple[str, bool]:
    """Scenarios for which this is equal share an application.

    Each change of definitions is checked beside all others: those that change some are apart.
    """
    return json.dumps(scenario.settings), any(one.changes for one in scenario.rounds)


class BrokerRun:
    """What becomes of one scenario on a cluster."""

    def __init__(
        self, scenario: Scenario, number: int, cluster: Cluster, client: httpx.Client
    ) -> None:
        self.scenario = scenario
        self.cluster = cluster
        self.client = client
        self.names = Names(scenario, f"s{number}_")
        self.faults: list[str] = []

    @property
    def given(self) -> list[Any]:
        return self._objects(self.scenario.given)

    def rows(self, turn: int) -> list[Row]:
        return self.scenario.rounds[turn].rows if turn < len(self.scenario.rounds) else []

    def looks(self, turn: int) -> list[Look]:
        return self.scenario.rounds[turn].looks if turn < len(self.scenario.rounds) else []

    def changes(self, turn: int) -> list[Change]:
        return self.scenario.rounds[turn].changes if turn < len(self.scenario.rounds) else []

    def change(self, change: Change, writer: DefinitionsWriter) -> None:
        """Change definitions as a line says."""
        codes: set[str] = set()
        try:
            self._write(change, writer)
        except (RecordError, InvalidDefinitionsError) as error:
            codes = {problem.code for problem in error.problems}
        refused = ",".join(sorted(codes))
        if refused != change.refused:
            self.faults.append(f"{change.line}\n    refused: {refused or 'no'}")

    def look(self, look: Look) -> None:
        """Read what a cell says, and compare."""
        found = self._value(look)
        if differs(found, look.expected):
            self.faults.append(f"{look.line}\n    {look.name} is {found!r}, not {look.expected!r}")

    def compare_firings(self, messages: dict[str, list[dict[str, Any]]]) -> None:
        """Compare with all messages of this scenario's rules, by the event of their trigger."""
        prefix = self.names.prefix
        for one in (row for turn in self.scenario.rounds for row in turn.rows):
            mine = [
                message
                for message in messages.get(prefix + one.event_id, [])
                if message["name"].startswith(prefix)
            ]
            names = [
                (
                    rule_name(message["name"].removeprefix(prefix), message["version"]),
                    message["target_attribute_key"]["id"].removeprefix(prefix),
                )
                for message in mine
            ]
            if fires_differ(names, one.fires or []):
                self.faults.append(f"{one.line}\n    fired: {names}")
            for message in mine:
                self.faults += message_faults(self.scenario, one, message, self.names)

    def compare_dead_letters(self, reasons: dict[bytes, str]) -> None:
        for row in (row for turn in self.scenario.rounds for row in turn.rows):
            found = reasons.get(self.line_of(row), "")
            if found != row.dead_letter:
                self.faults.append(f"{row.line}\n    dead letter: {found or 'none'}")

    def line_of(self, row: Row) -> bytes:
        return line_of(self.names.columns(row.columns))

    def _write(self, change: Change, writer: DefinitionsWriter) -> None:
        if change.verb in {"publish", "draft"}:
            every: dict[str, Definitions] = {"given": self.scenario.given, **self.scenario.later}
            found = self._objects([one for name in change.names for one in every[name]])
            if change.verb == "publish":
                writer.publish(found)
            else:
                writer.draft(found)
        else:
            records = [self.names.record(name) for name in change.names]
            if change.verb == "unpublish":
                writer.unpublish(records)
            else:
                writer.delete(records)

    def _objects(self, definitions: Definitions) -> list[Any]:
        renamed = [self.names.definition(record, value) for record, value in definitions]
        return [from_record(record, json.dumps(value).encode()) for record, value in renamed]

    def _value(self, look: Look) -> Any:
        prefix = self.names.prefix
        if look.name.startswith("@"):
            service, _, key = look.name[1:].partition(" ")
            key = key or "domain_userid"
            found = self._read(key, look, service=self.names.name(service))
            if isinstance(found, str):
                return found
            return {name.removeprefix(prefix): value for name, value in found.items()}
        group, version, name = self.scenario.attribute(look.name)
        key = self.scenario.keys[group, version]
        full_name = f"{self.names.name(group)}_v{version}:{name}"
        found = self._read(self.names.key(key), look, of=key, attributes=[full_name])
        return found if isinstance(found, str) else found[full_name]

    def _read(self, key: str, look: Look, of: str = "", **wanted: Any) -> Any:
        identifier = self.names.id(of or key, look.ids)
        url = self.cluster.worker("one").url
        headers = {FORWARDED_HEADER: "1", READ_AT_HEADER: str(look.now_ms), **self._shown(url)}
        body = {"key": key, "ids": [identifier], **wanted}

        def answer() -> httpx.Response | None:
            got = self.client.post(url + PROFILES_PATH, json=body, headers=headers)
            return got if got.status_code != 503 or "no live" in got.text else None

        got = eventually(answer, what=lambda: f"{body}")
        return got.json()["profiles"][identifier] if got.status_code == 200 else "absent"

    def _shown(self, url: str) -> dict[str, str]:
        """What another worker would show: only workers choose the time of a read."""
        settings = self.cluster.settings
        return WorkerTokens(settings, TokenSecret(settings)).headers(url)


def run_all(runs: list[BrokerRun], cluster: Cluster) -> None:
    """Let the rounds of all scenarios go on beside each other."""
    writer = DefinitionsWriter(cluster.settings)
    writer.publish([one for run in runs for one in run.given])
    cluster.worker("one").start().wait_ready()
    for turn in range(max(len(run.scenario.rounds) for run in runs)):
        changed = False
        for run in runs:
            for change in run.changes(turn):
                run.change(change, writer)
                changed = True
        if changed:
            wait_for_definitions(cluster)
        cluster.produce((run.line_of(row), 0) for run in runs for row in run.rows(turn))
        cluster.wait_applied(120)
        for run in runs:
            for look in run.looks(turn):
                run.look(look)
    messages: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in fired(cluster):
        messages[message["trigger"]["event_id"]].append(message)
    letters = {
        base64.b64decode(letter["value_base64"]): letter["reason"]
        for letter in dead_letters(cluster)
    }
    for run in runs:
        run.compare_firings(messages)
        run.compare_dead_letters(letters)


def wait_for_definitions(cluster: Cluster) -> None:
    """Wait until the worker has read what is written."""
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap_servers, "group.id": "unused"})
    try:
        topic = TopicPartition(cluster.settings.definitions_topic, 0)
        _, end = consumer.get_watermark_offsets(topic, timeout=30)
    finally:
        consumer.close()
    worker = cluster.worker("one")
    eventually(lambda: worker.uses_definitions(end - 1))


@pytest.fixture(scope="module")
def faults(
    bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """The faults of every scenario, by its title."""

    def run(scenarios: list[Scenario]) -> dict[str, list[str]]:
        directory = tmp_path_factory.mktemp("scenarios")
        settings = {
            "sweep_interval_s": 3_600, "token_secret": "s" * 32, **scenarios[0].settings
        }  # fmt: skip
        with (
            application(bootstrap_servers, directory, {}, **settings) as cluster,
            httpx.Client(timeout=30.0) as client,
        ):
            runs = [BrokerRun(one, n, cluster, client) for n, one in enumerate(scenarios, 1)]
            run_all(runs, cluster)
            return {run.scenario.title: run.faults for run in runs}

    groups = [list(one) for _, one in groupby(sorted(HERE, key=together), together)]
    with ThreadPoolExecutor(len(groups)) as threads:
        return {
            title: faults for done in threads.map(run, groups) for title, faults in done.items()
        }


@pytest.mark.parametrize("scenario", HERE, ids=str)
def test_it_is_as_the_table_says(scenario: Scenario, faults: dict[str, list[str]]) -> None:
    assert not faults[scenario.title], "\n".join(["", *faults[scenario.title]])

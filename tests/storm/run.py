"""One storm from beginning to end: Kafka, workers, events, what happens, and the verdict."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka.admin import NewTopic

from processor.stages import Stage
from tests.broker.cluster import Cluster
from tests.model.topic_reader import Recorder, read_topic, topic_id
from tests.storm.broker import StormBroker, admin_client
from tests.storm.catalogue import PERMANENT, record_key
from tests.storm.changes import TIDE
from tests.storm.director import Director
from tests.storm.evidence import Evidence, ids_in
from tests.storm.feed import Feed, Sending
from tests.storm.hostilities import PARTITIONS, Hostilities
from tests.storm.reads import read_profiles
from tests.storm.verifier import PLACES, Findings, Verifier
from tests.storm.view import View
from tests.storm.workers import EndedByItself

APP_ID = "storm"
# How long the workers may stand still before all is applied, once the storm is over.
DRAIN_S = 120.0
LOOK_S = 0.3


@dataclass
class Outcome:
    """What happened in a storm and what was found."""

    findings: Findings
    sending: Sending
    director: Director
    kills: int = 0
    in_flush: int = 0
    parts: int = 0
    wiped: int = 0
    zombies: int = 0
    broker_kills: int = 0
    rebalances: int = 0
    aborted: int = 0
    changes: list[str] = field(default_factory=list)
    ended: list[EndedByItself] = field(default_factory=list)


Directs = Callable[[Cluster, StormBroker, Hostilities, str, Callable[[str], None]], Director]


@dataclass
class Storm:
    """A storm of some length, in the measure of who directs it, in a directory of its own."""

    directory: Path
    seed: str
    length: int
    hostilities: Hostilities
    view: View
    directs: Directs = Director
    compares: bool = True

    def run(self) -> Outcome:
        """Storm, wait until all is applied, and verify."""
        with ExitStack() as running:
            broker = StormBroker(self.directory / "kafka")
            running.callback(broker.stop)
            self.view.tell("starting Kafka")
            broker.start()
            cluster = self._cluster(broker.bootstrap)
            running.callback(kill_all, cluster)
            director = self.directs(cluster, broker, self.hostilities, self.seed, self.view.tell)
            settings = cluster.settings
            source_id = topic_id(broker.bootstrap, settings.enriched_topic)
            evidence = Evidence(settings.enriched_topic, source_id)
            findings = Findings()
            with (
                Recorder(broker.bootstrap, settings.contributions_topic) as contributions,
                Recorder(
                    broker.bootstrap, settings.rules_topic, isolation="read_committed"
                ) as parts,
            ):
                feed = Feed(
                    broker.bootstrap, settings.enriched_topic, PARTITIONS, self.seed,
                    self.hostilities, director.room,
                )  # fmt: skip
                with feed:
                    director.run(self.length, lambda: self._watch(director, feed))
                feed.check()
                self._drain(director, cluster, findings)
                evidence.contributions = contributions.finish()
                evidence.parts = parts.finish()
            if self.compares:
                self._gather(director, cluster, evidence)
            outcome = self._outcome(director, broker, feed.sending, findings)
        self.view.tell(
            f"{len(outcome.ended)} workers ended by themselves, {findings.difference_count} other "
            f"things were not as they should be"
        )
        if not self.compares:
            findings.events = feed.sending.events
            return outcome
        evidence.save(self.directory)
        verdict = Verifier(evidence, self.view.moves).verify()
        verdict.difference_count += findings.difference_count
        verdict.differences = findings.differences + verdict.differences
        outcome.findings = verdict
        return outcome

    def _cluster(self, bootstrap: str) -> Cluster:
        """The application; the source's records bear the time at which Kafka got them."""
        admin = admin_client(bootstrap)
        source = NewTopic(
            f"{APP_ID}-enriched", PARTITIONS, 1, config={"message.timestamp.type": "LogAppendTime"}
        )
        for made in admin.create_topics([source]).values():
            made.result(30)
        cluster = Cluster(
            bootstrap,
            APP_ID,
            self.directory,
            partitions=PARTITIONS,
            session_timeout_ms=self.hostilities.session_ms,
        )
        cluster.publish((record_key(one), one) for one in [*PERMANENT, *TIDE])
        return cluster

    def _watch(self, director: Director, feed: Feed) -> None:
        feed.check()
        self.view.watch(director, feed.sending)

    def _drain(self, director: Director, cluster: Cluster, findings: Findings) -> None:
        """Wait until everything in the source is in committed state."""
        self.view.tell("the storm is over: waiting until everything is applied")
        cluster.admin = admin_client(cluster.bootstrap_servers)
        quiet = 0
        behind: dict[str, int] = {}
        before: dict[str, int] | None = None

        def applied() -> bool:
            nonlocal quiet, behind
            behind = cluster.outstanding()
            quiet = 0 if behind else quiet + 1
            time.sleep(LOOK_S)
            return quiet >= 2

        while not director.settle(applied, DRAIN_S):
            if behind == before:
                text = f"nothing applied in {DRAIN_S:.0f} s, waiting by partition: {behind}"
                self.view.tell(f"{text}; what is missing is among the differences")
                findings.differ(text)
                break
            before = behind
        for failure in director.failures:
            findings.differ(failure)

    def _gather(self, director: Director, cluster: Cluster, evidence: Evidence) -> None:
        """Read the topics and the profiles."""
        self.view.tell("reading topics and profiles")
        settings, bootstrap = cluster.settings, cluster.bootstrap_servers
        evidence.source = read_topic(bootstrap, settings.enriched_topic)
        evidence.interventions = read_topic(bootstrap, settings.interventions_topic)
        evidence.dead_letters = read_topic(bootstrap, settings.dead_letter_topic)
        evidence.definitions = read_topic(bootstrap, settings.definitions_topic)[0]
        evidence.samples = director.changes.samples
        ids = ids_in(evidence.source, PLACES)

        def urls() -> list[str]:
            return [one.process.url for one in director.workers.values() if one.process.running]

        evidence.reads = list(read_profiles(urls, ids))

    def _outcome(
        self, director: Director, broker: StormBroker, sending: Sending, findings: Findings
    ) -> Outcome:
        workers = list(director.workers.values())
        for worker in workers:
            worker.look()
        settings = director.cluster.settings
        return Outcome(
            findings,
            sending,
            director,
            kills=sum(one.kills + one.parts for one in workers),
            parts=sum(one.parts for one in workers),
            in_flush=sum(one.in_flush for one in workers),
            wiped=sum(one.wiped for one in workers),
            zombies=sum(one.zombies for one in workers),
            broker_kills=broker.kills,
            rebalances=broker.rebalances(Stage.PROFILES.group(settings)),
            aborted=broker.aborted(settings.changelog_topic),
            changes=director.changes.done,
            ended=[one for worker in workers for one in worker.ended],
        )


def kill_all(cluster: Cluster) -> None:
    """End every worker that still runs; its topics go with the broker."""
    for worker in cluster.workers.values():
        worker.kill()

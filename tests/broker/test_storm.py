"""Workers killed again and again, while there is work: what comes out still equals the model."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.runs import (
    DEFINITIONS,
    aborted_transactions,
    compare,
    profile_ids,
    shop,
)
from tests.model.topic_reader import Recorder

pytestmark = [pytest.mark.broker, pytest.mark.storm, pytest.mark.timeout(900)]

KILLS = 20
OUTSTANDING_MIN = 10_000
BURST = 20_000
EVENTS_MAX = 400_000
HOURS_MS = 3_600_000
SEED = int(os.environ.get("STORM_SEED", "7"))


@pytest.fixture
def cluster(bootstrap_servers: str, app_id: str, tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(bootstrap_servers, app_id, tmp_path)
    made.publish(DEFINITIONS.items())
    yield made
    made.close()


class Feed:
    """Keeps the source ahead of the workers."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._events = shop(EVENTS_MAX, seed=SEED, start_ms=int(time.time() * 1000) - 5 * HOURS_MS)
        self.sent = []

    def ahead(self, wanted: int) -> None:
        """Write events until at least so many wait."""
        while self._cluster.lag(self._cluster.settings.enriched_topic) < wanted:
            burst = [event for _, event in zip(range(BURST), self._events, strict=False)]
            assert burst, "the storm needs more events than it may have"
            self.sent += burst
            self._cluster.produce((event.value, None) for event in burst)


def test_twenty_kills_change_nothing(cluster: Cluster) -> None:
    random = Random(SEED)
    workers = [cluster.worker(name) for name in ("one", "two")]
    feed = Feed(cluster)
    topic = cluster.settings.enriched_topic
    with Recorder(cluster.bootstrap_servers, cluster.settings.contributions_topic) as recorder:
        feed.ahead(2 * BURST)
        for worker in workers:
            worker.start()
        between_steps = wiped = counted = 0
        while counted < KILLS:
            feed.ahead(3 * BURST // 2)
            victims = random.choice([workers[:1], workers[1:], workers])
            in_flush = random.random() < 0.6
            wipe = random.random() < 0.3
            for victim in victims:
                restart(victim, random, in_flush=in_flush, wipe=wipe)
            for victim in victims:
                if not in_flush:
                    victim.wait_ready()
            if in_flush:
                for victim in victims:
                    assert victim.wait_ended() == -9, victim.log()[-3000:]
            else:
                time.sleep(random.random() * 0.5)
                for victim in victims:
                    victim.kill()
            waiting = cluster.lag(topic)
            print(f"killed {[one.name for one in victims]} {in_flush=} {wipe=} {waiting=}")
            if waiting >= OUTSTANDING_MIN:
                counted += len(victims)
                between_steps += in_flush * len(victims)
                wiped += wipe * len(victims)
            for victim in victims:
                victim.start()
        for worker in workers:
            worker.wait_ready()
        cluster.wait_applied()
        contributions = recorder.finish()
    aborted = aborted_transactions(cluster)
    report = compare(cluster, profile_ids(feed.sent), contributions)
    print(
        f"{report.events} events, {counted} kills ({between_steps} between steps of a flush, "
        f"{wiped} with the data directory deleted), {report.replayed} contributions replayed, "
        f"{aborted} aborted transactions, {report.interventions} interventions, "
        f"{report.difference_count} differences"
    )
    assert report.difference_count == 0, report.differences
    assert between_steps >= 5
    assert wiped > 0
    assert report.replayed + report.dropped > 0
    assert aborted > 0


def restart(worker: WorkerProcess, random: Random, *, in_flush: bool, wipe: bool) -> None:
    """Kill a worker and start it so that it is killed in a flush, or later from outside."""
    worker.kill()
    if in_flush:
        worker.start(wipe=wipe, CRASH_AFTER=f"{random.choice((2, 3))}:{random.randint(1, 12)}")
    else:
        worker.start(wipe=wipe)

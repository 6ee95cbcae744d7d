"""Rounds: each system on each job in turns, on topics that are deleted afterwards."""

import argparse
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka.admin import AdminClient
from rich.console import Console

from tests.benchmarks.bench.broker import TopicBytes, broker_process
from tests.benchmarks.bench.feed import Feed, create_topic
from tests.benchmarks.bench.jobs import Job
from tests.benchmarks.bench.latency import (
    Latency,
    PacedFeed,
    Reader,
    measure_latency,
    times_within,
)
from tests.benchmarks.bench.measure import Sample, Watch, steady
from tests.benchmarks.bench.results import Result, Row
from tests.benchmarks.bench.source import Source
from tests.benchmarks.bench.system import FailedError, Run, System
from tests.model.topic_reader import read_topic

TIMEOUT_S = 60


class Bench:
    """A broker, the events, and the runs.

    `directory` has the broker's files in `kafka`, if the broker is ours.
    """

    def __init__(
        self,
        servers: str,
        directory: Path,
        feed: Feed,
        options: argparse.Namespace,
        console: Console,
    ) -> None:
        self._servers = servers
        self._directory = directory
        self._feed = feed
        self._options = options
        self._console = console
        self._admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
        self._broker = broker_process()

    def rounds(self, jobs: Sequence[Job], rows: Mapping[str, Sequence[Row]]) -> None:
        """Run them all; slow systems in the first round only."""
        for number in range(self._options.rounds):
            for job in jobs:
                for row in rows[job.letter]:
                    if row.missing or row.failed or (row.system.slow and number):
                        continue
                    try:
                        result = self.throughput(job, row.system)
                    except FailedError as error:
                        row.failed = str(error)
                        self._tell(job, row.system, f"failed: {error}")
                        continue
                    row.results.append(result)
                    self._tell(
                        job, row.system,
                        f"{result.steady.events_s:.0f} events/s, {result.steady.cpu_us:.1f} CPU us",
                    )  # fmt: skip

    def latencies(self, jobs: Sequence[Job], rows: Mapping[str, Sequence[Row]]) -> None:
        """From event to intervention, of each system that has run."""
        for job in jobs if self._options.latency_s else ():
            for row in rows[job.letter]:
                if row.failed or not row.results:
                    continue
                rate = self._options.latency_rate or row.middle("events_s") / 2
                try:
                    row.latency = self.latency(job, row.system, rate)
                except FailedError as error:
                    row.failed = str(error)
                told = row.failed or (
                    f"{row.latency.p50_ms:.0f} / {row.latency.p99_ms:.0f} ms"
                    if row.latency
                    else "too few interventions for a time"
                )
                self._tell(job, row.system, f"{told} at {rate:.0f} events/s")

    def throughput(self, job: Job, system: System) -> Result:
        """One run over all events."""
        source = Source(self._servers, self._feed)
        try:
            source.write()
            with self._run(job, system, source.topic) as run:
                system.start(run)
                try:
                    samples = self._samples(system, source, run)
                finally:
                    system.stop()
                fired = sum(map(len, read_topic(self._servers, run.interventions).values()))
        finally:
            source.delete()
        return Result(samples[-1].seen, samples[-1].applied, fired, steady(samples))

    def _samples(self, system: System, source: Source, run: Run) -> list[Sample]:
        """The looks from the end of the warm-up on."""
        kafka = self._directory / "kafka"
        topics = TopicBytes(kafka, run.name) if kafka.exists() else None
        watch = Watch(system, self._broker, topics)
        expected = self._feed.expected[run.job.letter]
        if self._feed.warm_up:
            watch.until_done(self._feed.warm_up, expected.warm_up)
        begin = watch.sample()
        source.release()
        return [begin, *watch.until_done(self._feed.events, expected.contributions)]

    def latency(self, job: Job, system: System, rate: float) -> Latency | None:
        """One run over a topic that is written at a rate meanwhile."""
        source = f"paced-{uuid.uuid4().hex[:8]}"
        create_topic(self._servers, source, self._feed.partitions)
        warm_up_s, seconds = times_within(
            self._feed.events, rate, self._options.latency_warm_up_s, self._options.latency_s
        )
        feed = PacedFeed(self._servers, self._feed, source)
        try:
            with self._run(job, system, source) as run:
                system.start(run)
                try:
                    with Reader(self._servers, run.interventions, run.partitions) as reader:
                        return measure_latency(
                            system, feed, reader, rate=rate, warm_up_s=warm_up_s, seconds=seconds
                        )
                finally:
                    system.stop()
        finally:
            feed.close()
            self._admin.delete_topics([source])[source].exception(TIMEOUT_S)

    @contextmanager
    def _run(self, job: Job, system: System, source: str) -> Iterator[Run]:
        """A run with a name of its own, and the end of all that bears it."""
        name = f"{job.letter}-{system.name}-{uuid.uuid4().hex[:8]}"
        directory = self._directory / name
        directory.mkdir()
        run = Run(name, self._servers, source, self._feed.partitions, directory, job)
        if not system.makes_topics:
            create_topic(self._servers, run.interventions, run.partitions)
        try:
            yield run
        finally:
            found = self._admin.list_topics(timeout=TIMEOUT_S).topics
            mine = [topic for topic in found if name in topic]
            for deleted in self._admin.delete_topics(mine).values() if mine else ():
                deleted.exception(TIMEOUT_S)
            shutil.rmtree(directory, ignore_errors=True)

    def _tell(self, job: Job, system: System, text: str) -> None:
        self._console.print(
            f"job {job.letter}, {system.name}: {text}",
            soft_wrap=True,
            markup=False,
            highlight=False,
        )

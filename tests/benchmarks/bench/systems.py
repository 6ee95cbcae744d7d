"""All systems, in the order of the table."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from tests.benchmarks.bench.jobs import Job
from tests.benchmarks.bench.kafka_streams import (
    AT_LEAST_ONCE,
    EXACTLY_ONCE,
    TRANSACTIONAL_STORES,
    KafkaStreams,
)
from tests.benchmarks.bench.ours import Ours
from tests.benchmarks.bench.python_peers import Faust, Quix
from tests.benchmarks.bench.system import System

VERSIONS = {"4.1": "4.1.2", "4.4": "4.4.0"}


def ours(against: Path | None, variants: Iterable[str]) -> list[Ours]:
    """The processor: of this tree, of another one, and with other settings.

    A variant is NAME:SETTING=VALUE,..., for example `half-second:PROCESSOR_COMMIT_INTERVAL_MS=500`.
    """
    made = [Ours(), Ours("ours-2", "ours, two workers", workers=2)]
    for variant in variants:
        name, _, given = variant.partition(":")
        settings = dict(one.partition("=")[::2] for one in given.split(","))
        told = ", ".join(f"{key.removeprefix('PROCESSOR_')}={settings[key]}" for key in settings)
        made.append(Ours(f"ours-{name}", f"ours, {told}", settings=settings))
    if against is not None:
        root = against.absolute()
        made.append(Ours("against", f"ours as in {root.name}", root=root))
    return made


def peers() -> Iterator[System]:
    """Everybody else."""
    for short, version in VERSIONS.items():
        streams, name = f"Kafka Streams {short}", f"streams-{short}"
        yield KafkaStreams(f"{name}-eos", f"{streams}, exactly once", version, 1, **EXACTLY_ONCE)
        yield KafkaStreams(
            f"{name}-eos-2", f"{streams}, exactly once, two threads", version, 2, **EXACTLY_ONCE
        )
        if short == "4.4":
            yield KafkaStreams(
                f"{name}-stores", f"{streams}, exactly once, transactional stores", version, 1,
                **EXACTLY_ONCE, **TRANSACTIONAL_STORES,
            )  # fmt: skip
        yield KafkaStreams(
            f"{name}-alos", f"{streams}, at least once, commits each second", version, 1,
            **AT_LEAST_ONCE,
        )  # fmt: skip
    yield Quix("quix", "Quix Streams, at least once, commits each second")
    yield Faust("faust", "Faust, at least once, its table in RocksDB")


def chosen(systems: Iterable[System], job: Job, patterns: Iterable[str]) -> list[System]:
    """The systems that do the job and whose names fit one of the patterns (`ours*`, `quix`)."""
    wanted = list(patterns)
    return [
        system
        for system in systems
        if (job.peers or isinstance(system, Ours))
        and any(fnmatchcase(system.name, pattern) for pattern in wanted)
    ]

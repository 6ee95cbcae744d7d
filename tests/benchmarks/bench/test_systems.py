"""Systems that are missing, that end, and that do not end when they are asked to."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.bench import system as systems
from tests.benchmarks.bench.broker import TopicBytes
from tests.benchmarks.bench.command import prepare
from tests.benchmarks.bench.jobs import JOBS
from tests.benchmarks.bench.kafka_streams import KafkaStreams
from tests.benchmarks.bench.measure import Watch
from tests.benchmarks.bench.ours import Ours, revision
from tests.benchmarks.bench.results import Row
from tests.benchmarks.bench.system import Counts, FailedError, MissingError, Run, System


class Script(System):
    """A Python program in place of a system; its counts are given."""

    def __init__(self, text: str, counts: list[Counts | None]) -> None:
        super().__init__("script", "a script")
        self._text = text
        self._counts = counts

    def prepare(self) -> str:
        return "script 1"

    def start(self, run: Run) -> None:
        self._spawn([sys.executable, "-c", self._text], run, {}, run.directory)

    def counts(self) -> Counts | None:
        return self._counts.pop(0) if len(self._counts) > 1 else self._counts[0]

    def produced_ms(self, message: Mapping[str, Any], times: Mapping[str, int]) -> int | None:
        return None


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run("run", "nowhere:1", "enriched", 4, tmp_path, JOBS["a"])


def test_without_java_or_maven_the_peer_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    row = Row(KafkaStreams("streams", "Kafka Streams", "4.1.2", 1))
    assert prepare([row, Row(Script("", []))]) == ["script 1"]
    assert row.missing == "no java on this machine"


def test_a_directory_without_the_processor_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no tree"):
        Ours(root=tmp_path).prepare()


def test_an_export_is_told_by_its_name(tmp_path: Path) -> None:
    assert revision(tmp_path / "42a2ca5") == "42a2ca5"


def test_a_system_that_ends_is_told_with_its_last_words(run: Run) -> None:
    system = Script("print('no memory'); raise SystemExit(3)", [None])
    system.start(run)
    system.processes[0].wait(30)
    with pytest.raises(FailedError, match="status 3: no memory"):
        system.wait(1)
    system.stop()


def test_one_that_does_not_end_when_asked_is_killed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systems, "STOP_S", 0.2)
    deaf = "import signal\nsignal.signal(15, signal.SIG_IGN)\nprint('deaf', flush=True)\n"
    system = Script(f"{deaf}while True: signal.pause()", [None])
    system.start(run)
    while "deaf" not in system.log():
        system.check()
    (process,) = system.processes
    system.stop()
    assert process.returncode == -9


def test_it_is_waited_for_until_it_has_read_enough(run: Run) -> None:
    system = Script("import signal\nsignal.pause()", [None, Counts(1, 0), Counts(5, 0)])
    system.start(run)
    system.wait(5)
    assert system.counts() == Counts(5, 0)
    system.stop()


def test_a_look_without_an_answer_keeps_the_counts_of_the_last(run: Run) -> None:
    system = Script("import signal\nsignal.pause()", [Counts(5, 2), None, Counts(6, 3)])
    system.start(run)
    watch = Watch(system, None, None)
    found = [watch.sample() for _ in range(3)]
    assert [(one.seen, one.applied) for one in found] == [(5, 2), (5, 2), (6, 3)]
    assert found[0].memory > 0
    system.stop()


def test_a_system_that_does_not_go_on_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.benchmarks.bench.measure.STALLED_S", 0.1)
    monkeypatch.setattr("tests.benchmarks.bench.measure.INTERVAL_S", 0.05)
    system = Script("import signal\nsignal.pause()", [Counts(5, 2)])
    system.start(run)
    with pytest.raises(FailedError, match="has read 5 of 9 events and applied 2 of 4"):
        Watch(system, None, None).until_done(9, 4)
    system.stop()


def test_bytes_of_segments_stay_counted_when_they_are_removed(tmp_path: Path) -> None:
    topic = tmp_path / "data" / "a-ours-1-changelog-0"
    topic.mkdir(parents=True)
    (tmp_path / "data" / "enriched-0").mkdir()
    (tmp_path / "data" / "enriched-0" / "0.log").write_bytes(b"x" * 1_000)
    (topic / "0.log").write_bytes(b"x" * 100)
    (topic / "0.index").write_bytes(b"x" * 5_000)
    bytes_of = TopicBytes(tmp_path, "a-ours-1")
    assert bytes_of.count() == 100
    (topic / "7.log").write_bytes(b"x" * 50)
    assert bytes_of.count() == 150
    (topic / "0.log").unlink()
    assert bytes_of.count() == 150

"""The processes of a worker, with real ones: which there are, and what each death does."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from processor.stages import Stage
from processor.streaming.fetch.group_look import GroupLook
from tests.broker.cluster import Cluster, WorkerProcess, listening_ports
from tests.broker.visits import KEY, Visits, application, eventually

pytestmark = pytest.mark.broker

USERS = [f"user-{number}" for number in range(20)]


@pytest.fixture
def cluster(bootstrap_servers: str, tmp_path: Path) -> Iterator[Cluster]:
    with application(bootstrap_servers, tmp_path) as made:
        yield made


def processes(worker: WorkerProcess) -> dict[str, list[int]]:
    """The processes of a worker by stage, as the groups know their ports."""
    assert worker.process is not None
    found: dict[str, list[int]] = {"source": [], "profiles": []}
    for child in psutil.Process(worker.process.pid).children():
        ports = listening_ports(child)
        for port in ports - {worker.port} or ports:  # several processes accept at the worker's
            stages = httpx.get(f"http://127.0.0.1:{port}/health", timeout=10).json()["stages"]
            stage = "profiles" if "profiles" in stages else "source"
            if child.pid not in found[stage]:
                found[stage].append(child.pid)
    return found


def views(cluster: Cluster) -> set[int]:
    found = cluster.read_profiles(KEY, USERS)
    return {profile["visits_v1:views"] for profile in found["profiles"].values()}


# --- each stage -----------------------------------------------------------------------------------


async def test_each_stage_is_a_member_of_its_own_group(cluster: Cluster) -> None:
    worker = cluster.worker("one").start().wait_ready()
    look = GroupLook(cluster.settings)
    try:
        for stage in Stage:
            (member,) = await look.members(stage.group(cluster.settings)) or []
            assert member.topics == set(stage.topics(cluster.settings))
            assert member.format_level >= 2
            assert (member.url == worker.url) is (stage is Stage.PROFILES)
            found = await look.committed(
                stage.group(cluster.settings), stage.topics(cluster.settings)[0], range(2)
            )
            assert stage is Stage.PROFILES or set(found) == {0, 1}
        assert await look.members("no-such-group") == []
        assert await look.committed("no-such-group", cluster.settings.enriched_topic, [0]) == {}
    finally:
        await look.close()


def test_each_stage_can_run_alone(cluster: Cluster) -> None:
    """On machines of its own: events are applied when both run, wherever."""
    profiles = cluster.worker("profiles").start(STAGES="profiles")
    source = cluster.worker("source").start(STAGES="source")
    for worker in (source, profiles):
        worker.wait_ready()
    Visits(cluster).send(USERS, 3)
    cluster.wait_applied()
    assert views(cluster) == {3}
    assert httpx.get(f"{source.url}/api/v1/profiles").status_code == 404
    for worker, stage in ((source, "source"), (profiles, "profiles")):
        assert list(worker.get("/health").json()["stages"]) == [stage]
        assert set(re.findall(r'stage="(\w+)"', worker.get("/metrics").text)) == {stage}
    for worker in (source, profiles):
        assert worker.stop() == 0


def test_the_metrics_and_the_health_of_a_worker_are_those_of_both(cluster: Cluster) -> None:
    worker = cluster.worker("one").start().wait_ready()
    Visits(cluster).send(USERS, 1)
    cluster.wait_applied()
    assert worker.metric("processor_events_total", stage="source") == len(USERS)
    assert worker.metric("processor_events_total", stage="profiles") == 0
    assert worker.metric("processor_contributions_total", stage="profiles") == len(USERS)
    told = worker.get("/health").json()
    assert {stage: one["status"] for stage, one in told["stages"].items()} == {
        "source": "ok", "profiles": "ok",
    }  # fmt: skip


# --- several pairs --------------------------------------------------------------------------------


def test_several_pairs_answer_at_one_address(cluster: Cluster) -> None:
    worker = cluster.worker("one").start(PAIRS="2").wait_ready()
    eventually(lambda: [len(some) for some in processes(worker).values()] == [2, 2])
    Visits(cluster).send(USERS, 3)
    cluster.wait_applied()

    def owners() -> set[int]:
        """How many partitions the process that answers owns, seen at many connections."""
        name, labels = "processor_partitions", {"role": "profiles", "state": "open"}
        return {int(worker.metric(name, **labels)) for _ in range(30)}

    eventually(lambda: owners() == {1}, 60)
    for _ in range(10):  # whichever process accepts the connection, it knows where a profile is
        assert views(cluster) == {3}
    assert worker.stop() == 0


# --- deaths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["source", "profiles"])
def test_a_process_that_is_killed_is_started_again_and_every_event_counts_once(
    cluster: Cluster, stage: str
) -> None:
    worker = cluster.worker("one").start(RESTARTS="1").wait_ready()
    visits = Visits(cluster)
    for round_ in range(3):
        visits.send(USERS, 5)
        (pid,) = processes(worker)[stage]
        os.kill(pid, signal.SIGKILL)
        visits.send(USERS, 5)
        eventually(lambda dead=pid: processes_without(worker, stage, dead), 30)
        assert worker.running, round_
    cluster.wait_applied()
    eventually(worker.ready, 30)
    assert views(cluster) == {30}
    assert "process_ended" in worker.log()
    assert worker.stop() == 0


def processes_without(worker: WorkerProcess, stage: str, dead: int) -> bool:
    try:
        found = processes(worker)[stage]
    except (httpx.HTTPError, psutil.Error):
        return False
    return len(found) == 1 and dead not in found


def test_reads_go_on_while_the_source_is_away(cluster: Cluster) -> None:
    worker = cluster.worker("one").start(RESTARTS="1").wait_ready()
    Visits(cluster).send(USERS, 2)
    cluster.wait_applied()
    (pid,) = processes(worker)["source"]
    os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: worker.degraded(), 30)
        assert worker.ready()
        assert views(cluster) == {2}
        assert list(worker.degraded()) == [cluster.settings.enriched_topic]
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: not worker.degraded(), 60)


def test_nothing_is_left_of_a_worker_whose_parent_is_killed(cluster: Cluster) -> None:
    worker = cluster.worker("one").start().wait_ready()
    assert worker.process is not None
    children = psutil.Process(worker.process.pid).children()
    worker.process.kill()
    worker.process.wait(10)
    eventually(lambda: not any(one.is_running() and one.status() != "zombie" for one in children))


# --- a clean stop ---------------------------------------------------------------------------------


def test_a_stop_leaves_no_frame_unapplied_and_no_event_uncommitted(cluster: Cluster) -> None:
    """The source stops first, and commits all that it has read; the profiles apply that."""
    worker = cluster.worker("one").start().wait_ready()
    topic = cluster.settings.enriched_topic
    Visits(cluster).send(USERS, 200)
    eventually(lambda: worker.metric("processor_events_total") > 0)
    assert worker.stop() == 0
    committed = len(USERS) * 200 - cluster.lag(topic)
    frames = cluster.lag(cluster.settings.contributions_topic)
    assert committed > 0
    worker.start().wait_ready()
    cluster.wait_applied()
    assert views(cluster) == {200}
    assert worker.metric("processor_contributions_replayed_total") == 0, (
        f"nothing was written twice: {committed} events were committed, {frames} frames waited"
    )
    assert worker.stop() == 0


# --- back-pressure --------------------------------------------------------------------------------


def test_the_source_waits_for_a_profile_stage_that_does_not_apply(cluster: Cluster) -> None:
    profiles = cluster.worker("profiles")  # the first one is read
    source = (
        cluster.worker("source")
        .start(STAGES="source", PROCESSOR_BACKLOG_SECONDS_MAX="2")
        .wait_ready()
    )
    visits = Visits(cluster)
    deadline = time.monotonic() + 60
    while not source.metric("processor_source_waits"):
        visits.send(USERS, 1)
        time.sleep(0.2)
        assert time.monotonic() < deadline, source.state()
    assert source.metric("processor_backlog_seconds") > 2
    assert source.metric("processor_backlog_bytes") > 0
    before = source.metric("processor_events_total")
    visits.send(USERS, 50)
    time.sleep(3)
    assert source.metric("processor_events_total") - before < len(USERS) * 50
    profiles.start(STAGES="profiles").wait_ready()
    cluster.wait_applied()
    eventually(lambda: not source.metric("processor_source_waits"))
    assert len(views(cluster)) == 1


# --- the command ----------------------------------------------------------------------------------


def test_the_command_tells_its_address_once_when_all_its_processes_are_ready(
    cluster: Cluster, tmp_path: Path
) -> None:
    environment = {
        **os.environ, **cluster.environment, "PROCESSOR_HTTP": "127.0.0.1:0",
        "PROCESSOR_DATA_DIR": str(tmp_path / "data"),
    }  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "processor.cli.main", "worker", "--workers", "2"],
            env=environment, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        with process, process.stdout as lines:
            told = next(lines)
            url = told.removeprefix("ready ").strip()
            assert httpx.get(f"{url}/health/ready", timeout=10).status_code == 200
            assert len(psutil.Process(process.pid).children()) == 4
            process.terminate()
            assert list(lines) == []
        assert process.wait(30) == 0
    assert (tmp_path / "data" / "pair-2" / "profiles").is_dir()
    text = (tmp_path / "log").read_text()
    assert text.count(" ready ") == 4, text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workers", "0"], "--workers '0': it is auto or a number from 1 to 64"),
        (["--workers", "many"], "--workers 'many': it is auto or a number"),
        (["--stages", "sources"], "--stages 'sources': it is one of both, source, profiles"),
        (["--source-http", "nowhere"], "'nowhere' is not HOST:PORT"),
    ],
)
def test_processes_that_cannot_be_are_refused(options: list[str], said: str) -> None:
    done = command("worker", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_worker_that_cannot_start_says_why_once(tmp_path: Path) -> None:
    """Both processes meet the same error; it is told once."""
    done = command(
        "worker", "--bootstrap-servers", "127.0.0.1:1", "--data-dir", str(tmp_path / "data"),
        "--http", "127.0.0.1:0",
    )  # fmt: skip
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "127.0.0.1:1" in errors[0]


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "processor.cli.main", *arguments],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

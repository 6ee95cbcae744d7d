"""The local broker: a real Kafka that keeps its data and never outlives its owner."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from processor.errors import BrokerError
from processor.local import LocalBroker

pytestmark = pytest.mark.broker

TIMEOUT_S = 30.0
OWNER = """
import sys
from pathlib import Path
from processor.local import LocalBroker
broker = LocalBroker(Path(sys.argv[1])).start()
print(broker.bootstrap_servers, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> LocalBroker:
    with LocalBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


def create_topic(bootstrap_servers: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(TIMEOUT_S)


def transactional_producer(bootstrap_servers: str) -> Producer:
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "transactional.id": uuid.uuid4().hex,
            "log_level": 0,
        }
    )
    producer.init_transactions(TIMEOUT_S)
    return producer


def produce(producer: Producer, topic: str, value: bytes, *, commit: bool) -> None:
    producer.begin_transaction()
    producer.produce(topic, value)
    producer.flush(TIMEOUT_S)
    if commit:
        producer.commit_transaction(TIMEOUT_S)
    else:
        producer.abort_transaction(TIMEOUT_S)


def consume(bootstrap_servers: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "session.timeout.ms": 6000,
            "log_level": 0,
        }
    )
    consumer.subscribe([topic])
    try:
        return [message.value() for message in consumer.consume(count, TIMEOUT_S)]
    finally:
        consumer.close()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def java_process(owner: int, directory: Path) -> psutil.Process:
    """The Java process of the broker that `owner` runs in `directory`."""
    return next(
        child
        for child in psutil.Process(owner).children(recursive=True)
        if child.name() == "java" and str(directory / "server.properties") in child.cmdline()
    )


def ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_committed_records_are_read_and_aborted_ones_are_not(broker: LocalBroker) -> None:
    topic = "transactions"
    create_topic(broker.bootstrap_servers, topic)
    producer = transactional_producer(broker.bootstrap_servers)
    produce(producer, topic, b"aborted", commit=False)
    produce(producer, topic, b"first", commit=True)
    produce(producer, topic, b"second", commit=True)
    assert consume(broker.bootstrap_servers, topic, 2) == [b"first", b"second"]


def test_its_records_lie_in_its_directory_whatever_that_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    directory = (
        tmp_path / " donn\u00e9es, \u65e5\u672c \U0001f389\\#=:%i%d${HOME}${sys:x}*?'\"\t\n\u0301 "
    )
    with LocalBroker(directory) as broker:
        create_topic(broker.bootstrap_servers, "somewhere")
    with LocalBroker(directory) as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
        assert "somewhere" in admin.list_topics(timeout=TIMEOUT_S).topics
    assert (directory / "data" / "somewhere-0").is_dir()
    assert list(tmp_path.iterdir()) == [directory]
    made = {"data", "kafka.log", "kafka.out", "lock", "server.properties"}
    assert {path.name for path in directory.iterdir()} == made


def test_a_topic_that_nobody_made_does_not_come_into_being(broker: LocalBroker) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    admin.list_topics("never-made", timeout=TIMEOUT_S)
    assert "never-made" not in admin.list_topics(timeout=TIMEOUT_S).topics


def test_a_second_broker_on_the_same_directory_is_refused(broker: LocalBroker) -> None:
    with pytest.raises(BrokerError, match="another broker uses the data directory") as refused:
        LocalBroker(broker.data_dir).start()
    assert refused.value.detail == f"process {os.getpid()}"
    broker.check()


def test_a_broker_that_ended_by_itself_is_reported_with_its_log(tmp_path: Path) -> None:
    broker = LocalBroker(tmp_path).start()
    java = java_process(os.getpid(), tmp_path)
    java.kill()
    with pytest.raises(BrokerError, match="Kafka was killed by signal 9"):
        wait_until(lambda: bool(broker.check()), "the end was not noticed")
    broker.stop()


def test_records_are_there_after_a_restart_on_another_port(tmp_path: Path) -> None:
    with LocalBroker(tmp_path) as first:
        create_topic(first.bootstrap_servers, "kept")
        produce(transactional_producer(first.bootstrap_servers), "kept", b"before", commit=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with LocalBroker(tmp_path, port) as second:
        assert second.bootstrap_servers == f"127.0.0.1:{port}"
        produce(transactional_producer(second.bootstrap_servers), "kept", b"after", commit=True)
        assert consume(second.bootstrap_servers, "kept", 2) == [b"before", b"after"]


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=f"port {port} is taken"):
            LocalBroker(tmp_path, port).start()


def started_by_another_process(directory: Path) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert owner.stdout.readline().startswith(b"127.0.0.1:")
    return owner, java_process(owner.pid, directory)


def test_java_ends_with_a_killed_owner_and_the_directory_is_free(tmp_path: Path) -> None:
    owner, java = started_by_another_process(tmp_path)
    owner.kill()
    owner.communicate(timeout=TIMEOUT_S)
    with LocalBroker(tmp_path):
        assert ended(java)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_java_ends_with_a_killed_guard(tmp_path: Path) -> None:
    owner, java = started_by_another_process(tmp_path)
    os.kill(java.ppid(), signal.SIGKILL)
    wait_until(lambda: ended(java), "java outlived its guard")
    owner.communicate(timeout=TIMEOUT_S)


def test_a_broken_directory_is_reported_with_kafkas_last_words(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    identity = "version=1\nnode.id=7\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\n"
    (tmp_path / "data" / "meta.properties").write_text(identity)
    with pytest.raises(BrokerError, match="Kafka ended with exit status 1") as failed:
        LocalBroker(tmp_path).start()
    assert "Stored node id 7 doesn't match" in failed.value.detail
    assert "kafka.log" in failed.value.hint

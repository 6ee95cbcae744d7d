"""One real Kafka for the whole session, names of their own for every test, and other orders.

The Kafka is, in this order: the one that KAFKA_BOOTSTRAP_SERVERS names; a container where a Docker
engine answers; the local broker. The workers of pytest-xdist share it: the first that needs it
starts it, and ends it when no other worker uses it any more.
"""

import fcntl
import os
import random
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import groupby
from pathlib import Path
from urllib.parse import urlparse

import docker
import hypothesis
import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic
from testcontainers.core.container import DockerContainer

from processor.local import LocalBroker
from processor.local.kafka_files import KAFKA_VERSION
from processor.local.kafka_settings import LAPTOP

# Docker Desktop at rest takes a second to answer; a machine without an engine refuses at once.
_ENGINE_TIMEOUT_S = 2
_CONTAINER_TIMEOUT_S = 60
_TOPIC_TIMEOUT_S = 30


# Hypothesis would fail an example that takes longer than 200 ms, which a busy machine causes.
_STANDARD = hypothesis.settings.get_profile("ci" if os.environ.get("CI") else "default")
hypothesis.settings.register_profile("project", _STANDARD, deadline=None)
hypothesis.settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --order."""
    parser.addoption(
        "--order", default="", metavar="reversed|SEED",
        help="run the tests of each module from the last to the first, or shuffled by a seed",
    )  # fmt: skip


@pytest.hookimpl(tryfirst=True)  # before pytest puts those beside each other that share a parameter
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Change the order of tests within their modules."""
    wanted = config.getoption("order")
    if not wanted:
        return
    ordered = []
    for _, group in groupby(items, key=lambda item: item.path):
        tests = list(group)
        if wanted == "reversed":
            tests.reverse()
        else:
            random.Random(wanted).shuffle(tests)
        ordered += tests
    items[:] = ordered


@pytest.fixture(scope="session")
def bootstrap_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the session's Kafka is."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with _shared_kafka(shared) as servers:
        yield servers


@pytest.fixture
def app_id() -> str:
    """An application id that no other test has: the prefix of all its topics."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def topics(bootstrap_servers: str, app_id: str) -> Iterator["TopicMaker"]:
    """Makes topics named after the test's app_id; all that bear it are deleted afterwards."""
    maker = TopicMaker(bootstrap_servers, app_id)
    yield maker
    maker.delete_all()


class TopicMaker:
    """Topics of one test."""

    def __init__(self, bootstrap_servers: str, app_id: str) -> None:
        self.admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
        self._app_id = app_id

    def name(self, name: str) -> str:
        """The full name of this test's topic `name`."""
        return f"{self._app_id}-{name}"

    def create(self, name: str, partitions: int = 1, **config: str) -> str:
        """Make a topic and return its full name; `cleanup_policy="compact"` sets cleanup.policy."""
        full = self.name(name)
        settings = {key.replace("_", "."): value for key, value in config.items()}
        topic = NewTopic(full, partitions, 1, config=settings)
        self.admin.create_topics([topic])[full].result(_TOPIC_TIMEOUT_S)
        self._wait_for_leaders(full, partitions)
        return full

    def _wait_for_leaders(self, full: str, partitions: int) -> None:
        deadline = time.monotonic() + _TOPIC_TIMEOUT_S
        while time.monotonic() < deadline:
            found = self.admin.list_topics(full, timeout=_TOPIC_TIMEOUT_S).topics[full].partitions
            if len(found) == partitions and all(part.leader >= 0 for part in found.values()):
                return
            time.sleep(0.01)
        raise TimeoutError(full)

    def delete_all(self) -> None:
        """Delete every topic whose name begins with the test's app_id."""
        names = [
            name
            for name in self.admin.list_topics(timeout=_TOPIC_TIMEOUT_S).topics
            if name.startswith(f"{self._app_id}-")
        ]
        for deleted in self.admin.delete_topics(names).values() if names else ():
            try:
                deleted.result(_TOPIC_TIMEOUT_S)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise


@contextmanager
def _shared_kafka(directory: Path) -> Iterator[str]:
    """Yield the Kafka that all processes with this `directory` share.

    Whoever uses it holds a shared lock on `users`, which the system takes back when a worker dies.
    `address` is there while the Kafka runs, and is written and removed under the lock `start`.
    """
    address = directory / "kafka-address"
    with (
        (directory / "kafka-start").open("w") as start,
        (directory / "kafka-users").open("w") as users,
        ExitStack() as own,
    ):
        fcntl.flock(start, fcntl.LOCK_EX)
        mine = not address.exists()
        if mine:
            address.write_text(own.enter_context(_new_kafka()))
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(start, fcntl.LOCK_UN)
        yield address.read_text()
        fcntl.flock(users, fcntl.LOCK_UN)
        if mine:
            fcntl.flock(start, fcntl.LOCK_EX)  # nobody begins to use it
            fcntl.flock(users, fcntl.LOCK_EX)  # nobody uses it
            address.unlink()
            own.close()


@contextmanager
def _new_kafka() -> Iterator[str]:
    if _docker_answers():
        try:
            container, servers = _start_container()
        except docker.errors.DockerException:
            pass  # an engine that cannot get the image
        else:
            with container:
                _wait_until_it_serves(servers)
                yield servers
            return
    with (
        tempfile.TemporaryDirectory(prefix="kafka-") as directory,
        LocalBroker(Path(directory)) as broker,
    ):
        yield broker.bootstrap_servers


def _docker_answers() -> bool:
    host = urlparse(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    if host.scheme == "unix":  # the client leaks a socket where nobody listens
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_ENGINE_TIMEOUT_S)
            if probe.connect_ex(host.path) != 0:
                return False
    try:
        with closing(docker.from_env(timeout=_ENGINE_TIMEOUT_S)) as client:
            return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False


def _start_container() -> tuple[DockerContainer, str]:
    """Start Kafka in a container with the settings of the local broker."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    container = DockerContainer(f"apache/kafka:{KAFKA_VERSION}").with_bind_ports(port, port)
    servers = f"{container.get_container_host_ip()}:{port}"
    properties = {
        **LAPTOP.properties,
        "controller.quorum.voters": f"1@localhost:{port + 1}",
        "listeners": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://localhost:{port + 1}",
        "advertised.listeners": f"PLAINTEXT://{servers}",
    }
    for name, value in properties.items():
        container.with_env(f"KAFKA_{name.upper().replace('.', '_')}", value)
    return container.start(), servers


def _wait_until_it_serves(servers: str) -> None:
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    admin.list_topics(timeout=_CONTAINER_TIMEOUT_S)

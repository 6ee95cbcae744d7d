"""Connections on which nothing happens, many more than a worker has files for."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.broker.cluster import Cluster, WorkerProcess
from tests.broker.streams import Stream
from tests.broker.visits import KEY, Visits, application, eventually, expected, read

pytestmark = pytest.mark.broker

# Fewer than the store and Kafka of eight partitions and these connections would take.
FILES = 600
IDLE = 900


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with application(bootstrap_servers, tmp_path_factory.mktemp("connections")) as made:
        yield made


@pytest.fixture
def worker(cluster: Cluster) -> WorkerProcess:
    worker = cluster.worker("one")
    if not worker.running:
        worker.files = FILES
        worker.start().wait_ready()
    return worker


@contextlib.contextmanager
def standing(port: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """Connections that send this and then nothing more."""
    with contextlib.ExitStack() as open_ones:
        connections = []
        for _ in range(IDLE):
            one = open_ones.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            connections.append(one)
            with contextlib.suppress(OSError):
                one.sendall(sent)
        yield connections


@pytest.mark.parametrize(
    "sent",
    [b"", b"G", b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
    ids=["nothing", "a letter", "one request"],
)
def test_a_worker_goes_on_beside_more_connections_than_it_has_files_for(cluster, worker, sent):
    user = f"visitor_{len(sent)}"
    with Stream(worker.url, {KEY: user}) as stream, standing(worker.port, sent):
        begun = time.monotonic()
        assert worker.get("/health/ready").status_code == 200
        assert time.monotonic() - begun < 5
        Visits(cluster).send([user], times=3)
        assert stream.next()["name"] == "third"
        eventually(lambda: read(worker, [user]) == {user: expected(3)})
        assert worker.metric("processor_connections") < FILES / 2
        assert worker.metric("processor_connections_refused_total") > IDLE / 2
    assert worker.running
    assert "Too many open files" not in worker.log()


def test_clients_that_never_say_hello_take_no_more_files_than_there_are(cluster, tmp_path):
    """Over TLS a connection comes about only with the handshake."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    worker = cluster.worker("one")
    worker.files = FILES
    if worker.running:
        assert worker.stop() == 0
    worker.start(
        PROCESSOR_TLS_CERT=str(tmp_path / "cert.pem"), PROCESSOR_TLS_KEY=str(tmp_path / "key.pem")
    )
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    url = f"https://127.0.0.1:{worker.port}"
    with httpx.Client(verify=trust, trust_env=False, base_url=url) as client:

        def answers(path: str, text: str = "") -> bool:
            # The worker may close a kept connection, to make room, just as a request is sent.
            with contextlib.suppress(httpx.HTTPError):
                answer = client.get(path)
                return answer.status_code == 200 and text in answer.text
            return False

        eventually(lambda: answers("/health/ready"), 90)
        with standing(worker.port, b""):
            eventually(lambda: answers("/health/ready"), 30)
        eventually(lambda: answers("/metrics", "processor_connections "), 30)
    assert worker.running
    assert worker.stop() == 0, "the others do without TLS"
    assert "Too many open files" not in worker.log()

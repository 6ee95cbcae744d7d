"""Kafka's files: the pinned ones and no others, downloaded once."""

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from processor.errors import BrokerError
from processor.local.kafka_files import KAFKA_VERSION, kafka_class_path, pinned_files

pytestmark = pytest.mark.broker

SMALLEST = min(pinned_files(), key=lambda pinned: pinned.size)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def full() -> Path:
    """Maven's local repository on this machine, with every file of Kafka."""
    path = kafka_class_path(Console(quiet=True))[0]
    levels = len(pinned_files()[0].coordinate.split(":")[0].split(".")) + 3
    return path.parents[levels - 1]


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Path]]:
    """Makes a directory the only registry there is; returns the empty local repository."""
    servers = []

    def serve(directory: Path) -> Path:
        handler = partial(Quiet, directory=directory)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        servers.append(server)
        settings = tmp_path / "jgo.conf"
        settings.write_text(f"[repositories]\ncentral = http://127.0.0.1:{server.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
        monkeypatch.setenv("M2_REPO", str(tmp_path / "local"))
        return tmp_path / "local"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def registry_without(full: Path, directory: Path, replaced: bytes | None) -> Path:
    """A registry in which the smallest file has other bytes, or is missing."""
    for path in kafka_class_path(Console(quiet=True)):
        copy = directory / path.relative_to(full)
        copy.parent.mkdir(parents=True)
        _, artifact, version = SMALLEST.coordinate.split(":")
        if path.name != f"{artifact}-{version}.jar":
            copy.symlink_to(path)
        elif replaced is not None:
            copy.write_bytes(replaced)
    return directory


def test_the_pins_are_of_one_version_of_kafka() -> None:
    versions = {
        pinned.coordinate.split(":")[2]
        for pinned in pinned_files()
        if pinned.coordinate.startswith("org.apache.kafka:")
    }
    assert versions == {KAFKA_VERSION}


def test_no_library_is_pinned_twice() -> None:
    libraries = [pinned.coordinate.rpartition(":")[0] for pinned in pinned_files()]
    assert len(set(libraries)) == len(libraries)


def test_what_is_missing_is_downloaded_once_and_said_in_one_line(full: Path, use, capsys) -> None:
    local = use(full)
    console = Console(stderr=True, width=200)
    paths = kafka_class_path(console)
    assert sum(path.stat().st_size for path in paths) == sum(p.size for p in pinned_files())
    assert all(path.is_relative_to(local) for path in paths)
    said = "downloading Apache Kafka 4.1.0 (44 MB, the first time only)\n"
    assert capsys.readouterr().err == said
    assert kafka_class_path(console) == paths
    assert capsys.readouterr().err == ""
    assert not list(local.glob(".processor-*")), "what was half downloaded is left behind"


def test_a_file_with_other_bytes_is_refused(full: Path, use, tmp_path: Path) -> None:
    local = use(registry_without(full, tmp_path / "registry", bytes(SMALLEST.size)))
    with pytest.raises(BrokerError, match=r"not in .* cannot be downloaded") as refused:
        kafka_class_path(Console(quiet=True))
    assert refused.value.detail == f"{SMALLEST.coordinate} is not the pinned file"
    assert not list(local.rglob(f"{SMALLEST.coordinate.split(':')[1]}*.jar"))


def test_a_damaged_file_is_downloaded_anew(full: Path, use) -> None:
    local = use(full)
    for path in kafka_class_path(Console(quiet=True)):
        if path.stat().st_size == SMALLEST.size:
            damaged = path
    assert damaged.is_relative_to(local)
    damaged.write_bytes(bytes(SMALLEST.size))
    kafka_class_path(Console(quiet=True))
    assert any(damaged.read_bytes())


def test_without_a_registry_the_error_says_what_to_do(full: Path, use, tmp_path: Path) -> None:
    use(registry_without(full, tmp_path / "registry", None))
    with pytest.raises(BrokerError, match=r"not in .* cannot be downloaded") as refused:
        kafka_class_path(Console(quiet=True))
    assert "PROCESSOR_BOOTSTRAP_SERVERS" in refused.value.hint
    assert os.environ["M2_REPO"] in refused.value.message

import socket
from pathlib import Path

import pytest

from processor.cli import up
from processor.cli.up import worker_settings
from processor.settings import Settings


def test_each_worker_has_its_own_directory_port_and_name():
    settings = Settings(http="127.0.0.1:8090", data_dir=Path("/data"), instance_id="a")
    first, second = worker_settings(settings, "kafka:9092", 2)
    assert (first.http, second.http) == ("127.0.0.1:8090", "127.0.0.1:8091")
    assert (first.data_dir, second.data_dir) == (Path("/data/worker-1"), Path("/data/worker-2"))
    assert first.member_name != second.member_name
    assert {first.bootstrap_servers, second.bootstrap_servers} == {"kafka:9092"}


def test_port_0_becomes_a_free_port():
    settings = Settings(http="127.0.0.1:0")
    for one in worker_settings(settings, "kafka:9092", 2):
        assert one.http_port > 0


def test_the_advertised_url_is_that_of_the_first_worker():
    settings = Settings(http="127.0.0.1:8090", advertised_url="http://me:1")
    first, second = worker_settings(settings, "kafka:9092", 2)
    assert first.own_url == "http://me:1"
    assert second.own_url == "http://127.0.0.1:8091"


def test_workers_take_events_from_trackers_unless_told_otherwise():
    (plain,) = worker_settings(Settings(http="127.0.0.1:0"), "kafka:9092", 1)
    assert plain.collector
    settings = Settings(http="127.0.0.1:0", collector=False)
    (without,) = worker_settings(settings, "kafka:9092", 1)
    assert not without.collector


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "LocalBroker", None)
    monkeypatch.setattr(up, "start_workers", None)


@pytest.mark.usefixtures("nothing_starts")
def test_a_taken_port_is_told_before_anything_starts(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("up", "--http", f"127.0.0.1:{port}")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert f"the HTTP API cannot listen on 127.0.0.1:{port}" in line


@pytest.mark.usefixtures("nothing_starts")
def test_an_open_api_is_told_before_anything_starts(run):
    result = run("up", "--http", "0.0.0.0:0")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "would be open to anyone" in line

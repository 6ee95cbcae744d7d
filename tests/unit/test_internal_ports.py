import json
import socket
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from processor.internal_ports import InternalPorts

HOST = "127.0.0.1"


def test_a_process_has_the_same_address_after_a_restart(tmp_path: Path) -> None:
    first = InternalPorts(tmp_path, HOST)
    addresses = [first.address(name) for name in ("source", "source-2")]
    assert len(set(addresses)) == 2
    again = InternalPorts(tmp_path, HOST)
    assert [again.address(name) for name in ("source", "source-2")] == addresses


def test_a_port_that_somebody_has_taken_is_replaced_and_kept(tmp_path: Path) -> None:
    address = InternalPorts(tmp_path, HOST).address("source")
    with socket.create_server((HOST, int(address.rpartition(":")[2]))):
        other = InternalPorts(tmp_path, HOST).address("source")
    assert other != address
    assert InternalPorts(tmp_path, HOST).address("source") == other


@pytest.mark.parametrize("text", ["", "[]", "{", '{"source": "x"}', '{"source": 99999999}'])
def test_a_damaged_file_is_a_missing_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)
    address = InternalPorts(tmp_path, HOST).address("source")
    assert json.loads((tmp_path / "ports.json").read_text()) == {
        "source": int(address.rpartition(":")[2])
    }


def test_a_directory_that_cannot_be_written_costs_a_rebalance_and_nothing_else(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("no directory")
    with capture_logs() as logged:
        assert InternalPorts(tmp_path / "file", HOST).address("source").startswith(HOST)
    assert [one["event"] for one in logged] == ["ports_not_kept"]

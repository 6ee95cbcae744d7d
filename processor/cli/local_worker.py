"""A worker as a child process of `up` and `demo`."""

import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import httpx

from processor.cli.setting_options import environment_of
from processor.clock import monotonic_s
from processor.errors import BrokerError, ProcessorError
from processor.settings import Settings

# A worker flushes and leaves its group in a second or two; longer, and it is killed.
_STOP_S = 20.0
# A start that restores state can take minutes; without Kafka a worker gives up by itself.
_READY_S = 600.0
_READY = "ready "
_LAST_LINES = 5
# A worker that is busy with its state answers later than this; the request is then repeated.
_ANSWER_S = 5.0


class LocalWorker:
    """One worker process. It is killed when this process ends, in whatever way.

    With a `directory` it runs there, with its log in `worker.log`; otherwise it runs in the
    working directory.
    """

    def __init__(self, settings: Settings, directory: Path | None = None) -> None:
        self.settings = settings
        self.url = ""
        self._log_file = directory / "worker.log" if directory else None
        command = [sys.executable, "-m", "processor.cli.main", "worker", "--parent"]
        self._log: IO[bytes] | None = self._log_file.open("ab") if self._log_file else None
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment_of(settings),
            cwd=directory,
            start_new_session=True,  # we receive Ctrl-C and stop the worker before Kafka
            text=True,
        )
        self._urls: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, name="worker-output", daemon=True).start()

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait until it serves; then `url` is known.

        Raises:
            ProcessorError: it ended, or was not ready in time.
        """
        deadline = monotonic_s() + _READY_S
        while monotonic_s() < deadline:
            try:
                url = self._urls.get(timeout=0.1)
            except queue.Empty:
                self.check()
            else:
                if url is not None:
                    self.url = url
                    return
                self._process.wait(_STOP_S)
                self.check()
        message = f"the worker at {self.settings.own_url} is not ready after {_READY_S:.0f} s"
        raise BrokerError(message, hint="its log states what it waits for")

    def serves(self) -> bool:
        """Return whether it serves now: a worker that was ready may wait for its group again."""
        scheme = "https" if self.settings.tls_cert else "http"
        address = f"{scheme}://{self.settings.http}/health/ready"
        try:
            # It is our own child process: the host in its certificate does not matter.
            answer = httpx.get(address, verify=False, timeout=_ANSWER_S, trust_env=False)  # noqa: S501
        except httpx.HTTPError:
            return False
        return answer.is_success

    def check(self) -> None:
        """Raise ProcessorError if it has ended by itself."""
        status = self._process.poll()
        if status is not None:
            message = f"the worker at {self.settings.own_url} ended with exit status {status}"
            raise ProcessorError(message, detail=self._last_words(), hint="its log states why")

    def end(self) -> None:
        """Request a graceful end."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it gracefully and wait; kill it if that takes too long."""
        self.end()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._log is not None:
            self._log.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                if line.startswith(_READY):
                    self._urls.put(line.removeprefix(_READY).strip())
        self._urls.put(None)

    def _last_words(self) -> str:
        if self._log_file is None or not self._log_file.exists():
            return ""
        lines = self._log_file.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LAST_LINES:])

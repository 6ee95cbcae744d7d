"""A real Chromium without a window, for tests: driven by its DevTools protocol over a socket."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

Json = dict[str, Any]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ANSWER_S = 30.0
COMPLAINTS = ("assert", "error", "warning")
# With --remote-debugging-pipe it reads commands from descriptor 3 and writes to 4, both end in NUL.
START = 'exec "$@" 3<&"$0" 4>&"$0"'
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    # It asks no host of its maker for anything.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=900,500",
)


def installed() -> str:
    """The path of Chromium; empty where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), "")


class Tab:
    """One page in a Chromium: what it shows, and what went wrong in it."""

    def __init__(self, asked: socket.socket) -> None:
        self._socket = asked
        self._socket.settimeout(ANSWER_S)
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self._events: list[Json] = []
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        attached = self.command("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.command(f"{domain}.enable")

    @classmethod
    @contextmanager
    def opened(cls, program: str, directory: Path) -> Iterator[Self]:
        """Start Chromium, and end it with all its processes; what it logs is in `directory`."""
        ours, theirs = socket.socketpair()
        flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS  # root may not use it
        with (
            ours,
            tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile,
            (directory / "chromium.log").open("wb") as log,
        ):
            command = [program, *flags, f"--user-data-dir={profile}"]
            process = subprocess.Popen(
                ["bash", "-c", START, str(theirs.fileno()), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            theirs.close()
            try:
                yield cls(ours)
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(ANSWER_S)

    def command(self, method: str, **parameters: Any) -> Json:
        """Do one thing of the protocol; return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        self._socket.sendall(json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_S
        while (answer := self._read()).get("id") != self._number:
            self._events.append(answer)
            assert time.monotonic() < deadline, f"no answer to {method}"
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: Json = answer["result"]
        return result

    def _read(self) -> Json:
        while b"\0" not in self._unread:
            chunk = self._socket.recv(1_000_000)
            assert chunk, "Chromium has ended"
            self._unread += chunk
        text, _, self._unread = self._unread.partition(b"\0")
        message: Json = json.loads(text)
        return message

    def visit(self, url: str) -> None:
        """Load a page, and run the scripts in it."""
        self._load("Page.navigate", url=url)

    def reload(self) -> None:
        """Load the page anew, as the visitor's button does."""
        self._load("Page.reload")

    def _load(self, method: str, **parameters: Any) -> None:
        loaded = "Page.loadEventFired"
        before = len(self._told(loaded))
        self.command(method, **parameters)
        while len(self._told(loaded)) == before:
            self._events.append(self._read())

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript is in the page."""
        found = self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def _told(self, method: str) -> list[Json]:
        return [one["params"] for one in self._events if one["method"] == method]

    def complaints(self) -> list[Json]:
        """Every error and warning of the console, and every exception that nobody caught."""
        self.value("0")  # what came before the answer is read
        said = [one for one in self._told("Runtime.consoleAPICalled") if one["type"] in COMPLAINTS]
        logged = [
            one for one in self._told("Log.entryAdded") if one["entry"]["level"] in COMPLAINTS
        ]
        return said + logged + self._told("Runtime.exceptionThrown")

    def screenshot(self, path: Path) -> None:
        """Keep what it shows as a PNG file."""
        path.write_bytes(base64.b64decode(self.command("Page.captureScreenshot")["data"]))

"""The peers in Python: Quix Streams in an environment of its own, Faust as it is in ours."""

import subprocess
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from tests.benchmarks.bench.system import MissingError, Peer, Run
from tests.broker.cluster import free_port

PEERS = Path(__file__).parents[1] / "peers"
INSTALL_S = 900


class PythonPeer(Peer):
    """A program of the folder of peers that takes the same arguments as the others."""

    program = ""

    def python(self) -> str:
        """The Python that runs it."""
        return sys.executable

    def start(self, run: Run) -> None:
        self.port = free_port()
        self._spawn(
            [
                self.python(), str(PEERS / self.program), run.job.letter, run.source,
                run.interventions, str(run.partitions), str(self.port), run.servers, run.name,
                str(run.directory / "state"),
            ],
            run, {}, run.directory,
        )  # fmt: skip


class Faust(PythonPeer):
    """Faust with its own transport and its table over RocksDB."""

    program = "faust_peer.py"
    slow = True

    def prepare(self) -> str:
        return f"faust-streaming {version('faust-streaming')}"


class Quix(PythonPeer):
    """Quix Streams, at least once."""

    program = "quix_peer.py"

    def prepare(self) -> str:
        wanted = PEERS / "quix-requirements.txt"
        directory = self._environment()
        stamp = directory / "requirements"
        requirements = sha256(wanted.read_bytes()).hexdigest()
        if not stamp.exists() or stamp.read_text() != requirements:
            Console(stderr=True).print("installing Quix Streams")
            self._run([sys.executable, "-m", "venv", "--clear", str(directory)])
            self._run(
                [self.python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                 "--require-hashes", "-r", str(wanted)]
            )  # fmt: skip
            stamp.write_text(requirements)
        code = "import importlib.metadata as m; print(m.version('quixstreams'))"
        return f"Quix Streams {self._run([self.python(), '-c', code]).strip()}"

    def python(self) -> str:
        return str(self._environment() / "bin" / "python")

    def _environment(self) -> Path:
        return Path("build", "bench", "quix").absolute()

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()[-5:]
            message = "it cannot be installed: " + "\n".join(last)
            raise MissingError(message)
        return done.stdout

"""The processor itself, as `processor worker` of this tree or another runs it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.bench.system import Counts, FailedError, MissingError, Run, System
from tests.broker.cluster import free_port

ROOT = Path(__file__).parents[3]
COMMAND_S = 120


class Ours(System):
    """Workers of a tree of the processor, which share the partitions.

    `root` is the tree, `settings` are environment variables PROCESSOR_*.
    """

    makes_topics = True

    def __init__(
        self,
        name: str = "ours",
        label: str = "ours, one worker",
        *,
        root: Path = ROOT,
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name, label)
        self._root = root
        self._workers = workers
        self._settings = dict(settings or {})
        self._urls: list[str] = []

    def prepare(self) -> str:
        if not (self._root / "processor" / "cli" / "main.py").exists():
            message = f"{self._root} is no tree of the processor"
            raise MissingError(message)
        return revision(self._root)

    def start(self, run: Run) -> None:
        environment = self._environment(run)
        self._command(environment, "topics", "create")
        self._command(environment, "publish", str(run.job.definitions))
        self._urls.clear()
        for number in range(self._workers):
            port = free_port()
            self._urls.append(f"http://127.0.0.1:{port}")
            own = {
                "PROCESSOR_HTTP": f"127.0.0.1:{port}",
                "PROCESSOR_DATA_DIR": str(run.directory / f"data-{number}"),
            }
            self._spawn(
                [sys.executable, "-m", "processor.cli.main", "worker"],
                run, {**environment, **own}, self._root,
            )  # fmt: skip

    def counts(self) -> Counts | None:
        seen = applied = 0.0
        for url in self._urls:
            try:
                answer = httpx.get(f"{url}/metrics", timeout=5.0)
            except httpx.HTTPError:
                return None
            if answer.status_code != 200:
                return None
            seen += sample(answer.text, "processor_events_total")
            applied += sample(answer.text, "processor_contributions_total")
        return Counts(int(seen), int(applied))

    def produced_ms(self, message: Mapping[str, Any], times: Mapping[str, int]) -> int | None:
        return times.get(message["data"]["trigger"]["event_id"])

    def _environment(self, run: Run) -> dict[str, str]:
        return {
            "PYTHONPATH": str(self._root),
            "PROCESSOR_BOOTSTRAP_SERVERS": run.servers,
            "PROCESSOR_APP_ID": run.name,
            "PROCESSOR_ENRICHED_TOPIC": run.source,
            "PROCESSOR_DEFINITIONS_TOPIC": f"{run.name}-definitions",
            "PROCESSOR_INTERVENTIONS_TOPIC": run.interventions,
            "PROCESSOR_DEAD_LETTER_TOPIC": f"{run.name}-dead-letters",
            "PROCESSOR_PARTITIONS": str(run.partitions),
            **self._settings,
        }

    def _command(self, environment: Mapping[str, str], *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "processor.cli.main", *arguments],
            cwd=self._root, env={**os.environ, **environment}, timeout=COMMAND_S,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            message = f"processor {' '.join(arguments)}: {done.stderr}"
            raise FailedError(message)


def sample(metrics: str, name: str) -> float:
    """A metric of the Prometheus text format, summed over its labels."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in metrics.splitlines()
        if line.startswith((f"{name} ", f"{name}{{"))
    )


def revision(root: Path) -> str:
    """The commit of a tree, and whether it has been changed; for an export, its directory."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    if not (root / ".git").exists():
        return root.name
    changed = git("status", "--porcelain", "--", "processor", "definitions")
    return git("rev-parse", "--short", "HEAD") + (" and changes" if changed else "")

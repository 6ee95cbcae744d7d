"""The files of Apache Kafka: found in Maven's local repository, or downloaded there once.

jgo finds the registry, its mirrors and the local repository. kafka.xml pins what to download: every
file with its SHA-256. Nothing is resolved again, and a file that differs from its pin is never
given to Java. `python -m processor.local.kafka_files` resolves Kafka again and renews the pins.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # jgo's objects are untyped to us
from xml.etree import ElementTree

from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from processor.errors import BrokerError
from processor.limits import DETAIL_CHARS_MAX

KAFKA_VERSION = "4.1.0"
KAFKA = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
# Kafka's jars depend on no log writer; this is the one that Kafka's distribution ships.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"
_PINS = Path(__file__).with_name("kafka.xml")
# Files downloaded at once: a registry slows down with more.
_DOWNLOADS_AT_ONCE = 4
# A registry that is silent for this long counts as unreachable.
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """One jar: its coordinate (group:artifact:version), size and SHA-256."""

    coordinate: str
    size: int
    sha256: str


def pinned_files() -> tuple[PinnedFile, ...]:
    """Return every file of the class path, in the order of kafka.xml."""
    root = ElementTree.parse(_PINS).getroot()  # noqa: S314 - our own file
    return tuple(
        PinnedFile(item.attrib["coordinate"], int(item.attrib["bytes"]), item.attrib["sha256"])
        for item in root
    )


def kafka_class_path(console: Console) -> list[Path]:
    """Return Kafka's jars, each with the pinned content; missing ones are downloaded first.

    A download is shown on `console`: a progress bar on a terminal, one line elsewhere. Raises
    BrokerError if a file neither exists nor can be downloaded.
    """
    repository = Path(GlobalSettings.load().repo_cache)
    paths = {pinned: _cached_path(repository, pinned) for pinned in pinned_files()}
    if not all(map(_intact, paths, paths.values())):
        try:
            with _exclusive(repository):
                missing = [pinned for pinned, path in paths.items() if not _intact(pinned, path)]
                _download(repository, missing, console)
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
            raise _not_to_be_had(repository, error) from error
    return list(paths.values())


def _cached_path(repository: Path, pinned: PinnedFile) -> Path:
    return Path(_artifact(MavenContext(repo_cache=repository), pinned).cached_path)


def _artifact(context: Any, pinned: PinnedFile) -> Any:  # Any: jgo is untyped to us
    return context.create_dependency(pinned.coordinate).artifact


def _intact(pinned: PinnedFile, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == pinned.size and _sha256(path) == pinned.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _exclusive(repository: Path) -> Iterator[None]:
    """Wait until no other process downloads into `repository`."""
    repository.mkdir(parents=True, exist_ok=True)
    with (repository / ".processor.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(repository: Path, missing: Sequence[PinnedFile], console: Console) -> None:
    """Store `missing` in `repository`; a file gets its name only when complete and verified."""
    if not missing:
        return
    with (
        _shown(sum(pinned.size for pinned in missing), console) as advance,
        tempfile.TemporaryDirectory(dir=repository, prefix=".processor-") as staging,
        ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool,
    ):
        context = _context(Path(staging), advance)

        def fetch(pinned: PinnedFile) -> None:
            path = Path(_artifact(context, pinned).resolve())
            if not _intact(pinned, path):
                message = f"{pinned.coordinate} is not the pinned file"
                raise RuntimeError(message)
            target = _cached_path(repository, pinned)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)

        for done in [pool.submit(fetch, pinned) for pinned in missing]:
            done.result()


def _context(repository: Path, advance: Callable[[int], None]) -> Any:  # Any: jgo is untyped to us
    """Return jgo's registry as configured in its settings file, mirrors included."""

    @contextmanager
    def progress(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance

    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=repository,
        timeout=_TIMEOUT_S,
    )
    context.remote_repos.update(GlobalSettings.load().repositories)
    return context


@contextmanager
def _shown(size: int, console: Console) -> Iterator[Callable[[int], None]]:
    """Show a download of `size` bytes; yields a function to call with the size of each piece."""
    title = f"Apache Kafka {KAFKA_VERSION}"
    if not console.is_terminal:
        console.print(f"downloading {title} ({size // 1_000_000} MB, the first time only)")
        yield lambda _count: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"downloading {title} (the first time only)", total=size)
        yield lambda count: bar.advance(task, count)


def _not_to_be_had(repository: Path, error: Exception) -> BrokerError:
    return BrokerError(
        f"Apache Kafka {KAFKA_VERSION} is not in {str(repository)!r} and cannot be downloaded",
        detail=str(error)[:DETAIL_CHARS_MAX],
        hint=(
            "connect this machine to the network once, or name a mirror in the [repositories] of "
            "jgo's settings file, or copy that directory from a machine that has it (M2_REPO names "
            "another), or use an existing Kafka: PROCESSOR_BOOTSTRAP_SERVERS"
        ),
    )


def _pin() -> str:
    """Resolve Kafka and its log writer again; return the text of kafka.xml."""
    context = MavenContext()
    context.remote_repos.update(GlobalSettings.load().repositories)
    found: dict[tuple[str, str], Any] = {}  # Any: jgo is untyped to us
    for coordinate in (KAFKA, LOGGING):
        # One at a time: resolved together, each would change the versions of the other.
        inputs, others = context.resolver.resolve([context.create_dependency(coordinate)])
        for dependency in (*inputs, *others):
            found.setdefault((dependency.groupId, dependency.artifactId), dependency.artifact)
    root = ElementTree.Element("files", version=KAFKA_VERSION)
    for name, artifact in sorted(found.items()):
        path = Path(artifact.resolve())
        attributes = {
            "coordinate": ":".join((*name, artifact.version)),
            "bytes": str(path.stat().st_size),
            "sha256": _sha256(path),
        }
        ElementTree.SubElement(root, "file", attributes)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + os.linesep


if __name__ == "__main__":
    _PINS.write_text(_pin(), encoding="utf-8")

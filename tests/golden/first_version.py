"""The version of the processor that read and wrote level 1 alone, from the project's history."""

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STREAMING = Path("processor", "streaming")
COMMIT = "42a2ca52c41bf921cb8aa7ebd48e0cb71c8950fc"


def unpack(directory: Path) -> Path:
    """Put the whole tree of that version into a directory, and return it.

    A copy of the project without its history cannot be tested so: the test is skipped, except
    where CI asks for all.
    """
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", COMMIT], capture_output=True, check=False
    )
    if archive.returncode:
        reason = f"the history does not hold {COMMIT[:7]}: {archive.stderr.decode().strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}; clone the project with its whole history")
        pytest.skip(reason)
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tree:
        tree.extractall(directory, filter="data")
    _name_as_now(directory / STREAMING)
    return directory


def _name_as_now(streaming: Path) -> None:
    """Let modules of that version be imported under the names that they have now.

    The installed project names its transport for Faust, and records.py what it imports.
    """
    for path in (ROOT / STREAMING).glob("*/*.py"):
        if path.name == "__init__.py" or not (streaming / path.name).exists():
            continue
        room = streaming / path.parent.name
        room.mkdir(exist_ok=True)
        (room / "__init__.py").touch()
        module = f"import sys\n\nfrom processor.streaming import {path.stem}\n\n"
        (room / path.name).write_text(f"{module}sys.modules[__name__] = {path.stem}\n")

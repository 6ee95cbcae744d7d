"""Writes the golden records of every level anew: `python -m tests.golden.make`.

Those of level 1 come from the version that wrote nothing else, and never change.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from processor.formats import FIRST_LEVEL, NEWEST_LEVEL
from tests.golden.first_version import ROOT, unpack

RECORDS = Path(__file__).with_name("records.py")


def golden_file(level: int) -> Path:
    return ROOT / "tests" / "data" / f"records-level-{level}.json"


def written_by(tree: Path, *level: int) -> str:
    """What the code of a tree writes, as JSON."""
    done = subprocess.run(
        [sys.executable, str(RECORDS), *map(str, level)],
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        golden_file(FIRST_LEVEL).write_text(written_by(unpack(Path(directory))))
    for level in range(FIRST_LEVEL + 1, NEWEST_LEVEL + 1):
        golden_file(level).write_text(written_by(ROOT, level, level))


if __name__ == "__main__":
    main()

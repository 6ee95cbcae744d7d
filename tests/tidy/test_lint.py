"""The linter and the formatter have nothing to say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def ruff(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_linter_finds_nothing() -> None:
    done = ruff("check", "--output-format=concise")
    assert done.returncode == 0, f"run `ruff check --fix`:\n{done.stdout}{done.stderr}"


def test_every_file_is_formatted() -> None:
    done = ruff("format", "--check")
    assert done.returncode == 0, f"run `ruff format`:\n{done.stdout}{done.stderr}"

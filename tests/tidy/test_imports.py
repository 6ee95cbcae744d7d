"""Imports go down only, as pyproject.toml says, and through the face of a core package."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_no_import_breaks_a_contract() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(lint_imports)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run `lint-imports`:\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    "package", ["aggregates", "collector", "criteria", "engine", "interventions", "windows"]
)
def test_other_packages_import_from_the_face_of_a_package(package: str) -> None:
    deep = re.compile(rf"^\s*(from|import) processor\.{package}\.", re.MULTILINE)
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "processor").rglob("*.py")
        if ROOT / "processor" / package not in path.parents
        if deep.search(path.read_text(encoding="utf-8"))
    ]
    assert found == [], f"import it from processor.{package}; export it there if it is missing"

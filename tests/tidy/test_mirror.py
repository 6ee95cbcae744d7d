"""Each module has the test file of its name, or tests/README.md says where it is proved and why."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
MODULES = [
    path.relative_to(ROOT).as_posix()
    for package in ("definitions", "processor")
    for path in sorted((ROOT / package).rglob("*.py"))
    if path.name != "__init__.py"
]
ROW = re.compile(r"^\| (`.+?`) \| (`.+?`) \| (.+?) \|$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")


def own_test(module: str) -> Path:
    path = Path(module.removeprefix("processor/"))
    return ROOT / "tests" / "unit" / path.with_name(f"test_{path.name}")


def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Each module that the page names, with the files that prove it."""
    for modules, files, _ in ROW.findall(PAGE):
        for module in QUOTED.findall(modules):
            yield module, QUOTED.findall(files)


def called(name: str) -> list[str]:
    return [module for module in MODULES if f"/{module}".endswith(f"/{name}")]


def test_each_module_has_its_test_file_or_a_row() -> None:
    named = {module for name, _ in elsewhere() for module in called(name)}
    faults = [
        f"{module}: write {own_test(module).relative_to(ROOT)}, or a row of tests/README.md"
        for module in MODULES
        if module not in named and not own_test(module).exists()
    ]
    assert len(MODULES) > len(named) > 0
    assert not faults, "\n".join(["", *faults])


def test_each_row_is_of_one_module_that_has_no_test_file_of_its_name() -> None:
    faults = []
    for name, _ in elsewhere():
        modules = called(name)
        if len(modules) != 1:
            faults.append(f"{name}: {' '.join(modules) or 'no module'}; name one")
        elif own_test(modules[0]).exists():
            faults.append(f"{name}: {own_test(modules[0]).relative_to(ROOT)} proves it; remove it")
    assert not faults, "\n".join(["tests/README.md:", *faults])


def test_no_module_has_two_rows() -> None:
    names = [module for name, _ in elsewhere() for module in called(name)]
    assert sorted(names) == sorted(set(names))


def test_the_files_that_prove_a_module_exist() -> None:
    missing = {file for _, files in elsewhere() for file in files if not (ROOT / file).exists()}
    assert not missing, f"tests/README.md: {sorted(missing)}"

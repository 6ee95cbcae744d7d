"""Modules have names that say something, files and functions fit the eye, imports stand on top."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
NAMES_THAT_SAY_NOTHING = {"utils", "common", "helpers", "base", "misc", "manager"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    found = [
        path for package in ("processor", "definitions") for path in ROOT.glob(f"{package}/**/*.py")
    ]
    assert found
    return sorted(path.relative_to(ROOT) for path in found)


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))


@pytest.fixture(params=modules(), ids=str)
def module(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_a_module_is_named_after_what_it_holds(module: Path) -> None:
    empty = {part.removesuffix(".py") for part in module.parts} & NAMES_THAT_SAY_NOTHING
    assert not empty, f"{module}: name it after the thing that it holds, not {sorted(empty)}"


def test_a_file_fits_the_eye(module: Path) -> None:
    lines = len((ROOT / module).read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LINES_MAX, f"{module} has {lines} lines: it holds two concepts, split it"


def test_a_function_fits_the_screen(module: Path) -> None:
    long = [
        f"{module}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in nodes(module)
        if isinstance(node, Function) and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert not long, f"split at most {FUNCTION_LINES_MAX} lines each: {long}"


def test_imports_name_the_whole_path(module: Path) -> None:
    relative = [
        f"{module}:{node.lineno}"
        for node in nodes(module)
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert not relative, f"import from the package's full name: {relative}"


def test_imports_stand_on_top(module: Path) -> None:
    hidden = [
        f"{module}:{inner.lineno}"
        for node in nodes(module)
        if isinstance(node, Function)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert not hidden, f"move the import to the top of the file: {hidden}"


def test_types_are_imported_like_everything_else(module: Path) -> None:
    guarded = [
        f"{module}:{node.lineno}"
        for node in nodes(module)
        if (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
        or (isinstance(node, ast.alias) and node.name == "TYPE_CHECKING")
    ]
    assert not guarded, f"modules that need each other for types belong in one order: {guarded}"

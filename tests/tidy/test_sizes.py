"""Modules have names that say something, files and functions fit the eye, imports stand on top."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
NAMES_THAT_SAY_NOTHING = {"utils", "common", "helpers", "base", "misc", "manager"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
MODULES = [
    path.relative_to(ROOT)
    for package in ("definitions", "processor")
    for path in sorted((ROOT / package).rglob("*.py"))
]


def text(module: Path) -> str:
    return (ROOT / module).read_text(encoding="utf-8")


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for module in MODULES:
        for node in ast.walk(ast.parse(text(module))):
            yield module, node


def functions() -> Iterator[tuple[Path, Function]]:
    return ((module, node) for module, node in nodes() if isinstance(node, Function))


def said(faults: list[str]) -> str:
    return "\n".join(["", *faults])


def test_there_are_modules() -> None:
    assert len(MODULES) > 50


def test_modules_are_named_after_what_they_hold() -> None:
    faults = [
        f"{module}: name it after the thing that it holds"
        for module in MODULES
        if {part.removesuffix(".py") for part in module.parts} & NAMES_THAT_SAY_NOTHING
    ]
    assert not faults, said(faults)


def test_files_fit_the_eye() -> None:
    faults = [
        f"{module}: {lines} lines, at most {FILE_LINES_MAX}; it holds two concepts, split it"
        for module in MODULES
        if (lines := len(text(module).splitlines())) > FILE_LINES_MAX
    ]
    assert not faults, said(faults)


def test_functions_fit_the_screen() -> None:
    faults = [
        f"{module}:{node.lineno} {node.name}: {lines} lines, at most {FUNCTION_LINES_MAX}; split it"
        for module, node in functions()
        if (lines := node.end_lineno - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not faults, said(faults)


def test_imports_name_the_whole_path() -> None:
    faults = [
        f"{module}:{node.lineno}: import from the package's full name"
        for module, node in nodes()
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert not faults, said(faults)


def test_imports_stand_on_top() -> None:
    faults = [
        f"{module}:{inner.lineno}: move the import out of {node.name}() to the top of the file"
        for module, node in functions()
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert not faults, said(faults)


def test_types_are_imported_like_everything_else() -> None:
    faults = [
        f"{module}: no TYPE_CHECKING; modules that need each other belong in one order"
        for module, node in nodes()
        if (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
        or (isinstance(node, ast.alias) and node.name == "TYPE_CHECKING")
    ]
    assert not faults, said(faults)

"""The Python code of a page: of its fenced blocks, else of what copying the page left of them.

Such a copy has lost fences and indentation, so that its statements stand between its sentences. A
line is code where a statement begins that Python can read, which sentences are not.
"""

import ast
import codeop
import re
import warnings

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def statements(page: str) -> list[ast.stmt]:
    """Return the statements of a page in order; a placeholder `{{ x }}` is the mapping `x`."""
    page = _PLACEHOLDER.sub(r"**\1", page)
    blocks: list[str] = _BLOCK.findall(page)
    if blocks:
        return [one for block in blocks for one in ast.parse(block).body]
    return _scattered(page.splitlines())


def names(statement: ast.stmt) -> set[str]:
    """Return the names that a statement reads, imports or sets."""
    nodes = list(ast.walk(statement))
    return {one.id for one in nodes if isinstance(one, ast.Name)} | {
        one.name for one in nodes if isinstance(one, ast.alias)
    }


def _scattered(lines: list[str]) -> list[ast.stmt]:
    found = []
    at = 0
    while at < len(lines):
        end = _end_of_statement(lines, at)
        if end is None:
            at += 1
            continue
        (statement,) = ast.parse("\n".join(lines[at:end])).body
        if not isinstance(statement, ast.Expr) or isinstance(statement.value, ast.Call):
            found.append(statement)  # a word alone is an expression, too
        at = end
    return found


def _end_of_statement(lines: list[str], start: int) -> int | None:
    """Return the line behind the statement that begins here; None where none does."""
    if not lines[start].strip():
        return None
    for end in range(start + 1, len(lines) + 1):
        source = "\n".join(lines[start:end])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                complete = codeop.compile_command(source, symbol="exec")
        except (SyntaxError, ValueError):
            return None
        if complete is not None:
            return end if len(ast.parse(source).body) == 1 else None
    return None

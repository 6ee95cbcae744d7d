"""What the README shows works."""

import re
from pathlib import Path

import pytest

from processor.cli.main import COMMANDS

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    ("page", "record"),
    [
        ("README.md", "intervention/welcome_back/1"),
        ("definitions/README.md", "intervention/nudge/1"),
    ],
)
def test_the_definitions_that_a_page_shows_are_right(run, tmp_path, page, record):
    code, *_others = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    file = tmp_path / "shown.py"
    file.write_text(code)
    result = run("check", file)
    assert result.exit_code == 0, result.stderr
    assert record in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_row(command):
    assert re.search(rf"^\| `processor {command}[ `]", README, re.MULTILINE)


def test_every_row_is_a_command():
    assert set(re.findall(r"^\| `processor ([a-z-]+)", README, re.MULTILINE)) == set(COMMANDS)

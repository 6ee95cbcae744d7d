"""What the README shows works."""

import re
from pathlib import Path

import pytest

from processor.cli.main import COMMANDS

README = (Path(__file__).parents[3] / "README.md").read_text()


def test_the_first_definition_is_right(run, tmp_path):
    code, _tracking = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "first.py"
    file.write_text(code)
    result = run("check", file)
    assert result.exit_code == 0, result.stderr
    assert "intervention/welcome_back/1" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_row(command):
    assert re.search(rf"^\| `processor {command}[ `]", README, re.MULTILINE)


def test_every_row_is_a_command():
    assert set(re.findall(r"^\| `processor ([a-z-]+)", README, re.MULTILINE)) == set(COMMANDS)

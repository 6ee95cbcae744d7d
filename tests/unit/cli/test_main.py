import pytest

from processor import __version__
from processor.cli.main import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert command in result.stdout


def test_the_help_lists_every_command(run):
    listed = run("--help").stdout
    assert all(command in listed for command in COMMANDS)


@pytest.mark.parametrize("command", ["create", "check"])
def test_every_command_of_topics_explains_itself(run, command):
    assert run("topics", command, "--help").exit_code == 0


@pytest.mark.parametrize("command", ["list", "show"])
def test_every_command_of_dead_letters_explains_itself(run, command):
    assert run("dead-letters", command, "--help").exit_code == 0


def test_the_version_is_told(run):
    assert run("--version").stdout.strip() == f"processor {__version__}"


def test_no_command_is_wrong_use(run):
    assert run().exit_code == 2

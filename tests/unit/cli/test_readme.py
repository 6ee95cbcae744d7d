"""What README.md and the pages of docs/ show works."""

import ast
import re
import shlex
import shutil
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import typer

from definitions.records import objects_from_file
from processor.cli.main import COMMANDS, app

ROOT = Path(__file__).parents[3]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND_ROW = re.compile(r"^\| `processor ([a-z-]+)", re.MULTILINE)
# Where each program of a page runs, by the page and the first words of the program.
PROGRAMS = {
    ("README.md", "from definitions import *"): (
        "tests/unit/cli/test_readme.py::test_the_definitions_that_a_page_shows_are_right"
    ),
    ("docs/python.md", "from first import group, welcome"): (
        "tests/broker/test_client.py::test_the_program_that_the_docs_show_runs"
    ),
    **{
        ("docs/python.md", start): (
            "tests/broker/test_official_sdk.py"
            "::test_the_program_that_the_docs_show_runs_with_both_connections"
        )
        for start in (
            "from snowplow_signals import SignalsSandbox",
            "from datetime import timedelta",
            "from snowplow_signals import Signals",
        )
    },
    ("docs/trackers.md", "from snowplow_tracker import PageView, Snowplow, Subject"): (
        "tests/broker/test_collector.py::test_the_tracker_that_the_docs_show_sends_an_event"
    ),
    ("docs/interventions.md", '<p id="offer"></p>'): (
        "tests/browser/test_browser.py::test_a_page_view_leads_to_an_intervention_in_the_page"
    ),
}


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code of a page that are marked with this language."""
    return [code for marked, code in FENCED.findall(PAGES[page]) if marked == language]


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


def test_each_program_that_a_page_shows_has_a_test():
    shown = {
        (page, code.splitlines()[0])
        for page in PAGES
        for language in ("python", "html")
        for code in blocks(page, language)
    }
    assert shown == set(PROGRAMS)
    for test in PROGRAMS.values():
        file, _, name = test.partition("::")
        names = {
            node.name
            for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef)
        }
        assert name in names, test


def shown_commands() -> list[tuple[str, str]]:
    """Each line of a block of code that begins with `processor`, with its page."""
    return [
        (page, line)
        for page in PAGES
        for code in blocks(page, "")
        for line in code.splitlines()
        if re.match(r"processor ", line)
    ]


@pytest.mark.parametrize(("page", "line"), shown_commands())
def test_the_command_that_a_page_shows_exists_with_its_options(page, line):
    _, *words = shlex.split(line, comments=True)
    command = typer.main.get_command(app)
    while hasattr(command, "get_command"):
        command = command.get_command(None, words.pop(0))
        assert command is not None, f"{page}: {line}"
    known = {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {word for word in words if word.startswith("--")} <= known, f"{page}: {line}"


def test_definitions_are_tested_on_a_file_as_the_page_shows(run, tmp_path):
    page = "docs/testing-definitions.md"
    (tmp_path / "first.py").write_text(blocks("README.md", "python")[0])
    (generate, test), (fired, counts) = (
        text.splitlines()
        for text in blocks(page, "")
        if text.startswith(("processor generate", "welcome_back"))
    )
    for line in (generate, test):
        result = run(*shlex.split(line)[1:])
        assert result.exit_code == 0, result.stderr
    assert counts in result.stderr
    times = result.stdout.count("\twelcome_back_v1\t")
    assert fired == f"welcome_back v1 would have fired {times} times"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_row(command):
    assert command in COMMAND_ROW.findall(PAGES["docs/commands.md"])


def test_every_row_is_a_command():
    assert set(COMMAND_ROW.findall(PAGES["docs/commands.md"])) == set(COMMANDS)


def test_the_picture_shows_what_the_demo_publishes(example):
    picture = (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")
    texts = re.sub("<[^>]+>", " ", picture).replace("&#160;", " ")
    named = [
        name
        for definition in objects_from_file(example)
        for name in (
            [attribute.name for attribute in definition.attributes]
            if hasattr(definition, "attributes")
            else [definition.name]
        )
    ]
    assert "cart_nudge" in named
    assert "total_cart_value" in named
    missing = [name for name in named if name not in texts and name != "ecom_attributes"]
    assert not missing, "draw it anew: make picture"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_the_certificate_that_is_shown_is_good_for_both_hosts_of_the_sdk(tmp_path):
    page = PAGES["docs/python.md"]
    command = re.search(r"^ +(openssl .*?)\n +```", page, re.DOTALL | re.MULTILINE)[1]
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    trusting = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    for host in ("signals.example.com", "console.snowplowanalytics.com"):
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = trusting.wrap_bio(back, there, server_hostname=host)
        server = served.wrap_bio(there, back, server_side=True)
        for side in (client, server, client, server):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
        assert client.getpeercert()["subject"] == ((("commonName", "signals.example.com"),),)

"""What the README shows works."""

import re
import shutil
import ssl
import subprocess
from contextlib import suppress
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


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_the_certificate_that_is_shown_is_good_for_both_hosts_of_the_sdk(tmp_path):
    command = re.search(r"^ +(openssl .*?)\n +```", README, re.DOTALL | re.MULTILINE)[1]
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

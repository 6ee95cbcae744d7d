"""Texts that do something to a terminal, and a terminal to see that they do not."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress

# Each with what must not come to the terminal, and with what must be seen there.
TEXTS = {
    "\x1b]0;owned\x07": (b"\x1b]", rb"\x1b]0;owned\x07"),
    "\x1b[31mred": (b"\x1b[31mred", rb"\x1b[31mred"),
    "\x9b2Jcleared": ("\x9b".encode(), rb"\x9b2Jcleared"),
    "over\rwritten": (b"over\rwritten", rb"over\rwritten"),
    "back\x08\x7fspace": (b"\x08", rb"back\x08\x7fspace"),
    "next\nline": (b"next\nline", rb"next\nline"),
    "para\u2029graph": ("\u2029".encode(), rb"para\u2029graph"),
    "turn\u202eed": ("\u202e".encode(), rb"turn\u202eed"),
    "iso\u2066lated": ("\u2066".encode(), rb"iso\u2066lated"),
    "un\u200bseen": ("\u200b".encode(), rb"un\u200bseen"),
    "[bold red]marked[/]": (b"\x1b[1;31mmarked", b"[bold red]marked[/]"),
    "[link=http://evil.example]here[/link]": (b"\x1b]8", b"[link=http://evil.example]here[/link]"),
    "open[/closed]": (b"MarkupError", b"open[/closed]"),
    ":smile:": ("\U0001f604".encode(), b":smile:"),
}
# What rich itself writes, beside text: colors, and for a screen that is drawn again the cursor.
_OWN = re.compile(rb"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[[0-9]*[AK]|\x1b\[2K|\r\n|\r")
_COLUMNS, _LINES = 400, 200


def on_terminal(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, timeout_s: float = 60
) -> tuple[int, bytes]:
    """The exit status of a command, and all that it writes to a terminal of its own."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, _COLUMNS, 0, 0))
    more = {"TERM": "xterm-256color", "COLUMNS": str(_COLUMNS), "LINES": str(_LINES)}
    process = subprocess.Popen(
        command, stdin=its, stdout=its, stderr=its,
        env={**os.environ, **more, **(environment or {})},
    )  # fmt: skip
    os.close(its)
    written = b""
    with suppress(OSError):  # the other end is closed
        while select.select([ours], [], [], timeout_s)[0]:
            part = os.read(ours, 65_536)
            if not part:
                break
            written += part
    os.close(ours)
    return process.wait(timeout_s), written


def python_on_terminal(code: str) -> bytes:
    status, written = on_terminal([sys.executable, "-c", code])
    assert status == 0, written.decode(errors="replace")
    return written


def check(written: bytes, texts: Sequence[str] = tuple(TEXTS)) -> None:
    """Everything is seen, and nothing is done."""
    for text in texts:
        done, seen = TEXTS[text]
        assert done not in written, text
        assert seen in written, text
    left = _OWN.sub(b"", written).decode()
    assert all(one.isprintable() or one in "\n\t" for one in left), repr(left)

"""Draw docs/demo.svg from a run of the demo: `make picture`.

The demo runs in a terminal of its own. The picture is the last screen that it draws there.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 132
LINES = 50
SECONDS = 45
COMMAND = ["-c", "from processor.cli.main import main; main()", "demo", "--seconds", str(SECONDS)]
# Before rich draws a screen, it clears each line of the screen before.
CLEARED_LINE = "\x1b[2K"
# Fonts that rich would load from another site.
FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def shown() -> str:
    """Run the demo and return everything that it wrote to its terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with subprocess.Popen(
        [sys.executable, *COMMAND], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as running:
        os.close(theirs)
        written = b"".join(iter(lambda: read(ours), b""))
    if running.returncode != 0:
        raise SystemExit(written.decode())
    return written.decode()


def read(terminal: int) -> bytes:
    """Return the next bytes, or none at the end."""
    try:
        return os.read(terminal, 65_536)
    except OSError:  # on Linux, the other side is closed
        return b""


def picture(written: str) -> str:
    """Return the last screen as SVG, without the line that the demo prints after it."""
    last = written.rpartition(CLEARED_LINE)[2].splitlines()
    screen = "\n".join([*last[:-1], ""])  # rich cuts the lowest line off at the bottom
    console = Console(record=True, width=COLUMNS, file=StringIO(), color_system="truecolor")
    console.print(Text.from_ansi(screen))
    return FONT.sub("", console.export_svg(title="make demo"))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture(shown()), encoding="utf-8")

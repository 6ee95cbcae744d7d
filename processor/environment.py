"""Settings from outside a command: environment variables, and lines of a file `.env`.

A line of the file is `NAME=VALUE`. The value is taken literally: `$`, `#` and backslashes have no
special meaning. Surrounding blanks and one pair of quotes are removed. Empty lines and lines that
begin with `#` are ignored, and `export ` may precede a name.
"""

import os
import re
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Final

PREFIX: Final = "PROCESSOR_"
ENV_FILE: Final = Path(".env")

_LINE: Final = re.compile(r"(?:export\s+)?(\w+)\s*=\s*(.*)", re.DOTALL)
_QUOTES: Final = "'\""
# Variables that Kubernetes sets in every container for a service named `processor…`.
_OF_KUBERNETES: Final = re.compile(r"\w+_SERVICE_(HOST|PORT(_\w+)?)|\w+_PORT_\d+_[A-Z]+(_\w+)?")
_ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://")


def read_env_file(path: Path) -> dict[str, str]:
    """Return the values by name; none if the file does not exist. The last line of a name wins."""
    if not path.is_file():
        return {}
    text = path.read_text("utf-8-sig", errors="surrogateescape")  # as os.environ decodes variables
    found = (_LINE.fullmatch(line.strip()) for line in text.split("\n"))
    return {line[1]: _unquoted(line[2]) for line in found if line}


def settings_of_file(path: Path) -> dict[str, str]:
    """Return the settings in a file, by their name without prefix, in lower case.

    Settings that the environment also has are left out: the environment takes precedence.
    """
    environment = {name.upper() for name in os.environ}
    return {
        name.upper().removeprefix(PREFIX).lower(): value
        for name, value in read_env_file(path).items()
        if name.upper().startswith(PREFIX) and name.upper() not in environment
    }


def unknown_settings(known: Collection[str], path: Path = ENV_FILE) -> dict[str, str]:
    """Return variables that look like settings but are none, each with the nearest setting.

    Args:
        known: names of the settings, without prefix, in lower case.
        path: the file that is checked in addition to the environment.
    """
    names = [f"{PREFIX}{name.upper()}" for name in known]
    return {
        name: next(iter(get_close_matches(name.upper(), names, 1, cutoff=0)), "")
        for name, value in {**read_env_file(path), **os.environ}.items()
        if _is_unknown(name.upper(), value, names)
    }


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES
    return value[1:-1] if quoted else value


def _is_unknown(name: str, value: str, names: Collection[str]) -> bool:
    if not name.startswith(PREFIX) or name in names:
        return False
    return not (_OF_KUBERNETES.fullmatch(name) or _ADDRESS.match(value))

r"""Untrusted text on a terminal: characters that could control it are escaped.

Ids, values of events, names and errors can hold any character: escape sequences that rename a
window or write to the clipboard, control characters that overwrite a line, marks that reverse the
direction of the text that follows. All of these are replaced by their escapes in a Python string,
such as `\x1b`.
"""

import unicodedata
from typing import Final

# The category of spaces, to which uncommon spaces also belong.
_SPACE: Final = "Zs"


def printable(text: object) -> str:
    """Return a text for one line of a terminal: no line end, no tab, no control characters.

    A value that is not a string is first converted to one.
    """
    shown = text if isinstance(text, str) else str(text)
    return shown if shown.isprintable() else "".join(map(_shown, shown))


def printable_lines(text: str) -> str:
    """Return a text for several lines, which end at its line feeds."""
    return "\n".join(map(printable, text.split("\n")))


def printable_columns(text: str) -> str:
    """Return a text for one line, in which tabs are kept."""
    return "\t".join(map(printable, text.split("\t")))


def printable_json(document: str) -> str:
    """Return a JSON document in one line, with the same meaning and no control characters.

    Characters that may not be printed are in strings, where JSON can escape them; outside strings,
    they are white space.
    """
    if document.isprintable():
        return document
    return "".join(map(_in_json, document))


def _shown(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) == _SPACE:
        return character
    return character.encode("unicode_escape").decode("ascii")


def _in_json(character: str) -> str:
    if character in "\n\r\t":
        return " "
    if _shown(character) == character:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

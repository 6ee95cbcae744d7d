r"""Replaces half of a character: one surrogate of a pair, if a text was cut inside an emoji.

JavaScript can cut texts between the two 16-bit halves of such a character, and browsers, phones and
servers write the remaining half: in JSON as an escape such as `\ud83d`, elsewhere as three bytes
that are not UTF-8. It becomes U+FFFD, the replacement character. The rest of the text stays, and so
do whole pairs.
"""

import codecs
import re

_HIGH = rb"[89abAB][0-9a-fA-F]{2}"
_LOW = rb"[c-fC-F][0-9a-fA-F]{2}"
# Backslashes and the escape of a surrogate after them, with the other half if it follows. The run
# is matched whole, from its start, so that many backslashes are not scanned repeatedly.
_ESCAPE_PATTERN = re.compile(
    rb"(?<!\\)(\\++)u[dD](?:%b(\\u[dD]%b)?|%b)" % (_HIGH, _LOW, _LOW),
)
_REPLACEMENT_ESCAPE = rb"\ufffd"
_ESCAPE = rb"\u"


def whole_characters(document: bytes) -> bytes:
    """Return JSON in which every escape of half a character is replaced by that of U+FFFD."""
    return _ESCAPE_PATTERN.sub(_whole, document) if _ESCAPE in document else document


def _whole(match: re.Match[bytes]) -> bytes:
    backslashes, other_half = match.groups()
    if len(backslashes) % 2 == 0:
        # They stand for backslashes: what follows is plain text, but for an escape behind it.
        if other_half is None:
            return match[0]
        return match[0].removesuffix(other_half) + _REPLACEMENT_ESCAPE
    return match[0] if other_half is not None else backslashes[:-1] + _REPLACEMENT_ESCAPE


def utf8_of_whole_characters(text: bytes) -> bytes:
    """Return UTF-8 of a text that is invalid only because of surrogates in it.

    Pairs of surrogates, as in CESU-8, become their character.

    Raises:
        UnicodeDecodeError: it is invalid for other reasons, too.
    """
    halves = text.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
    return halves.decode("utf-16-le", "replace").encode()


def readable_text(text: bytes) -> bytes:
    """Return UTF-8 in which U+FFFD replaces everything that is not a character."""
    try:
        return utf8_of_whole_characters(text)
    except UnicodeDecodeError:
        return text.decode(errors="replace").encode()


def readable_json(document: bytes) -> bytes:
    """Return JSON with valid texts: U+FFFD replaces everything that is not a character.

    That is half of a character, and bytes that are not UTF-8. A leading byte order mark is removed.
    """
    return whole_characters(readable_text(document).removeprefix(codecs.BOM_UTF8))

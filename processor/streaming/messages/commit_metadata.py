"""What the owner of a source partition stores beside the committed offset, for the next owner.

It is text, because Kafka stores it as text and its tools show it. At format level 1, it is the
digits of the epoch. From level 2 on, it is the name of its format, now v2, and what is known of

    epoch               of the owner that committed
    watermark_ms        how far arrivals of events have come, in milliseconds since 1970
    topic_id            of the topic to which the offset belongs
    definitions_offset  of the definitions under which the owner works

as `name=value`, each after a space. Unknown names are ignored, so a later format may add names. Any
other text is ignored as a whole: others may write to the group, too.
"""

import re
from dataclasses import dataclass

from processor.formats import FIRST_LEVEL

_FORMAT = "v2"
# Up to 18 digits: every such number fits in 63 bits.
_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CommitMetadata:
    """What is known; None for each value that is not."""

    epoch: int | None = None
    watermark_ms: int | None = None
    topic_id: str | None = None
    definitions_offset: int | None = None

    def encode(self, level: int) -> str:
        """Return the text at a format level; level 1 holds only the epoch."""
        if level == FIRST_LEVEL:
            return "" if self.epoch is None else str(self.epoch)
        known = (
            ("epoch", self.epoch),
            ("watermark_ms", self.watermark_ms),
            ("topic_id", self.topic_id),
            ("definitions_offset", self.definitions_offset),
        )
        return " ".join([_FORMAT, *(f"{key}={value}" for key, value in known if value is not None)])


NOTHING = CommitMetadata()


def decode_commit_metadata(text: str) -> CommitMetadata:
    """Return what a text of any level contains; nothing if it is not in one of our formats."""
    if text.isascii() and text.isdigit():
        return CommitMetadata(epoch=_number(text))
    name, *pairs = text.split(" ")
    if name != _FORMAT:
        return NOTHING
    found = dict(pair.partition("=")[::2] for pair in pairs)
    return CommitMetadata(
        epoch=_number(found.get("epoch")),
        watermark_ms=_number(found.get("watermark_ms")),
        topic_id=found.get("topic_id") or None,
        definitions_offset=_number(found.get("definitions_offset")),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _NUMBER.fullmatch(text) else None

"""Under which definitions each section of the contributions topic can have been applied.

At least those that its contributions were made under: their owner waits for them. At most those
that stood in the topic when the group had committed an offset behind the section.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.storm.changes import Sample
from tests.storm.timeline import Life, Timeline


@dataclass
class Bounds:
    """The states of the definitions by section, in the order of one partition."""

    least: list[int] = field(default_factory=list)
    greatest: list[int] = field(default_factory=list)

    def begins(self, life: Life, before: Life | None) -> "Beginning":
        """Where in the partition something began that is kept from a state on."""
        if life.start <= min(self.least, default=0):
            return Beginning(0, 0, noted=True)
        # The greatest state never falls: it comes of offsets that only grow.
        earliest = bisect_left(self.greatest, life.start)
        latest = next(
            (at for at in range(earliest, len(self.least)) if self.least[at] >= life.start),
            len(self.least),
        )
        noted = before is None or any(
            before.end <= self.least[at] and self.greatest[at] < life.start
            for at in range(earliest)
        )
        return Beginning(earliest, latest, noted)


@dataclass(frozen=True)
class Beginning:
    """Sections before `earliest` do not count, those from `latest` on do; in between, who knows.

    `noted`: what had been kept in an earlier life was certainly forgotten.
    """

    earliest: int
    latest: int
    noted: bool


def bounds_of(
    partition: int,
    sections: Iterable[tuple[int, int]],
    timeline: Timeline,
    samples: Sequence[Sample],
) -> Bounds:
    """The bounds of the sections (frame offset, definitions offset) of a partition."""
    found = Bounds()
    ends = [(one.contributions.get(partition, 0), one.definitions_end) for one in samples]
    for offset, definitions_offset in sections:
        known = [end for committed, end in ends if committed > offset]
        found.least.append(timeline.state(definitions_offset))
        found.greatest.append(timeline.state(min(known) - 1) if known else timeline.last)
    return found

"""W, the watermark of a partition of profiles: everything that arrived before W is applied here.

It determines what may be deleted (processor/decisions/time.md). It is found in this order:

 1. read what the group has committed for the source and the contributions: the metadata of each
    offset contains how far the arrivals of that partition have come; after that, read the topics'
    ids and numbers of partitions, so that a partition made meanwhile counts as one without a commit
 2. read the ends of the contributions and rules partitions that this worker owns: the records that
    the commits refer to are before these ends
 3. when a partition is applied up to its end, its W is the least of the commits and of this
    worker's clock, less WATERMARK_MARGIN_MS
 4. commit W beside the offset of its contributions, once what was applied is flushed: the least of
    these is how far the parts of joint rules have come
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from processor.limits import WATERMARK_MARGIN_MS
from processor.streaming.messages.commit_metadata import CommitMetadata

# Before any arrival.
NEVER_MS = -1
_OWN_CLOCK = "clock"
# No partition is read under older definitions.
_ALL = 2**63 - 1


class Least(NamedTuple):
    """A watermark, NEVER_MS if it is not known, and what holds it back."""

    ms: int
    holder: str


@dataclass(frozen=True, slots=True)
class Commits:
    """What a group has committed for a topic, by partition, for partitions with a commit."""

    topic: str
    topic_id: str
    partitions: int
    metadata: Mapping[int, CommitMetadata]

    def least(self, now_ms: int) -> Least:
        """Return the least watermark of all partitions and of the clock.

        A partition holds it back if it has no commit, or if its commit is for another topic of that
        name, was made by a version without watermarks, or was made with a clock that was ahead. A
        topic that does not exist, or is not known at this moment, also holds it back.
        """
        if not self.partitions:
            return Least(NEVER_MS, self.topic)
        least = Least(now_ms, _OWN_CLOCK)
        for partition in range(self.partitions):
            holder = f"{self.topic}-{partition}"
            known = self.metadata.get(partition)
            if known is None or known.watermark_ms is None or known.topic_id != self.topic_id:
                return Least(NEVER_MS, holder)
            if known.watermark_ms > now_ms + WATERMARK_MARGIN_MS:
                return Least(NEVER_MS, holder)
            if known.watermark_ms < least.ms:
                least = Least(known.watermark_ms, holder)
        return least

    @property
    def definitions_offset(self) -> int:
        """Offset of the oldest definitions under which a partition with a commit is read.

        -1 if a commit does not contain it, or if the topic is not known at this moment.
        """
        if not self.partitions:
            return -1
        offsets = [
            self.metadata[p].definitions_offset for p in self.metadata if p < self.partitions
        ]
        return min((-1 if one is None else one for one in offsets), default=_ALL)


@dataclass(frozen=True, slots=True)
class Observation:
    """What was read together: commits, and then the ends, by partition."""

    sources: Commits
    profiles: Commits
    contributions_ends: Mapping[int, int]
    rules_ends: Mapping[int, int]


class _Pending(NamedTuple):
    """A watermark that takes effect when a partition is applied up to an end."""

    ms: int
    end: int


class PartitionWatermark:
    """W of one owned partition. It starts unknown, and never goes back.

    If the clock goes back to before W, then W came from a clock that was ahead, and it becomes
    unknown again.

    Only one observation at a time waits to be reached, and only one W waits to be flushed. If newer
    ones replaced them, a backlog would delay them again and again.
    """

    def __init__(self) -> None:
        self.all_ms = NEVER_MS
        self.joint_ms = NEVER_MS
        # The W that may be sent to other workers.
        self.told_ms = NEVER_MS
        self._all: _Pending | None = None
        self._joint: _Pending | None = None
        self._telling: _Pending | None = None

    def note(self, partition: int, observed: Observation, now_ms: int) -> None:
        """Note an observation; it takes effect when this partition is applied up to its ends."""
        if max(self.all_ms, self.joint_ms) > now_ms:
            self.all_ms = self.joint_ms = self.told_ms = NEVER_MS
            self._all = self._joint = self._telling = None
        if self._all is None:
            end = observed.contributions_ends.get(partition)
            self._all = _pending(observed.sources.least(now_ms), end)
        if self._joint is None:
            end = observed.rules_ends.get(partition)
            self._joint = _pending(observed.profiles.least(now_ms), end)

    def advance(self, contributions: int, rules: int, flushed: int) -> None:
        """Let what was noted take effect, given what is applied and flushed up to these offsets."""
        waiting = self._all
        if waiting is not None and contributions >= waiting.end:
            self.all_ms = max(self.all_ms, waiting.ms - WATERMARK_MARGIN_MS)
            self._telling = self._telling or _Pending(self.all_ms, waiting.end)
            self._all = None
        if self._joint is not None and rules >= self._joint.end:
            # The margin is already subtracted from what owners commit.
            self.joint_ms, self._joint = max(self.joint_ms, self._joint.ms), None
        if self._telling is not None and flushed >= self._telling.end:
            self.told_ms, self._telling = self._telling.ms, None

    @property
    def behind(self) -> bool:
        """Whether an end that was read is not yet reached."""
        return self._all is not None


def _pending(least: Least, end: int | None) -> _Pending | None:
    return None if end is None or least.ms == NEVER_MS else _Pending(least.ms, end)

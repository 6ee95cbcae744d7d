"""How much the profile stage has yet to apply, and when the source stage waits for it.

Without a bound, a source stage that is faster than the profile stage turns the source's backlog
into a larger one of frames, in a topic whose retention is ours to pay. The bound is in bytes and in
time. Frames of all processes count, because the profile stage applies all of them.

A partition that a fault has closed must not stop the others: one that is behind and has not
moved for BACKLOG_STUCK_S does not count, as long as another one moves or is not behind, and there
is a process of the profile stage.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import structlog

from processor.clock import monotonic_s
from processor.errors import BrokerError
from processor.kafka.cluster import Cluster
from processor.limits import BACKLOG_LOOK_S, BACKLOG_STUCK_S
from processor.metrics import BACKLOG_BYTES, BACKLOG_SECONDS, SOURCE_WAITS
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.fetch.group_look import GroupLook

log = structlog.get_logger(__name__)

# Between two looks whether there is room again.
_ROOM_LOOK_S = 0.05
# Looks that are remembered.
_LOOKS_MAX = 1_000

Offsets = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Behind:
    """How far the profile stage is behind: in frames, and since when the oldest one waits."""

    frames: int = 0
    seconds: float = 0.0


class Ages:
    """Remembers where partitions ended, and so tells how long the next frame has been waiting."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, Offsets]] = deque()
        # By partition: the applied offset, and since when it has been that.
        self._applied: dict[int, tuple[int, float]] = {}

    def note(self, now_s: float, applied: Offsets, ends: Offsets, *, alive: bool = True) -> Behind:
        """Note what is applied and where partitions end; return how far the stage is behind.

        `alive`: whether the stage has a process.
        """
        for number, offset in applied.items():
            if self._applied.get(number, (-1, 0.0))[0] != offset:
                self._applied[number] = offset, now_s
        if not self._ends or self._ends[-1][1] != ends:
            self._ends.append((now_s, dict(ends)))
        if len(self._ends) > _LOOKS_MAX:  # the oldest one counts; between the others, every second
            self._ends = deque([self._ends[0], *islice(self._ends, 2, None, 2)])
        waiting = {n: end - applied.get(n, 0) for n, end in ends.items()}
        counted = self._counted(now_s, waiting, alive=alive)
        while len(self._ends) > 1 and not self._waits(self._ends[0][1], applied, counted):
            self._ends.popleft()
        frames = sum(waiting[number] for number in counted)
        return Behind(frames, now_s - self._ends[0][0] if frames else 0.0)

    def _counted(self, now_s: float, waiting: Mapping[int, int], *, alive: bool) -> set[int]:
        """Return the partitions that are behind and move; all that are behind if none is well."""
        behind = {number for number, count in waiting.items() if count > 0}
        stuck = {
            number
            for number in behind
            if now_s - self._applied.setdefault(number, (0, now_s))[1] >= BACKLOG_STUCK_S
        }
        return behind - stuck if alive and stuck != waiting.keys() else behind

    @staticmethod
    def _waits(ends: Offsets, applied: Offsets, counted: set[int]) -> bool:
        """Whether a frame that existed then is not applied yet."""
        return any(ends.get(number, 0) > applied.get(number, 0) for number in counted)


class Backlog:
    """Looks at the backlog every BACKLOG_LOOK_S while frames are written or it is too large."""

    def __init__(self, settings: Settings, look: GroupLook) -> None:
        self._settings = settings
        self._look = look
        self._cluster = Cluster(settings.kafka_client, f"{settings.app_id}-backlog")
        self._ages = Ages()
        self._frames = self._bytes = 0
        self._seen_frames = -1
        self._full = self._ignored = False

    def wrote(self, size: int) -> None:
        """Count a frame of so many bytes."""
        self._frames += 1
        self._bytes += size

    async def room(self) -> None:
        """Wait while the backlog is too large."""
        while self._full and not self._ignored:
            await asyncio.sleep(_ROOM_LOOK_S)

    def ignore(self) -> None:
        """Let nobody wait any longer: the process stops."""
        self._ignored = True

    async def follow_forever(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(BACKLOG_LOOK_S)
            if self._frames == self._seen_frames:
                continue  # nothing is written, and what was is applied
            frames = self._frames
            try:
                behind = await self._behind()
            except BrokerError as error:
                log.warning("backlog_not_read", error=str(error))
                continue
            self._note(behind)
            if not behind.frames:
                self._seen_frames = frames

    async def _behind(self) -> Behind:
        topic, count = self._settings.contributions_topic, self._settings.partitions
        group = Stage.PROFILES.group(self._settings)
        committed = await self._look.committed(group, topic, range(count))
        ends = await asyncio.to_thread(
            self._cluster.ends, [(topic, number) for number in range(count)]
        )
        members = await self._look.members(group)
        applied = {number: one.offset for number, one in committed.items()}
        return self._ages.note(
            monotonic_s(),
            applied,
            {number: end for (_, number), end in ends.items()},
            alive=members is None or bool(members),
        )

    def _note(self, behind: Behind) -> None:
        size = behind.frames * self._bytes // max(1, self._frames)
        settings = self._settings
        was_full = self._full
        self._full = (
            size > settings.backlog_bytes_max or behind.seconds > settings.backlog_seconds_max
        )
        BACKLOG_BYTES.set(size)
        BACKLOG_SECONDS.set(behind.seconds)
        SOURCE_WAITS.set(self._full)
        if self._full != was_full:
            log.info(
                "source_waits" if self._full else "source_goes_on", frames=behind.frames,
                bytes=size, seconds=round(behind.seconds, 1),
            )  # fmt: skip

"""A long storm in parts, one after another: what each has counted is kept, and adds up."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, cast

NAMES = (
    "events", "kills", "zombies", "broker kills", "rebalances", "aborted transactions",
    "ended by themselves", "differences",
)  # fmt: skip
ROUND_NAMES = (
    "events", "scale-outs", "terminations", "broker losses", "ms of pause at most in scale-outs",
    "ms of pause at most in terminations", "ms of pause at most in broker losses", "rebalances",
    "aborted transactions", "ended by themselves", "differences",
)  # fmt: skip
LONGEST = "_ms"
COUNTS = "counts.json"
LATEST = "latest"


class Summary:
    """What is counted, in the order of the last line: the last two are what must be 0."""

    names: ClassVar[tuple[str, ...]]

    @property
    def counts(self) -> tuple[int, ...]:
        """The counts themselves."""
        return tuple(getattr(self, one.name) for one in fields(cast(Any, self)))

    @property
    def line(self) -> str:
        """The last line."""
        return ", ".join(
            f"{count} {name}" for count, name in zip(self.counts, self.names, strict=True)
        )

    @property
    def right(self) -> bool:
        """Whether nothing was found."""
        return not any(self.counts[-2:])


@dataclass(frozen=True)
class Counts(Summary):
    """What a storm is summed up by."""

    names = NAMES

    events: int = 0
    kills: int = 0
    zombies: int = 0
    broker_kills: int = 0
    rebalances: int = 0
    aborted: int = 0
    ended: int = 0
    differences: int = 0


@dataclass(frozen=True)
class RoundCounts(Summary):
    """What rounds are summed up by; of pauses the longest one counts."""

    names = ROUND_NAMES

    events: int = 0
    scale_outs: int = 0
    terminations: int = 0
    broker_losses: int = 0
    scale_out_ms: int = 0
    termination_ms: int = 0
    broker_loss_ms: int = 0
    rebalances: int = 0
    aborted: int = 0
    ended: int = 0
    differences: int = 0


class PartsError(Exception):
    """The parts that are there do not lead up to the one that is wanted."""


@dataclass(frozen=True)
class Part:
    """One part: from which second or round on, how many of them, and what was counted."""

    start: int
    length: int
    counts: Summary


def total(parts: Iterable[Part]) -> Summary:
    """All counts added up; of pauses the longest one."""
    every = [one.counts for one in parts]
    names = [one.name for one in fields(cast(Any, every[0]))]
    columns = zip(names, zip(*(one.counts for one in every), strict=True), strict=True)
    return type(every[0])(
        **{name: max(them) if name.endswith(LONGEST) else sum(them) for name, them in columns}
    )


class PartsDirectory:
    """Where the parts of one storm lie, each in a directory named after where it begins."""

    def __init__(
        self, root: Path, seed: str, kind: type[Summary] = Counts, unit: str = "second"
    ) -> None:
        self.path = root / seed
        self._kind = kind
        self._unit = unit

    def of(self, start: int) -> Path:
        """The directory of the part that begins there."""
        return self.path / f"from-{start:05d}"

    def parts(self) -> list[Part]:
        """The parts that have ended, in their order."""
        found = []
        for path in sorted(self.path.glob(f"from-*/{COUNTS}")):
            stored = json.loads(path.read_text())
            counts = self._kind(**stored["counts"])
            found.append(Part(stored["start"], stored["length"], counts))
        return found

    def before(self, start: int) -> list[Part]:
        """The parts before a start, which must reach up to it without a gap.

        Raises:
            PartsError: they do not.
        """
        found = [one for one in self.parts() if one.start < start]
        reached = 0
        for one in found:
            if one.start != reached:
                break
            reached += one.length
        if reached != start:
            message = (
                f"{self.path} has the storm up to {self._unit} {reached}, not {start}: "
                f"go on from there, or begin anew from 0"
            )
            raise PartsError(message)
        return found

    def save(self, part: Part) -> None:
        """Keep what a part has counted."""
        counts = asdict(cast(Any, part.counts))
        stored = {"start": part.start, "length": part.length, "counts": counts}
        (self.of(part.start) / COUNTS).write_text(json.dumps(stored, indent=1) + "\n")


def latest_seed(root: Path) -> str:
    """The seed of the storm that was begun last; empty if there is none."""
    path = root / LATEST
    return path.read_text().strip() if path.exists() else ""


def note_latest(root: Path, seed: str) -> None:
    """Remember that this storm was begun last."""
    root.mkdir(parents=True, exist_ok=True)
    (root / LATEST).write_text(f"{seed}\n")

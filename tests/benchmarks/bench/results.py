"""What runs have found, whether they agree, and the medians over rounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.benchmarks.bench.feed import Feed
from tests.benchmarks.bench.latency import Latency
from tests.benchmarks.bench.measure import Steady
from tests.benchmarks.bench.system import System


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one system."""

    seen: int
    applied: int
    fired: int
    steady: Steady


@dataclass(slots=True)
class Row:
    """A system in the table of a job: its runs, or why there is none."""

    system: System
    results: list[Result] = field(default_factory=list)
    latency: Latency | None = None
    missing: str = ""
    failed: str = ""

    def middle(self, figure: str) -> float:
        """The median of a figure of the steady state."""
        return median(self._each(figure))

    def span(self, figure: str) -> tuple[float, float]:
        """The least and the greatest."""
        return min(self._each(figure)), max(self._each(figure))

    def _each(self, figure: str) -> list[float]:
        return [float(getattr(one.steady, figure)) for one in self.results]


def disagreements(rows: Sequence[Row], feed: Feed, letter: str) -> list[str]:
    """What differs from what must come out; firings that are not known, from the first run."""
    found = [f"{row.system.name}: {row.failed}" for row in rows if row.failed]
    runs = [(row.system.name, one) for row in rows for one in row.results]
    expected = feed.expected[letter]
    for name, one in runs:
        firings = runs[0][1].fired if expected.firings is None else expected.firings
        wanted = (feed.events, expected.contributions, firings)
        if (one.seen, one.applied, one.fired) != wanted:
            found.append(
                f"{name} read {one.seen} events, applied {one.applied} contributions and fired "
                f"{one.fired} times; it must be {wanted[0]}, {wanted[1]} and {wanted[2]}"
            )
    return found


def as_json(rows: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Every run of every job, for whoever wants to look closer."""
    return {
        letter: {
            row.system.name: [
                {
                    "applied": one.applied,
                    "fired": one.fired,
                    **{name: getattr(one.steady, name) for name in Steady.__slots__},
                }
                for one in row.results
            ]
            for row in several
        }
        for letter, several in rows.items()
    }

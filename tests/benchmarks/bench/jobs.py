"""The jobs: what each is called, where its definitions are, and who else does it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.bench.expected import (
    Expected,
    FewMatches,
    ShopTutorial,
    TwentyWindows,
    WeekOfViews,
)

DEFINITIONS = Path(__file__).parents[1] / "jobs"


@dataclass(frozen=True, slots=True)
class Job:
    """One job; `expected` counts what must come out."""

    letter: str
    title: str
    definitions: Path
    expected: Callable[[], Expected]
    peers: bool = False


JOBS = {
    job.letter: job
    for job in (
        Job(
            "a",
            "four attributes of a visitor over seven days, one rule",
            DEFINITIONS / "week_of_views.py",
            WeekOfViews,
            peers=True,
        ),
        Job(
            "b",
            "three attributes of a shop over a lifetime, one rule",
            DEFINITIONS / "shop_tutorial.py",
            ShopTutorial,
            peers=True,
        ),
        Job(
            "c",
            "twenty windowed attributes over three attribute keys, ten rules",
            DEFINITIONS / "twenty_windows.py",
            TwentyWindows,
        ),
        Job(
            "d",
            "96 of 100 events match nothing",
            DEFINITIONS / "few_matches.py",
            FewMatches,
        ),
    )
}

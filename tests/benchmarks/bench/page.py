"""docs/benchmarks.md: a section for each job, replaced by a run of the job, the rest left alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.bench.jobs import Job
from tests.benchmarks.bench.results import Row
from tests.benchmarks.bench.table import markdown, reasons

PAGE = Path(__file__).parents[3] / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what a job was measured."""

    date: str
    machine: str
    command: str
    broker: str
    versions: Sequence[str]
    events: int
    event_bytes: float
    warm_up: int


def section(
    job: Job, rows: Sequence[Row], conditions: Conditions, differences: Sequence[str]
) -> str:
    """The section of a job."""
    agreed = agreement(rows, differences)
    text = [
        f"### Job {job.letter}: {job.title}",
        "",
        *markdown(rows),
        "",
        " ".join([agreed, *(" ".join(one.split()) for one in reasons(rows))]),
        "",
        f"{conditions.date}, {conditions.machine}; {conditions.broker}. "
        f"{conditions.events:,} events of {conditions.event_bytes:,.0f} bytes, the first "
        f"{conditions.warm_up:,} of them to warm up. {'; '.join(conditions.versions)}. "
        f"`{conditions.command}`",
    ]
    return "\n".join(text)


def agreement(rows: Sequence[Row], differences: Sequence[str]) -> str:
    """Whether all found the same."""
    if differences:
        return "**Results differ:** " + "; ".join(one.splitlines()[0] for one in differences) + "."
    results = [one for row in rows for one in row.results]
    if not results:
        return "Nothing was run."
    one = results[0]
    return f"All {len(results)} runs agree: {one.applied:,} contributions, {one.fired:,} firings."


def with_section(page: str, letter: str, text: str) -> str:
    """The page with the section of a job replaced. Raises ValueError if it has no place for it."""
    begin, end = f"<!-- job {letter} -->", f"<!-- end of job {letter} -->"
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if len(place.findall(page)) != 1:
        message = f"the page needs the lines {begin} and {end} once"
        raise ValueError(message)
    return place.sub(lambda _: f"{begin}\n{text}\n{end}", page)

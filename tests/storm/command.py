"""The command: options, what is shown and kept, the last line and the exit status."""

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.storm.hostilities import ROUNDS, shortened
from tests.storm.parts import (
    Counts,
    Part,
    PartsDirectory,
    PartsError,
    RoundCounts,
    Summary,
    latest_seed,
    note_latest,
)
from tests.storm.parts import total as total_of
from tests.storm.rounds import Kind, Rounds
from tests.storm.run import Outcome, Storm
from tests.storm.view import View
from tests.storm.workers import EndedByItself

Counted = TypeVar("Counted", bound=Summary)
SECONDS = 180
DIFFERENCES_SHOWN_MAX = 20
DIFFERENCE_CHARS_MAX = 1_500
LINE_CHARS_MAX = 400
WRONG_USE = 2
# What a storm of three minutes brings at least.
LEAST = {"kills": 10, "zombies": 2, "broker_kills": 1}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one part of a storm; the exit status."""
    options = parsed(arguments)
    root = options.directory / "rounds" if options.rounds else options.directory
    seed = options.seed or (latest_seed(root) if options.start else "")
    if options.start and not seed:
        print(f"error: no storm in {root} - begin from 0", file=sys.stderr)
        return WRONG_USE
    seed = seed or str(random.SystemRandom().randrange(1_000_000))
    if options.rounds:
        length, unit = options.rounds, "round"
        parts = PartsDirectory(root, seed, RoundCounts, unit)
    else:
        length, unit = options.seconds, "second"
        parts = PartsDirectory(root, seed)
    try:
        before = parts.before(options.start)
    except PartsError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
    for start in [one.start for one in parts.parts() if one.start >= options.start]:
        shutil.rmtree(parts.of(start))
    note_latest(root, seed)
    directory = parts.of(options.start)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    run = rounds_of if options.rounds else storm_of
    counts = run(directory, seed, options.start, length, compares=not options.unverified)
    part = Part(options.start, length, counts)
    parts.save(part)
    every = [*before, part]
    if before:
        print(f"this part: {counts.line}")
        print(f"all {len(every)} parts, {sum(one.length for one in every)} {unit}s:")
    print(total_of(every).line)
    return 0 if total_of(every).right else 1


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    options = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    options.add_argument("--seconds", type=int, default=SECONDS, help="how long it storms")
    options.add_argument(
        "--rounds", type=int, default=0, metavar="N",
        help="no storm, but so many rounds of each kind with workers that are behind all the time: "
        "one joins, one is asked to end, Kafka is lost",
    )  # fmt: skip
    options.add_argument("--seed", default="", help="what it does; default: another one each time")
    options.add_argument(
        "--from", dest="start", type=int, default=0, metavar="SECOND",
        help="the second of a longer storm, or the round, at which this part begins; its counts "
        "add up with those of the parts before",
    )  # fmt: skip
    options.add_argument(
        "--unverified", action="store_true",
        help="do not compare with the model, which takes longer than the run: only whether workers "
        "end, serve and apply everything",
    )  # fmt: skip
    options.add_argument(
        "--directory", type=Path, default=Path(tempfile.gettempdir()) / "storm",
        help="where logs and counts are kept, by seed",
    )  # fmt: skip
    return options.parse_args(arguments)


def storm_of(directory: Path, seed: str, start: int, seconds: int, *, compares: bool) -> Counts:
    """Storm, verify, and say what was found."""
    replay = f"make storm SECONDS={seconds} SEED={seed}" + (f" FROM={start}" if start else "")
    hostilities = shortened(seconds)
    with View(directory / "storm.log", seconds) as view:
        one = Storm(directory, f"{seed}:{start}", seconds, hostilities, view, compares=compares)
        return one_part(one, replay, counts_of)


def rounds_of(directory: Path, seed: str, start: int, count: int, *, compares: bool) -> RoundCounts:
    """The same with rounds."""
    replay = f"make storm ROUNDS={count} SEED={seed}" + (f" FROM={start}" if start else "")
    with View(directory / "storm.log", count) as view:
        directs = partial(Rounds, first=start)
        one = Storm(directory, f"{seed}:{start}", count, ROUNDS, view, directs, compares)
        return one_part(one, replay, round_counts_of)


def one_part(one: Storm, replay: str, count: Callable[[Outcome], Counted]) -> Counted:
    """Run it, say what was found, and keep what is needed to look into that."""
    view, directory = one.view, one.directory
    view.tell(f"logs in {directory}; again: {replay}")
    outcome = one.run()
    counts = count(outcome)
    for text in report(outcome):
        view.tell(text)
    if counts.right:
        clear(directory)
    else:
        view.tell(f"everything is kept in {directory}; again: {replay}")
    return counts


def counts_of(outcome: Outcome) -> Counts:
    """The counts of the last line."""
    return Counts(
        events=outcome.findings.events,
        kills=outcome.kills,
        zombies=outcome.zombies,
        broker_kills=outcome.broker_kills,
        rebalances=outcome.rebalances,
        aborted=outcome.aborted,
        ended=len(outcome.ended),
        differences=outcome.findings.difference_count,
    )


def round_counts_of(outcome: Outcome) -> RoundCounts:
    """The counts of the last line of rounds."""
    director = outcome.director
    assert isinstance(director, Rounds)
    pauses = {kind: director.pauses(kind) for kind in Kind}
    counts = {kind: len(pauses[kind]) for kind in Kind}
    longest_ms = {kind: round(1_000 * max(pauses[kind], default=0)) for kind in Kind}
    return RoundCounts(
        events=outcome.findings.events,
        scale_outs=counts[Kind.SCALE_OUT],
        terminations=counts[Kind.TERMINATION],
        broker_losses=counts[Kind.BROKER_LOSS],
        scale_out_ms=longest_ms[Kind.SCALE_OUT],
        termination_ms=longest_ms[Kind.TERMINATION],
        broker_loss_ms=longest_ms[Kind.BROKER_LOSS],
        rebalances=outcome.rebalances,
        aborted=outcome.aborted,
        ended=len(outcome.ended),
        differences=outcome.findings.difference_count,
    )


def report(outcome: Outcome) -> list[str]:
    """What was compared and found, for people."""
    found = outcome.findings
    texts = [
        f"{found.events} events in the source, {outcome.sending.resent} of them resent in "
        f"{outcome.sending.batches} batches, {found.malformed} malformed",
        f"{outcome.in_flush} of {outcome.kills} kills between the steps of a flush, "
        f"{outcome.parts} of one process, "
        f"{outcome.wiped} starts on an empty directory, {len(outcome.changes)} changes of "
        f"definitions",
        f"{found.contributions} contributions ({found.replayed} replayed, {found.dropped} dropped "
        f"as a former owner's, {found.duplicates} duplicates), {found.parts} parts of rules across "
        f"keys",
        f"{found.values} values of {found.profiles} profiles and {found.interventions} "
        f"interventions compared",
    ]
    texts += outcome.director.summary
    texts += [
        f"{count} {reason}: more than one outcome is right"
        for reason, count in found.doubtful.items()
        if count
    ]
    for one in outcome.ended:
        texts += ended_by_itself(one)
    for difference in found.differences[:DIFFERENCES_SHOWN_MAX]:
        texts.append(f"difference: {difference[:DIFFERENCE_CHARS_MAX]}")
    if found.difference_count > DIFFERENCES_SHOWN_MAX:
        texts.append(f"... {found.difference_count - DIFFERENCES_SHOWN_MAX} more differences")
    return texts


def ended_by_itself(one: EndedByItself) -> list[str]:
    """A worker that ended by itself: when, how, and its last lines."""
    status = "not at all within a minute" if one.status is None else f"with status {one.status}"
    return [
        f"worker {one.name} ended by itself in second {one.second:.0f}, {status}; "
        f"the storm's last word to it: {one.state}",
        *(f"    {line[:LINE_CHARS_MAX]}" for line in one.last_lines),
    ]


def clear(directory: Path) -> None:
    """Remove the data of a part that was right; logs stay."""
    for path in directory.iterdir():
        if path.is_dir() and path.name != "kafka":
            shutil.rmtree(path)
    shutil.rmtree(directory / "kafka" / "data", ignore_errors=True)
    (directory / "evidence.pickle").unlink(missing_ok=True)

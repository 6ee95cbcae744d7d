"""Parts of a long storm add up, and only those that lead up to one another."""

from pathlib import Path

import pytest

from tests.storm.command import main
from tests.storm.parts import (
    Counts,
    Part,
    PartsDirectory,
    PartsError,
    RoundCounts,
    latest_seed,
    note_latest,
    total,
)


def ended(root: Path, *parts: Part, seed: str = "7") -> PartsDirectory:
    directory = PartsDirectory(root, seed)
    for part in parts:
        directory.of(part.start).mkdir(parents=True)
        directory.save(part)
    return directory


def test_the_last_line_names_every_count() -> None:
    counts = Counts(1, 2, 3, 4, 5, 6, 7, 8)
    assert counts.line == (
        "1 events, 2 kills, 3 zombies, 4 broker kills, 5 rebalances, 6 aborted transactions, "
        "7 ended by themselves, 8 differences"
    )


@pytest.mark.parametrize(
    ("counts", "right"),
    [
        (Counts(events=1, kills=2, aborted=3), True),
        (Counts(ended=1), False),
        (Counts(differences=1), False),
    ],
)
def test_a_storm_is_right_without_differences_and_ends(counts: Counts, right: bool) -> None:
    assert counts.right is right


def test_counts_add_up(tmp_path: Path) -> None:
    first, second = Counts(10, 1, 2, 3, 4, 5, 0, 6), Counts(1, 1, 1, 1, 1, 1, 1, 1)
    directory = ended(tmp_path, Part(0, 600, first), Part(600, 60, second))
    found = directory.before(660)
    assert found == [Part(0, 600, first), Part(600, 60, second)]
    assert total(found) == Counts(11, 2, 3, 4, 5, 6, 1, 7)


def test_the_last_line_of_rounds_names_every_count() -> None:
    counts = RoundCounts(1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0)
    assert counts.line == (
        "1 events, 2 scale-outs, 3 terminations, 4 broker losses, "
        "5 ms of pause at most in scale-outs, 6 ms of pause at most in terminations, "
        "7 ms of pause at most in broker losses, 8 rebalances, 9 aborted transactions, "
        "0 ended by themselves, 0 differences"
    )
    assert counts.right
    assert not RoundCounts(ended=1).right
    assert not RoundCounts(differences=1).right


def test_of_pauses_in_rounds_the_longest_one_counts(tmp_path: Path) -> None:
    directory = PartsDirectory(tmp_path, "7", RoundCounts, "round")
    parts = [
        Part(0, 3, RoundCounts(10, 3, 3, 3, 500, 700, 900, 1, 1, 0, 0)),
        Part(3, 2, RoundCounts(1, 2, 2, 2, 600, 100, 900, 1, 0, 1, 0)),
    ]
    for part in parts:
        directory.of(part.start).mkdir(parents=True)
        directory.save(part)
    assert directory.before(5) == parts
    assert total(parts) == RoundCounts(11, 5, 5, 5, 600, 700, 900, 2, 1, 1, 0)
    with pytest.raises(PartsError, match="up to round 5, not 6"):
        directory.before(6)


def test_a_part_in_the_middle_follows_those_before_it_alone(tmp_path: Path) -> None:
    directory = ended(tmp_path, Part(0, 600, Counts(events=1)), Part(600, 600, Counts(events=2)))
    assert directory.before(600) == [Part(0, 600, Counts(events=1))]
    assert directory.before(0) == []


@pytest.mark.parametrize("start", [1, 599, 601, 1_300])
def test_a_gap_or_an_overlap_is_refused(tmp_path: Path, start: int) -> None:
    directory = ended(tmp_path, Part(0, 600, Counts()), Part(600, 600, Counts()))
    with pytest.raises(PartsError, match="up to second"):
        directory.before(start)


def test_the_storm_that_was_begun_last_goes_on(tmp_path: Path) -> None:
    assert latest_seed(tmp_path) == ""
    note_latest(tmp_path, "7")
    note_latest(tmp_path, "8")
    assert latest_seed(tmp_path) == "8"


@pytest.mark.parametrize(
    "given",
    [
        ["--from", "600"],
        ["--from", "600", "--seed", "7"],
        ["--from", "60", "--seed", "7", "--rounds", "1"],
    ],
    ids=["no storm", "a gap", "rounds behind a storm"],
)
def test_wrong_use_ends_with_status_2_and_leaves_everything_as_it_is(
    tmp_path: Path, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ended(tmp_path, Part(0, 60, Counts()))
    assert main([*given, "--directory", str(tmp_path)]) == 2
    assert "error: " in capsys.readouterr().err
    assert (tmp_path / "7" / "from-00000" / "counts.json").exists()

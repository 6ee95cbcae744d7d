"""Results that differ are told; tables and pages say what ran, what did not, and why."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.benchmarks.bench import page, table
from tests.benchmarks.bench.command import options
from tests.benchmarks.bench.feed import Feed, Outcome
from tests.benchmarks.bench.jobs import JOBS
from tests.benchmarks.bench.latency import Latency
from tests.benchmarks.bench.measure import Steady
from tests.benchmarks.bench.ours import Ours, sample
from tests.benchmarks.bench.python_peers import Faust
from tests.benchmarks.bench.results import Result, Row, as_json, disagreements
from tests.benchmarks.bench.systems import chosen, ours, peers

CONDITIONS = page.Conditions(
    "2026-11-29", "two cores", "make bench", "Kafka", ["ours 1"], 100, 1_900.0, 30
)


FEED = Feed(
    Path("events"), 4, 100, 30, 190_000, {"a": Outcome(60, 20, 7), "c": Outcome(60, 20, None)}
)


def result(rate: float, applied: int = 60, fired: int = 7, seen: int = 100) -> Result:
    return Result(seen, applied, fired, Steady(70, rate, 1e6 / rate, 5.0, 400_000_000, 300.0, 20.0))


def rows() -> list[Row]:
    ran = Row(Ours(), [result(1_000), result(3_000), result(2_000)], Latency(20, 90, 500, 1_000))
    return [ran, Row(Faust("faust", "Faust"), missing="no Java")]


def test_runs_agree_with_what_must_come_out() -> None:
    assert disagreements(rows(), FEED, "a") == []
    other = Row(Ours("against", "another"), [result(500, applied=59), result(500, fired=8)])
    assert len(disagreements([*rows(), other], FEED, "a")) == 2
    (told,) = disagreements([Row(Ours(), [result(9, seen=99)])], FEED, "a")
    assert told == (
        "ours read 99 events, applied 60 contributions and fired 7 times; it must be 100, 60 and 7"
    )


def test_firings_that_are_not_known_are_those_of_the_first_run() -> None:
    several = [Row(Ours(), [result(500, fired=9)]), Row(Ours("against", "other"), [result(9)])]
    (told,) = disagreements(several, FEED, "c")
    assert told.startswith("against read 100 events, applied 60 contributions and fired 7 times")


def test_a_system_that_failed_is_a_difference_and_a_missing_one_is_none() -> None:
    failed = Row(Ours(), failed="it ended\nand more")
    assert disagreements([failed, *rows()[1:]], FEED, "a") == ["ours: it ended\nand more"]
    assert disagreements(rows()[1:], FEED, "a") == []


def test_cells_are_medians_with_their_span() -> None:
    told, missing = map(table.cells, rows())
    assert told == [
        "ours, one worker", "2,000 (1,000-3,000)", "500.0 (333.3-1,000.0)", "5.0", "400", "300",
        "20", "20 / 90", "1,000",
    ]  # fmt: skip
    assert missing[:3] == ["Faust", "missing", "-"]
    assert table.reasons(rows()) == ["Missing: Faust: no Java."]


def test_one_round_of_a_slow_system_is_told() -> None:
    assert table.cells(Row(Faust("faust", "Faust"), [result(9)]))[0] == "Faust (1 round)"


def test_a_terminal_gets_every_row() -> None:
    console = Console(width=200, record=True, file=StringIO())
    console.print(table.terminal("Job a", rows()))
    text = console.export_text()
    assert "2,000 (1,000-3,000)" in text
    assert "missing" in text


def test_a_section_replaces_that_of_its_job_alone() -> None:
    before = "intro\n<!-- job a -->\nold\n<!-- end of job a -->\n<!-- job b -->\nkept\n"
    before += "<!-- end of job b -->\nrest"
    text = page.section(JOBS["a"], rows(), CONDITIONS, [])
    after = page.with_section(before, "a", text)
    assert "old" not in after
    assert after.startswith("intro\n<!-- job a -->\n### Job a")
    assert after.endswith("<!-- job b -->\nkept\n<!-- end of job b -->\nrest")
    assert "All 3 runs agree: 60 contributions, 7 firings. Missing: Faust: no Java." in after
    assert page.with_section(after, "a", text) == after


def test_a_page_without_a_place_for_it_is_refused() -> None:
    with pytest.raises(ValueError, match="job a"):
        page.with_section("nothing", "a", "text")


def test_the_page_of_the_project_has_a_place_for_each_job() -> None:
    text = page.PAGE.read_text()
    for letter in JOBS:
        assert "text\n<!-- end" in page.with_section(text, letter, "text")


def test_differences_stand_in_the_section() -> None:
    text = page.section(JOBS["a"], rows(), CONDITIONS, ["one\nits log", "two"])
    assert "**Results differ:** one; two." in text
    assert "agree" not in text


def test_figures_of_every_run_can_be_read_by_programs() -> None:
    told = as_json({"a": rows()})
    assert [one["events_s"] for one in told["a"]["ours"]] == [1_000, 3_000, 2_000]
    assert told["a"]["faust"] == []


def test_metrics_are_summed_over_their_labels() -> None:
    text = 'events_total{stage="source"} 5.0\nevents_total{stage="x"} 2.0\nevents_total_more 9\n'
    assert sample(text, "events_total") == 7
    assert sample("events_total 4.0\n", "events_total") == 4
    assert sample(text, "none") == 0


def test_only_ours_does_the_jobs_without_peers() -> None:
    known = [*ours(Path("elsewhere"), ["slow:PROCESSOR_COMMIT_INTERVAL_MS=500"]), *peers()]
    names = [one.name for one in chosen(known, JOBS["c"], ["*"])]
    assert names == ["ours", "ours-2", "ours-slow", "against"]
    assert len({one.name for one in known}) == len(known)
    assert [one.name for one in chosen(known, JOBS["a"], ["streams-4.4-*", "quix"])] == [
        "streams-4.4-eos", "streams-4.4-eos-2", "streams-4.4-stores", "streams-4.4-alos", "quix",
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", ["--jobs=e", "--rounds=0", "--warm-up=900000"])
def test_a_wrong_command_line_is_refused(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        options([wrong])
    assert ended.value.code == 2
    assert "error" in capsys.readouterr().err

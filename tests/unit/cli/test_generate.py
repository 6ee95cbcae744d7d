import json

ARGUMENTS = (
    "generate",
    "--no-send",
    "--events",
    "200",
    "--users",
    "20",
    "--start-ms",
    "1700000000000",
)


def test_events_are_written_one_a_line(run, tmp_path):
    file = tmp_path / "events.tsv"
    result = run(*ARGUMENTS, "--out", file)
    assert result.exit_code == 0
    lines = file.read_bytes().splitlines()
    assert len(lines) == 200
    assert {line.count(b"\t") for line in lines} == {130}
    assert result.stdout.startswith("200 events (")


def test_the_same_seed_gives_the_same_events(run, tmp_path):
    files = [tmp_path / name for name in ("one", "two", "other")]
    for file, seed in zip(files, ("5", "5", "6"), strict=True):
        run(*ARGUMENTS, "--seed", seed, "--out", file)
    one, two, other = (file.read_bytes() for file in files)
    assert one == two != other


def test_the_summary_counts_late_events_and_duplicates(run, tmp_path):
    shares = ("--late", "0.5", "--duplicates", "0.5")
    result = run(*ARGUMENTS, *shares, "--out", tmp_path / "events", "--json")
    told = json.loads(result.stdout)
    assert told["events"] == 200
    assert told["late"] > 50
    assert told["duplicates"] > 30
    assert told["bytes"] > 200_000

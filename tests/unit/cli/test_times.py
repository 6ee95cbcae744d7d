import pytest

from processor.cli.times import duration_ms, time_ms
from processor.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90_000), ("15m", 900_000), ("1h", 3_600_000), (" 7d ", 604_800_000)],
)
def test_durations(text, expected):
    assert duration_ms(text, "--window") == expected


@pytest.mark.parametrize("text", ["", "h", "1", "1.5h", "-1h", "0h", "1 h", "1w", "PT1H", "²h"])
def test_what_is_no_duration_is_wrong_use(text):
    with pytest.raises(UsageError, match="--window") as caught:
        duration_ms(text, "--window")
    assert "24h" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T10:00:00.5Z",
        "2026-11-22 10:00:00.500",
        "2026-11-22T11:00:00.500+01:00",
    ],
)
def test_times(text):
    assert time_ms(text, "--from") == 1_795_341_600_500


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "10:00", "1795341600500"])
def test_what_is_no_time_is_wrong_use(text):
    with pytest.raises(UsageError, match="--from"):
        time_ms(text, "--from")

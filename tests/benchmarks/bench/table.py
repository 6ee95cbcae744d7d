"""The table of a job: on a terminal, and as lines of a page."""

from collections.abc import Sequence

from rich.table import Table

from tests.benchmarks.bench.results import Row

COLUMNS = (
    "system",
    "events/s",
    "CPU us",
    "broker CPU us",
    "peak MB",
    "Kafka B",
    "disk B",
    "p50 / p99 ms",
    "at events/s",
)
NOTHING = "-"


def cells(row: Row) -> list[str]:
    """The text of each column."""
    label = row.system.label
    if not row.results:
        return [label, "missing" if row.missing else "failed", *[NOTHING] * (len(COLUMNS) - 2)]
    few = f" ({len(row.results)} round)" if row.system.slow and len(row.results) == 1 else ""
    latency = row.latency
    return [
        label + few,
        _spread(row, "events_s", 0),
        _spread(row, "cpu_us", 1),
        f"{row.middle('broker_us'):.1f}",
        f"{row.middle('memory') / 1e6:.0f}",
        f"{row.middle('kafka_bytes'):.0f}",
        f"{row.middle('disk_bytes'):.0f}",
        f"{latency.p50_ms:.0f} / {latency.p99_ms:.0f}" if latency else NOTHING,
        f"{latency.events_s:,.0f}" if latency else NOTHING,
    ]


def _spread(row: Row, figure: str, digits: int) -> str:
    """The median, and in brackets the least and the greatest of several runs."""
    least, greatest = row.span(figure)
    text = f"{row.middle(figure):,.{digits}f}"
    return text if len(row.results) == 1 else f"{text} ({least:,.{digits}f}-{greatest:,.{digits}f})"


def reasons(rows: Sequence[Row]) -> list[str]:
    """Why systems are missing, each reason once."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.missing:
            found.setdefault(row.missing, []).append(row.system.label)
    return [f"Missing: {'; '.join(labels)}: {reason}." for reason, labels in found.items()]


def terminal(title: str, rows: Sequence[Row]) -> Table:
    """The table for a terminal."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*cells(row))
    return table


def markdown(rows: Sequence[Row]) -> list[str]:
    """The same for a page."""
    lines = [COLUMNS, ("---", *["---:"] * (len(COLUMNS) - 1)), *map(cells, rows)]
    return ["| " + " | ".join(one.replace("|", "/") for one in line) + " |" for line in lines]

"""`python -m tests.benchmarks.bench`: ours and the peers in turns, a table, a page.

Starts a broker set up as a server's, makes the events, and in each round runs each system on each
job, one after the other, each on a topic with the same events. The last round is followed by runs
at half of the rate that each system has reached, which give the time from event to intervention.
The exit status is 1 if results differ.
"""

import argparse
import json
import shlex
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from processor.local.kafka_files import KAFKA_VERSION
from tests.benchmarks.bench import page, systems, table
from tests.benchmarks.bench.broker import server_broker
from tests.benchmarks.bench.feed import make_feed, shop_values
from tests.benchmarks.bench.jobs import JOBS
from tests.benchmarks.bench.machine import machine
from tests.benchmarks.bench.results import Row, as_json, disagreements
from tests.benchmarks.bench.rounds import Bench
from tests.benchmarks.bench.system import MissingError, System

# Of a table where no terminal says how wide it is.
PLAIN_COLUMNS = 180
RESULTS = Path("build", "bench", "results.json")
BROKER = f"Kafka {KAFKA_VERSION} with C2, G1 and 1 GiB on the same machine"


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.bench", description=__doc__)
    parser.add_argument("--jobs", default="a,b,c,d", help="letters, comma-separated")
    parser.add_argument(
        "--systems",
        default="*",
        help="names or patterns, comma-separated: ours*,quix",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=900_000, help="the warm-up included")
    parser.add_argument("--warm-up", type=int, default=300_000)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--against", type=Path, help="another tree of the processor")
    parser.add_argument(
        "--variant", action="append", default=[], metavar="NAME:SETTING=VALUE,...",
        help="ours with other settings, besides",
    )  # fmt: skip
    parser.add_argument(
        "--latency-s", type=float, default=20.0, help="seconds of events at half load; 0: none"
    )
    parser.add_argument("--latency-warm-up-s", type=float, default=10.0)
    parser.add_argument(
        "--latency-rate", type=float, default=0.0, help="events/s; half of a system's own if 0"
    )
    parser.add_argument("--page", type=Path, default=page.PAGE, help="the page to write")
    parser.add_argument("--no-page", action="store_true", help="print the tables only")
    parser.add_argument("--directory", type=Path, help="where the broker and all state live")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.jobs.split(",")) - set(JOBS)
    if unknown or chosen.rounds < 1 or not 0 <= chosen.warm_up < chosen.events:
        parser.error("jobs are a, b, c, d; at least one round; the warm-up is less than the events")
    return chosen


def main(arguments: Sequence[str]) -> int:
    """Run it; return the exit status."""
    chosen = options(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_COLUMNS)
    jobs = [JOBS[letter] for letter in chosen.jobs.split(",")]
    known = [*systems.ours(chosen.against, chosen.variant), *systems.peers()]
    rows = {
        job.letter: [
            Row(system) for system in systems.chosen(known, job, chosen.systems.split(","))
        ]
        for job in jobs
    }
    versions = prepare([row for several in rows.values() for row in several])
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.directory) as name,
        server_broker(Path(name) / "kafka") as broker,
    ):
        values = shop_values(chosen.events, chosen.users, int(time.time() * 1000))
        feed = make_feed(
            Path(name) / "events", chosen.partitions, values, jobs,
            total=chosen.events, warm_up=chosen.warm_up, console=console,
        )  # fmt: skip
        console.print(f"{feed.events} events of {feed.event_bytes:.0f} bytes are made")
        bench = Bench(broker.bootstrap_servers, Path(name), feed, chosen, console)
        bench.rounds(jobs, rows)
        bench.latencies(jobs, rows)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(as_json(rows), indent=1))
    conditions = page.Conditions(
        f"{datetime.now(UTC):%Y-%m-%d}", machine(), command_line(arguments), BROKER,
        versions, feed.events, feed.event_bytes, chosen.warm_up,
    )  # fmt: skip
    status = 0
    for job in jobs:
        mine = rows[job.letter]
        differences = disagreements(mine, feed, job.letter)
        status = 1 if differences else status
        if not chosen.no_page:
            text = page.section(job, mine, conditions, differences)
            chosen.page.write_text(page.with_section(chosen.page.read_text(), job.letter, text))
        console.print(table.terminal(f"Job {job.letter}: {job.title}", mine))
        told = [page.agreement(mine, differences), *differences, *table.reasons(mine)]
        console.print("\n".join(told), soft_wrap=True, markup=False, highlight=False)
    console.print(f"{conditions.date}, {conditions.machine}; {'; '.join(versions)}", soft_wrap=True)
    return status


def prepare(rows: Sequence[Row]) -> list[str]:
    """Build what is to be run; note what is missing; return the versions."""
    versions: dict[str, None] = {}
    missing: dict[str, str] = {}
    prepared: set[str] = set()
    for row in rows:
        system: System = row.system
        if system.name not in prepared:
            prepared.add(system.name)
            try:
                versions[system.prepare()] = None
            except MissingError as error:
                missing[system.name] = str(error)
        row.missing = missing.get(system.name, "")
    return list(versions)


def command_line(arguments: Sequence[str]) -> str:
    """The command as it was typed."""
    return " ".join(["python -m tests.benchmarks.bench", *map(shlex.quote, arguments)])

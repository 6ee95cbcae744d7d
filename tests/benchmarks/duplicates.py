"""What it costs to recognise events that are sent again: CPU, memory, changelog, restore.

Run: python -m tests.benchmarks.duplicates [MILLIONS]. Contributions of 200 a section go through
one partition's memory and its records, as a flush of every tenth of a second at 2,000 a second
would write them; then the records are loaded as a takeover loads them. CPU is that of the process.
"""

import sys
from time import process_time

from processor.engine import Contribution
from processor.engine.counted_events import CountedEvents
from processor.engine.counted_records import CountedRecord, counted_records, encode_counted
from processor.formats import NEWEST_LEVEL
from processor.limits import DEDUPLICATION_BYTES, DEDUPLICATION_HORIZON_MS
from tests.by_hand import contribution_of

SECTION = 200
START_MS = 1_795_340_000_000
STEP_MS = 100
SERIES = 7
# Key, and what a record of a changelog takes besides: a batch's share, lengths, timestamp.
RECORD_BYTES = 19 + 60


def section(number: int) -> list[Contribution]:
    values = [(SERIES, None)]
    at_ms = START_MS + number * STEP_MS
    return [
        contribution_of(
            one, "domain_userid", f"c0a8f4f0-{one % 4096:04x}-4d6e-9a51-{number % 997:012x}", at_ms,
            f"{number:08x}-{one:04x}-4e1c-8f4f-6f6f3a1c2d3e", "page_view", "", values, None, at_ms,
        )
        for one in range(SECTION)
    ]  # fmt: skip


def main() -> None:
    count = int(float(sys.argv[1] if len(sys.argv) > 1 else "2") * 1_000_000)
    events = CountedEvents(DEDUPLICATION_HORIZON_MS, bytes_max=DEDUPLICATION_BYTES, seed=1)
    records: list[CountedRecord] = []
    counted_s = encoded_s = 0.0
    written = 0
    for number in range(count // SECTION):
        contributions = section(number)
        begun = process_time()
        assert True not in events.count(contributions, {SERIES})
        counted_s += process_time() - begun
        begun = process_time()
        made = list(counted_records(1, events.take_new()))
        written += sum(len(encode_counted(one, NEWEST_LEVEL)) + RECORD_BYTES for one in made)
        encoded_s += process_time() - begun
        records += made
    again = CountedEvents(DEDUPLICATION_HORIZON_MS, bytes_max=DEDUPLICATION_BYTES, seed=1)
    begun = process_time()
    for _ in again.load(records):
        pass
    loaded_s = process_time() - begun
    assert len(again) == len(events) == count
    day = 86_400_000 / count  # contributions of a day at 1,000 a second
    print(f"{count:,} contributions in sections of {SECTION}")
    print(f"look up and note    {counted_s / count * 1e6:8.2f} us of CPU a contribution")
    print(f"encode for a flush  {encoded_s / count * 1e6:8.2f} us of CPU a contribution")
    print(f"changelog           {written / count:8.1f} bytes a contribution")
    print(f"memory              {events.bytes / count:8.1f} bytes a contribution")
    print(f"load                {loaded_s / count * 1e6:8.2f} us of CPU a contribution")
    disk, memory, seconds = written * day / 1e9, events.bytes * day / 1e9, loaded_s * day
    print(f"a day at 1,000 a second: disk {disk:.2f} GB, memory {memory:.2f} GB,")
    print(f"  {seconds:.0f} s of CPU to load, for all partitions together")


if __name__ == "__main__":
    main()

"""Nanoseconds per number of exact sums: adding, gathering, merging, reading.

Run: python -m tests.benchmarks.sums. Prints a table: the least of many short runs, so that what
else the machine does matters little; nothing is compared or stored.
"""

from collections.abc import Callable, Sequence
from random import Random
from time import perf_counter_ns

from processor.aggregates.exact_sum import (
    add_exact,
    gather_exact,
    gather_parts,
    merge_exact,
    quotient,
    to_float,
)
from processor.aggregates.total import plain_total

# As many as a chunk has.
COUNT = 224
MERGED = 8
RUNS = 300
RUN_NS = 500_000


def numbers() -> dict[str, list[int | float]]:
    chance = Random(1)
    prices = [round(chance.uniform(1, 200), 2) for _ in range(COUNT)]
    return {
        "prices": [*prices],
        "prices and integers": [one if at % 3 else int(one) for at, one in enumerate(prices)],
        "17 digits": [chance.uniform(1, 200) for _ in range(COUNT)],
    }


def measure(work: Callable[[], object], count: int = 1) -> float:
    """Return the least time of one run in ns, by the numbers that it takes."""
    begun = perf_counter_ns()
    work()
    repeat = max(1, RUN_NS // max(perf_counter_ns() - begun, 1))
    least = float("inf")
    for _ in range(RUNS):
        begun = perf_counter_ns()
        for _ in range(repeat):
            work()
        least = min(least, perf_counter_ns() - begun)
    return least / repeat / count


def rows(values: Sequence[int | float]) -> dict[str, float]:
    total = gather_exact(values)
    plain = plain_total(total)
    size = COUNT // MERGED
    parts = [
        plain_total(gather_exact(values[start : start + size])) for start in range(0, COUNT, size)
    ]
    part = gather_parts(values)
    value = values[5]
    return {
        "add": measure(lambda: add_exact(total, value)),
        "add to a total just read": measure(lambda: add_exact(plain, value)),
        f"gather {COUNT}": measure(lambda: gather_exact(values), COUNT),
        f"prepare {COUNT}": measure(lambda: gather_parts(values), COUNT),
        "gather a part that is prepared": measure(lambda: part(3, 200)),
        f"merge {MERGED}": measure(lambda: merge_exact(parts), MERGED),
        "read a sum": measure(lambda: to_float(total)),
        "read a mean": measure(lambda: quotient(total, COUNT)),
        "write": measure(lambda: plain_total(total)),
    }


def main() -> None:
    found = {name: rows(values) for name, values in numbers().items()}
    print(f"{'ns':<32}" + "".join(f"{name:>22}" for name in found))
    for row in next(iter(found.values())):
        print(f"{row:<32}" + "".join(f"{columns[row]:>22.0f}" for columns in found.values()))


if __name__ == "__main__":
    main()

"""What a job must find by the naive model, which recomputes everything: for small topics."""

import json
from collections.abc import Iterable

from definitions.records import objects_from_file, to_record
from tests.benchmarks.bench.jobs import Job
from tests.model.naive import Model


def naive_counts(job: Job, values: Iterable[bytes]) -> tuple[int, int]:
    """Contributions and firings of events that arrive in this order."""
    objects = objects_from_file(job.definitions)
    model = Model([{**json.loads(to_record(one)), "is_published": True} for one in objects])
    contributions = firings = 0
    for offset, value in enumerate(values):
        fired = model.apply(value, "enriched", 0, offset)
        if isinstance(fired, str):
            message = f"event {offset} is refused: {fired}"
            raise TypeError(message)
        contributions += len(model.contributions(value))
        firings += len(fired)
    return contributions, firings

"""One run of one system over the events: looked at once a second, and what follows from the looks.

The figures are of the steady state: what the events after the warm-up cost. A system has done all
of the warm-up before the others show (source.py). An event is done when it was read and its
contributions were applied; events all match alike, so contributions tell how many are done. Between
two looks the rate is taken as even.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from tests.benchmarks.bench.broker import TopicBytes
from tests.benchmarks.bench.process_tree import ProcessTree
from tests.benchmarks.bench.system import Counts, FailedError, System

# A worker answers with metrics of the last second: this asks for new ones each time.
INTERVAL_S = 1.02
# So many looks without a change end the run once everything is read.
QUIET_LOOKS = 3
STALLED_S = 60.0
# The same for a system that has not read anything yet.
START_S = 240.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: counts, seconds, bytes. `memory` is the most so far, all else what it is then."""

    at_s: float
    seen: int
    applied: int
    cpu_s: float = 0.0
    broker_cpu_s: float = 0.0
    memory: int = 0
    kafka_bytes: int = 0
    disk_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Steady:
    """The steady state of one run. Microseconds are of one core, bytes are of one event."""

    events: float
    events_s: float
    cpu_us: float
    broker_us: float
    memory: int
    kafka_bytes: float
    disk_bytes: float


class Watch:
    """Takes samples of a running system. Without a broker of ours, its figures are 0."""

    def __init__(
        self, system: System, broker: psutil.Process | None, topics: TopicBytes | None
    ) -> None:
        self._system = system
        self._tree = ProcessTree(process.pid for process in system.processes)
        self._broker = None if broker is None else ProcessTree([broker.pid])
        self._topics = topics
        self._counts = Counts(0, 0)
        self._memory = 0

    def sample(self) -> Sample:
        """Look now; counts are those of the last look where the system does not answer."""
        counts = self._counts = self._system.counts() or self._counts
        at_s = time.monotonic()
        self._tree.look()
        self._memory = max(self._memory, self._tree.memory)
        if self._broker is not None:
            self._broker.look()
        return Sample(
            at_s,
            counts.seen,
            counts.applied,
            self._tree.cpu_s,
            self._broker.cpu_s if self._broker else 0.0,
            self._memory,
            self._topics.count() if self._topics else 0,
            self._tree.written,
        )

    def until_done(self, events: int, contributions: int) -> list[Sample]:
        """Samples until so much is done and nothing changes any more. Raises FailedError."""
        samples = [self.sample()]
        changed_s = time.monotonic()
        while not ended(samples, events, contributions):
            time.sleep(INTERVAL_S)
            self._system.check()
            samples.append(self.sample())
            if samples[-1].seen != samples[-2].seen or samples[-1].applied != samples[-2].applied:
                changed_s = time.monotonic()
            elif time.monotonic() - changed_s > (STALLED_S if samples[-1].seen else START_S):
                last = samples[-1]
                message = (
                    f"{self._system.name} has read {last.seen} of {events} events and applied "
                    f"{last.applied} of {contributions} contributions, and does not go on: "
                    f"{self._system.log()}"
                )
                raise FailedError(message)
        return samples


def ended(samples: Sequence[Sample], events: int, contributions: int) -> bool:
    """Whether all is read and applied, and the last looks are alike."""
    last = samples[-QUIET_LOOKS - 1 :]
    return (
        len(last) > QUIET_LOOKS
        and last[-1].seen >= events
        and last[-1].applied >= contributions
        and len({(one.seen, one.applied) for one in last}) == 1
    )


def steady(samples: Sequence[Sample]) -> Steady:
    """What the events after the warm-up cost; the first sample is of the end of the warm-up."""
    first, final = samples[0], samples[-1]
    count = final.seen - first.seen

    def done(sample: Sample) -> float:
        seen = sample.seen - first.seen
        if final.applied == first.applied:
            return seen
        return min(seen, count * (sample.applied - first.applied) / (final.applied - first.applied))

    complete = next(i for i, one in enumerate(samples) if done(one) >= done(final))
    before, after = samples[max(complete - 1, 0)], samples[complete]
    # One look later, so that what follows the last contribution (a commit, a flush) is counted.
    last = samples[min(complete + 1, len(samples) - 1)]
    end_s = after.at_s
    if done(before) > 0:
        rate = done(before) / (before.at_s - first.at_s)
        end_s = min(end_s, before.at_s + (count - done(before)) / rate)

    def each(total: float) -> float:
        return total / count if count else 0.0

    return Steady(
        count,
        count / (end_s - first.at_s) if end_s > first.at_s else 0.0,
        each(last.cpu_s - first.cpu_s) * 1e6,
        each(last.broker_cpu_s - first.broker_cpu_s) * 1e6,
        samples[-1].memory,
        each(last.kafka_bytes - first.kafka_bytes),
        each(last.disk_bytes - first.disk_bytes),
    )

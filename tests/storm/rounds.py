"""Rounds of three kinds, one after another, while the workers are behind all the time.

A round has something happen, and ends when every worker serves and every partition has applied
something since. Nobody is killed: a worker that ends without having been asked to is a finding.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

import httpx

from tests.storm.director import Director
from tests.storm.hostilities import ROUND_GUESTS, ROUND_RESIDENTS
from tests.storm.pulse import Pulse
from tests.storm.workers import State, StormWorker

# Until a round has to be over, from when nothing is done any more.
ROUND_S = 120.0
# `processor worker` gives up waiting for Kafka before that.
LEAVE_S = 30.0
DOWN_MAX_S = 8.0


class Kind(Enum):
    """What happens in a round."""

    SCALE_OUT = "scale-out"
    TERMINATION = "termination"
    BROKER_LOSS = "broker loss"


@dataclass(frozen=True)
class Round:
    """A round that has ended, the longest pause of a partition in it, and Kafka's absence."""

    kind: Kind
    pause_s: float
    away_s: float


@dataclass
class Rounds(Director):
    """So many rounds of each kind, in an order drawn from the seed; `first` is what is before."""

    residents: ClassVar[tuple[str, ...]] = ROUND_RESIDENTS
    guests: ClassVar[tuple[str, ...]] = ROUND_GUESTS
    first: int = 0
    rounds: list[Round] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.pulse = Pulse(self.cluster.settings)
        self._watch: Callable[[], None] = lambda: None

    def run(self, length: int, watch: Callable[[], None]) -> None:
        """So many rounds of each kind; `watch` is called at each look at the workers."""
        self._watch = watch
        acts = {
            Kind.SCALE_OUT: self._scale_out,
            Kind.TERMINATION: self._terminate,
            Kind.BROKER_LOSS: self._lose_broker,
        }
        with self.pulse:
            self._be_whole("the beginning")
            for number in range(self.first, self.first + length):
                kinds = list(Kind)
                self._random.shuffle(kinds)
                for kind in kinds:
                    acts[kind](number)
        self._calm()

    def progress(self, length: int) -> str:
        """How far the run is."""
        return f"round {len(self.rounds) + 1} of {length * len(Kind)}"

    def room(self, sent: int) -> int:
        """How many more events keep the workers behind, in one stage or the other."""
        if self.pulse.frames >= self.hostilities.frames_ahead:
            return 0
        return max(0, self.pulse.taken + self.hostilities.ahead - sent)

    def pauses(self, kind: Kind) -> list[float]:
        """The longest pause of a partition in each round of a kind, in seconds, in their order."""
        return sorted(one.pause_s for one in self.rounds if one.kind is kind)

    @property
    def summary(self) -> list[str]:
        """How much waited, and the pauses."""
        load = self.pulse.load
        texts = [
            f"{load.looks} looks at what waits: at {load.idle} no events of the source, at "
            f"{load.caught_up} no contributions of some partition; at least "
            f"{load.least_events or 0} events"
        ]
        for kind in Kind:
            pauses = self.pauses(kind)
            if pauses:
                texts.append(
                    f"{len(pauses)} rounds of {kind.value}: the longest pause of a partition "
                    f"{pauses[-1]:.1f} s, the median {pauses[len(pauses) // 2]:.1f} s"
                )
        away = [one.away_s for one in self.rounds if one.kind is Kind.BROKER_LOSS]
        if away:
            texts.append(f"of which Kafka was away for {min(away):.1f} to {max(away):.1f} s")
        return texts

    # --- what happens ------------------------------------------------------------------------

    def _scale_out(self, number: int) -> None:
        """One joins: a fourth one, which leaves behind the round, or a third that was away."""
        fourth = number % 2 == 0
        name = self.guests[0] if fourth else self._random.choice(self.residents)
        if not fourth:
            self._leave(self.workers[name])
            self._be_whole(f"{name} was to be away")
        self._begin(number, Kind.SCALE_OUT, f"{name} joins")
        self.wanted.add(name)
        self._end(Kind.SCALE_OUT)
        if not self._settled(lambda: self._has_work(self.workers[name])):
            self._fail(f"{name} has joined and got no partition in {ROUND_S:.0f} s")
        if fourth:
            self._leave(self.workers[name])
            self._be_whole(f"{name} was to be away again")

    def _terminate(self, number: int) -> None:
        """One is asked to end, and started again once it has."""
        worker = self.workers[self._random.choice(self.residents)]
        self._begin(number, Kind.TERMINATION, f"{worker.name} is asked to end")
        self._leave(worker)
        self.wanted.add(worker.name)
        self._end(Kind.TERMINATION)

    def _lose_broker(self, number: int) -> None:
        """Kafka is killed and comes back; or it is frozen for longer than the sessions."""
        lost = time.monotonic()
        if number % 2 == 0:
            down_s = self._random.random() * DOWN_MAX_S
            self._begin(number, Kind.BROKER_LOSS, f"Kafka is killed, and gone for {down_s:.1f} s")
            self.broker.kill()
            self._pass(down_s)
            self.broker.start()
        else:
            frozen_s = self.hostilities.session_ms / 1_000 + 1 + self._random.random() * 4
            self._begin(number, Kind.BROKER_LOSS, f"Kafka is frozen for {frozen_s:.1f} s")
            self.broker.freeze()
            self._pass(frozen_s)
            self.broker.thaw()
        self._end(Kind.BROKER_LOSS, time.monotonic() - lost)

    def _leave(self, worker: StormWorker) -> None:
        """Ask it to end, and wait until it has: in time, with status 0, and without an error."""
        self._look()
        self.wanted.discard(worker.name)
        if worker.state is not State.RUNS:
            return  # it has ended by itself, which is counted
        worker.leave()
        self._settled(lambda: worker.state is State.AWAY)
        seconds = time.monotonic() - worker.asked_at
        self.tell(f"{worker.name} has ended after {seconds:.1f} s")
        if seconds > LEAVE_S:
            self._fail(f"{worker.name} took {seconds:.1f} s to end")
        for line in worker.errors_since_asked():
            self._fail(f"{worker.name} was asked to end and logs: {line}")

    # --- rounds ------------------------------------------------------------------------------

    def _begin(self, number: int, kind: Kind, what: str) -> None:
        self.tell(f"round {number}, {kind.value}: {what}")
        self.pulse.pauses.begin()

    def _end(self, kind: Kind, away_s: float = 0.0) -> None:
        begun = time.monotonic()
        self._be_whole(kind.value)
        found = Round(kind, self.pulse.pauses.longest_s, away_s)
        self.rounds.append(found)
        seconds = time.monotonic() - begun
        self.tell(f"all serve after {seconds:.1f} s; the longest pause was {found.pause_s:.1f} s")

    def _be_whole(self, what: str) -> None:
        """Wait until all that are wanted serve, and then until every partition has moved."""
        if not self._settled(lambda: not self._not_serving()):
            self._fail(f"{what}: not serving after {ROUND_S:.0f} s: {self._not_serving()}")
        before = dict(self.pulse.pauses.applied)

        def standing() -> list[int]:
            applied = self.pulse.pauses.applied
            return [number for number, offset in before.items() if applied[number] == offset]

        if not self._settled(lambda: not standing()):
            self._fail(f"{what}: partitions {standing()} stand still for {ROUND_S:.0f} s")

    def _not_serving(self) -> list[str]:
        workers = [self.workers[name] for name in sorted(self.wanted)]
        return [one.name for one in workers if one.state is State.AWAY or not one.process.ready()]

    def _has_work(self, worker: StormWorker) -> bool:
        with suppress(httpx.HTTPError):
            return worker.process.metric("processor_partitions", role="profiles", state="open") > 0
        return False

    def _settled(self, done: Callable[[], bool]) -> bool:
        def looked() -> bool:
            self._watch()
            return done()

        return self._wait_for(looked, ROUND_S)

    def _pass(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self._settled(lambda: time.monotonic() > end)

    def _fail(self, text: str) -> None:
        self.failures.append(text)
        self.tell(f"NOT AS IT SHOULD BE: {text}")

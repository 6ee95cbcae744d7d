"""What happens in a storm, and when: kills, frozen workers, guests, changes, a dead broker.

Times are drawn from the seed: between two actions of a kind passes half to one and a half times
its mean. What an action meets depends on the machine, so the same seed gives the same intentions
and not the same run.
"""

import heapq
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import ClassVar

from processor.stages import Stage
from tests.broker.cluster import Cluster
from tests.storm.broker import StormBroker, admin_client
from tests.storm.changes import Changes
from tests.storm.hostilities import GUESTS, RESIDENTS, SESSION_MS, Hostilities
from tests.storm.workers import State, StormWorker

TICK_S = 0.1
# Behind which step of a flush a worker kills itself; behind the second a transaction stays open.
STEPS = (1, 2, 2, 3, 4)
# Until there is a worker again to which something can be done.
LOOK_AGAIN_S = 0.5
READY_S = 120.0


@dataclass
class Director:
    """Deals out what happens until the time is over."""

    residents: ClassVar[tuple[str, ...]] = RESIDENTS
    guests: ClassVar[tuple[str, ...]] = GUESTS
    cluster: Cluster
    broker: StormBroker
    hostilities: Hostilities
    seed: str
    tell: Callable[[str], None]
    begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._random = Random(f"director:{self.seed}")
        self.changes = Changes(self.cluster, Random(f"changes:{self.seed}"))
        self.workers = {
            name: StormWorker(self.cluster, name, self.begun)
            for name in (*self.residents, *self.guests)
        }
        # Who is started again wherever it is waited for something.
        self.wanted = set(self.residents)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._beside: dict[str, threading.Thread] = {}
        self._waits_to_freeze = False
        self.failures: list[str] = []

    # --- the run -----------------------------------------------------------------------------

    def run(self, length: int, watch: Callable[[], None]) -> None:
        """Storm for so many seconds; `watch` is called at each look at the workers."""
        for name in self.residents:
            self.workers[name].start()
        pace = self.hostilities.pace
        for mean_s, action in (
            (pace.kill_s, self._kill),
            (pace.freeze_s, self._freeze),
            (pace.broker_kill_s, self._kill_broker),
            (pace.guest_s, self._guest),
            (pace.change_s, self._change),
            (pace.part_kill_s, self._kill_part),
        ):
            if mean_s:
                self._again(mean_s, action, first=True)
        end = time.monotonic() + length
        while (now := time.monotonic()) < end:
            while self._agenda and self._agenda[0][0] <= now:
                heapq.heappop(self._agenda)[2]()
            self._look()
            watch()
            time.sleep(TICK_S)
        self._calm()

    def progress(self, length: int) -> str:
        """How far the run is."""
        return f"second {time.monotonic() - self.begun:.0f} of {length}"

    @property
    def summary(self) -> list[str]:
        """What there is to say of the run besides what was counted."""
        return []

    def room(self, _sent: int) -> int:
        """How many more events may be sent when so many have been, where the feed has to know."""
        return 0

    def _calm(self) -> None:
        """Let everybody come back: who is frozen wakes, who is armed starts anew without."""
        while self._agenda:
            heapq.heappop(self._agenda)
        for thread in self._beside.values():
            thread.join()
        self._wait_for(lambda: not any(one.must_stay_frozen for one in self.workers.values()))
        for worker in self.workers.values():
            worker.look()
            worker.thaw()
            if worker.state is State.ARMED:
                worker.kill()
        self._wait_for(lambda: all(one.state is not State.LEAVES for one in self.workers.values()))
        self._start_wanted()

    def settle(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Let the workers go on until it is done; whether it was in time."""
        return self._wait_for(done, timeout_s)

    def _wait_for(self, done: Callable[[], bool], timeout_s: float = READY_S) -> bool:
        deadline = time.monotonic() + timeout_s
        while not done():
            if time.monotonic() > deadline:
                return False
            self._look()
            self._start_wanted()
            time.sleep(TICK_S)
        return True

    def _start_wanted(self) -> None:
        for name in sorted(self.wanted):
            if self.workers[name].state is State.AWAY:
                self.workers[name].start()

    def _look(self) -> None:
        for worker in self.workers.values():
            known = len(worker.ended)
            was = worker.state
            worker.look()
            for one in worker.ended[known:]:
                self.tell(f"{one.name} ENDED BY ITSELF with status {one.status} ({one.state})")
            if (
                was is not State.AWAY
                and worker.state is State.AWAY
                and worker.name in self.residents
            ):
                self._at(self._delay(), lambda one=worker: self._come_back(one))

    # --- agenda ------------------------------------------------------------------------------

    def _at(self, delay_s: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (time.monotonic() + delay_s, next(self._order), action))

    def _again(self, mean_s: float, action: Callable[[], None], *, first: bool = False) -> None:
        delay_s = mean_s * (0.5 + self._random.random())

        def act() -> None:
            self._again(mean_s, action)
            action()

        self._at(delay_s * (0.6 if first else 1.0), act)

    def _delay(self) -> float:
        """How long a worker stays away: most of the time shorter than its session."""
        if self._random.random() < 0.25:
            return SESSION_MS / 1_000 + self._random.random() * 3
        return self._random.random() * 2

    def _in_thread(self, name: str, action: Callable[[], None]) -> None:
        """Run what takes a while beside the rest; not while the last one of its kind runs."""
        running = self._beside.get(name)
        if running is not None and running.is_alive():
            return

        def act() -> None:
            try:
                action()
            except Exception as error:  # told at the end: the storm cannot do what it wants
                self.failures.append(f"{name}: {error!r}")
                self.tell(f"{name} failed: {error!r}")

        self._beside[name] = threading.Thread(target=act, name=name)
        self._beside[name].start()

    # --- actions -----------------------------------------------------------------------------

    def _kill(self) -> None:
        """Kill one worker or all of them; most of the time when it serves, so that work is lost."""
        self._look()
        live = [one for one in self.workers.values() if one.can_be_killed]
        if self._random.random() < self.hostilities.serving:
            live = [one for one in live if one.process.ready()]
        if self._waits_to_freeze or not live:
            self._at(LOOK_AGAIN_S, self._kill)
            return
        victims = live if self._random.random() < 0.15 else [self._random.choice(live)]
        for victim in victims:
            if victim.kill():
                self.tell(f"killed {victim.name}")
            self._at(self._delay(), lambda one=victim: self._come_back(one))

    def _kill_part(self) -> None:
        """Kill the process of one stage; the other one goes on, and its parent starts it again."""
        self._look()
        live = [one for one in self.workers.values() if one.state is State.RUNS]
        if not live:
            self._at(LOOK_AGAIN_S, self._kill_part)
            return
        victim, stage = self._random.choice(live), self._random.choice(list(Stage))
        if victim.kill_part(stage):
            self.tell(f"killed the {stage} process of {victim.name}")

    def _come_back(self, worker: StormWorker) -> None:
        if worker.state is not State.AWAY:
            return
        wipe = self._random.random() < self.hostilities.wiped
        crash_after = ""
        if self._random.random() < self.hostilities.in_flush:
            crash_after = f"{self._random.choice(STEPS)}:{self._random.randint(1, 12)}"
        worker.start(wipe=wipe, crash_after=crash_after)
        self.tell(
            f"started {worker.name}"
            + (" on an empty directory" if wipe else "")
            + (f", to be killed behind step {crash_after} of a flush" if crash_after else "")
        )

    def _freeze(self) -> None:
        """Freeze a worker that serves; while there is none, nothing is killed."""
        self._look()
        live = [one for one in self.workers.values() if one.works and one.process.ready()]
        self._waits_to_freeze = not live
        if not live:
            self._at(LOOK_AGAIN_S, self._freeze)
            return
        victim = self._random.choice(live)
        seconds = SESSION_MS / 1_000 + 1 + self._random.random() * 4
        victim.freeze()
        self.tell(f"froze {victim.name} for {seconds:.1f} s")
        self._at(seconds, lambda: self._thaw(victim))

    def _thaw(self, worker: StormWorker) -> None:
        if worker.state is State.FROZEN:
            worker.thaw()
            self.tell(f"woke {worker.name}")

    def _guest(self) -> None:
        """A guest joins; or it, or a resident, leaves in an orderly way."""
        guest = self.workers[self._random.choice(self.guests)]
        if guest.state is State.AWAY:
            guest.start()
            self.tell(f"{guest.name} joins")
            return
        running = [one for one in self.workers.values() if one.state is State.RUNS]
        if len(running) < 2:
            return
        leaving = guest if guest in running else self._random.choice(running)
        leaving.leave()
        self.tell(f"{leaving.name} leaves")

    def _change(self) -> None:
        self._in_thread("change", lambda: self.tell(self.changes.change()))

    def _kill_broker(self) -> None:
        if self._waits_to_freeze:
            self._at(LOOK_AGAIN_S, self._kill_broker)
            return
        down_s = self._random.random() * 3

        def act() -> None:
            self.broker.kill()
            self.tell(f"killed Kafka for {down_s:.1f} s")
            time.sleep(down_s)
            self.broker.start()
            # A client that was there before may wait for the group's former coordinator.
            self.cluster.admin = admin_client(self.cluster.bootstrap_servers)
            self.tell("Kafka serves again")

        self._in_thread("broker", act)

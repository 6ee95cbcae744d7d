"""Whether this worker serves, and why not.

Invariant: a worker answers only while the group has acknowledged one of its heartbeats within a
session. After that, other workers may own its partitions, and what it would answer may be old.
"""

from collections.abc import Collection, Sequence

from processor.clock import monotonic_s
from processor.errors import NotReadyError
from processor.settings import Settings
from processor.streaming.definitions.current_definitions import Definitions
from processor.streaming.fetch.faults import Fault, fault_partition
from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.fetch.gates import Gate
from processor.streaming.fetch.other_workers import OtherWorkers
from processor.streaming.fetch.topic_watch import TopicWatch


class Readiness:
    """Looks at the definitions, the groups, and the gates of one process."""

    def __init__(
        self,
        settings: Settings,
        definitions: Definitions,
        watch: TopicWatch,
        consumer: GatedConsumer,
        others: OtherWorkers,
    ) -> None:
        self._settings = settings
        self._definitions = definitions
        self._watch = watch
        self._consumer = consumer
        self._others = others

    def not_ready(self, faults: Sequence[Fault]) -> str:
        """Return why the worker does not serve; empty when every partition of it is open.

        Those that a fault has closed are left out, as long as there is another one. A worker for
        which no partition is left is ready: it forwards reads, and waits for one.
        """
        if self._watch.made_anew:
            return self._watch.made_anew
        if not self._definitions.ready.is_set():
            return "reading definitions"
        if self._others.wait:
            return self._others.wait
        if not self._consumer.joined:
            return "joining the consumer group"
        if self._is_silent():
            return "the consumer group has not answered for a session"
        return waiting_for(self._consumer.gates.values(), faults, self._settings)

    def require_membership(self) -> None:
        """Check that what the worker reads of its partitions is still its own.

        Raises:
            NotReadyError: the worker may have lost its membership.
        """
        if self._is_silent():
            message = "the consumer group has not answered this worker for a session"
            raise NotReadyError(message, hint="try again in a moment")

    def _is_silent(self) -> bool:
        session_s = self._settings.session_timeout_ms / 1000
        return monotonic_s() - self._consumer.heartbeat_at > session_s


def waiting_for(gates: Collection[Gate], faults: Sequence[Fault], settings: Settings) -> str:
    """Return why a worker with these gates does not serve; empty if it does.

    It serves when everything is open but what a fault has closed, if that is not everything. A
    worker that owns profiles serves these.
    """
    closed = {fault.partition for fault in faults}
    sound = [gate for gate in gates if fault_partition(gate, settings) not in closed]
    waiting = sum(not gate.opened for gate in sound)
    if waiting:
        return f"{waiting} of {len(gates)} partitions are being taken over"
    topics = {gate.topic for gate in gates}
    served = settings.contributions_topic
    if served not in topics:
        served = settings.enriched_topic
    if served in topics and not any(gate.topic == served for gate in sound):
        return f"faults have closed every partition of it: {faults[0].reason}"
    return ""

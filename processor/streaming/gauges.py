"""What a worker shows of its partitions: how many are open or closed, and how far behind."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from processor.clock import monotonic_s
from processor.errors import BrokerError
from processor.limits import CLOSED_LOOK_S
from processor.metrics import CLOSED_BACKLOG, LAG, PARTITIONS
from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.fetch.faults import Fault, fault_partition
from processor.streaming.fetch.gated_consumer import GatedConsumer

log = structlog.get_logger(__name__)

# Between two updates of the gauges.
_INTERVAL_S = 1.0
# If the group has not answered for this long, Kafka is unreachable.
_SILENT_S = 5.0


class Gauges:
    """Sets the gauges of partitions, and logs when the group does not answer.

    Args:
        settings: the application.
        stage: the stage of this process.
        consumer: has the gates.
        faults: returns why partitions are closed.
        fatal: ends the process.
    """

    def __init__(
        self,
        settings: Settings,
        stage: Stage,
        consumer: GatedConsumer,
        faults: Callable[[], Sequence[Fault]],
        fatal: Callable[[BaseException], None],
    ) -> None:
        self._settings = settings
        self._roles = _roles(settings, stage)
        self._consumer = consumer
        self._faults = faults
        self._fatal = fatal

    async def set_forever(self) -> None:
        """Set the gauges again and again."""
        consumer = self._consumer
        silent = False
        while True:
            await asyncio.sleep(_INTERVAL_S)
            self._set()
            if consumer.crash_reason is not None:
                self._fatal(consumer.crash_reason)
            was_silent = silent
            silent = consumer.joined and monotonic_s() - consumer.heartbeat_at > _SILENT_S
            if silent and not was_silent:
                servers = self._settings.bootstrap_servers
                log.warning("kafka_does_not_answer", servers=servers, hint="nothing is lost")
            elif was_silent and not silent:
                log.info("kafka_answers_again")

    def _set(self) -> None:
        settings = self._settings
        roles = self._roles
        closed = {fault.partition for fault in self._faults()}
        states = ("open", "closed", "degraded")
        counts = {(role, state): 0 for role in roles.values() for state in states}
        LAG.clear()  # if a partition has moved, its new worker reports its lag
        for gate in list(self._consumer.gates.values()):
            state = "open" if gate.opened else "closed"
            if fault_partition(gate, settings) in closed:
                state = "degraded"
            counts[roles[gate.topic], state] += 1
            end = self._consumer.end_offset(gate)
            if end is not None and gate.opened:
                LAG.labels(gate.topic, str(gate.partition)).set(max(0, end - gate.next_offset))
        for (role, state), count in counts.items():
            PARTITIONS.labels(role, state).set(count)


def _roles(settings: Settings, stage: Stage) -> dict[str, str]:
    """Return the role of each topic that the stage reads, as metrics name it."""
    if stage is Stage.SOURCE:
        return {settings.enriched_topic: "source"}
    return {one.topic(settings): one.role for one in ProfileInput}


async def follow_backlogs(consumer: GatedConsumer, faults: Callable[[], Sequence[Fault]]) -> None:
    """Show how much waits for partitions that faults have closed, as long as the worker runs."""
    while True:
        await asyncio.sleep(CLOSED_LOOK_S)
        found = {}
        for fault in faults():
            topic, _, number = fault.partition.rpartition("-")
            gate = consumer.gates.get((topic, int(number)))
            if gate is None:
                continue
            try:
                committed = await consumer.committed(gate)
                first, end = await consumer.bounds(gate)
            except BrokerError as error:
                log.warning("backlog_not_read", partition=gate.name, error=repr(error))
                continue
            applied = first if committed is None else max(first, committed.offset)
            found[gate.topic, str(gate.partition)] = max(0, end - applied)
        CLOSED_BACKLOG.clear()
        for labels, backlog in found.items():
            CLOSED_BACKLOG.labels(*labels).set(backlog)

"""The protocol of what receives committed interventions.

They are read from the interventions topic (streaming/interventions/interventions_feed.py): a flush
commits them there, and no sink receives one that was aborted. The subscribers of a worker are one
sink (processor/api/subscriptions/subscriptions.py). Another one is a module with these three
methods, a row in tests/contracts/test_sink.py, and a line where the worker is put together
(processor/app.py).

Invariants, which the feed keeps for each sink:
- `begin` is called once, before all other methods.
- Each record from the positions of `begin` on is passed once while the worker runs, in the order of
  its partition. A worker that restarts begins up to PROCESSOR_SSE_REPLAY_S earlier: a sink that
  delivers elsewhere compares the message's id, or stores how far it has delivered.
- Every worker passes every partition to its sinks.
- An exception in one sink, in whichever method, affects neither other sinks nor the next record. A
  sink that failed in `begin` gets the records all the same.
"""

from collections.abc import Sequence
from typing import Protocol

from processor.interventions.client_form import InterventionRecord


class Sink(Protocol):
    """Receives records of the interventions topic. Called in the event loop's thread.

    No method waits for anything: a sink that delivers elsewhere puts the record into a bounded
    queue, and delivers it in its own task.
    """

    def begin(self, positions: Sequence[int]) -> None:
        """Note the first offset of each partition, in the order of the partitions."""
        ...

    def take(self, record: InterventionRecord) -> int:
        """Take the next record, whatever it contains; return how much work that was, 0 for none."""
        ...

    def caught_up(self) -> None:
        """Note that everything in the topic at the start has been taken. May be called again."""
        ...

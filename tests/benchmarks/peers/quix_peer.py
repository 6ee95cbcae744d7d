"""A job of the benchmark on Quix Streams: quix_peer.py JOB SOURCE OUTPUT PARTITIONS PORT ...

The rest of the arguments: Kafka's address, the consumer group, the directory of state. Runs until a
signal ends it.
"""

import sys
from typing import Any

from counts import Counts
from jobs import DOMAIN_USERID, JOBS, message
from quixstreams import Application, State


def main() -> None:
    letter, source, output, _partitions, port, servers, group, directory = sys.argv[1:]
    job = JOBS[letter]()
    counts = Counts()

    def contribution(value: bytes) -> Any:
        counts.seen += 1
        columns = value.split(b"\t")
        return job.contribution(columns) if columns[DOMAIN_USERID] else None

    def apply(given: Any, key: Any, timestamp: int, _headers: Any, state: State) -> Any:
        profile, fired = job.apply(state.get("profile"), given)
        state.set("profile", profile)
        counts.applied += 1
        return message(job.rule, given["id"], timestamp) if fired else None

    application = Application(
        broker_address=servers,
        consumer_group=group,
        auto_offset_reset="earliest",
        state_dir=directory,
        commit_interval=1.0,
        consumer_extra_config={"fetch.min.bytes": 100_000, "fetch.wait.max.ms": 20},
        producer_extra_config={"linger.ms": 20},
        loglevel="WARNING",
    )
    events = application.topic(source, key_deserializer="bytes", value_deserializer="bytes")
    interventions = application.topic(output, value_serializer="json")
    frame = application.dataframe(events).apply(contribution)
    frame = frame.filter(lambda given: given is not None)
    frame = frame.group_by(lambda given: given["id"], name="contributions")
    frame = frame.apply(apply, stateful=True, metadata=True)
    frame.filter(lambda fired: fired is not None).to_topic(interventions)
    counts.serve(int(port))
    application.run()


if __name__ == "__main__":
    main()

"""A job of the benchmark on Faust as it comes: faust_peer.py JOB SOURCE OUTPUT PARTITIONS PORT ...

The rest of the arguments: Kafka's address, the id of the application, the directory of state. Runs
until a signal ends it.
"""

import sys
from pathlib import Path
from typing import Any

import aiokafka
import faust
import orjson
from counts import Counts
from jobs import DOMAIN_USERID, JOBS, message


class Committed(aiokafka.AIOKafkaConsumer):
    """A consumer of committed records only, which Faust has no setting for."""

    def __init__(self, *topics: Any, **settings: Any) -> None:
        super().__init__(*topics, **{**settings, "isolation_level": "read_committed"})


def application(arguments: list[str]) -> faust.App:
    letter, source, output, partitions, port, servers, app_id, directory = arguments
    job = JOBS[letter]()
    counts = Counts()
    app = faust.App(
        app_id,
        broker=f"kafka://{servers}",
        store="rocksdb://",
        datadir=Path(directory),
        topic_partitions=int(partitions),
        topic_replication_factor=1,
        topic_allow_declare=True,
        consumer_auto_offset_reset="earliest",
        producer_linger_ms=20,
        web_enabled=False,
    )
    raw = {"key_serializer": "raw", "value_serializer": "raw"}
    events = app.topic(source, key_type=bytes, value_type=bytes, **raw)
    contributions = app.topic(
        f"{app_id}-contributions", key_type=bytes, value_type=bytes, internal=True,
        partitions=int(partitions), **raw,
    )  # fmt: skip
    interventions = app.topic(output, key_type=bytes, value_type=bytes, **raw)
    profiles = app.Table("profiles", partitions=int(partitions))

    @app.agent(events)
    async def read(stream):
        async for event in stream.events():
            counts.seen += 1
            columns = event.value.split(b"\t")
            owner = columns[DOMAIN_USERID]
            if owner and (given := job.contribution(columns)) is not None:
                when = event.message.timestamp
                await contributions.send(key=owner, value=orjson.dumps(given), timestamp=when)

    @app.agent(contributions)
    async def apply(stream):
        async for event in stream.events():
            given = orjson.loads(event.value)
            owner = given["id"]
            profile, fired = job.apply(profiles.get(owner), given)
            profiles[owner] = profile
            if fired:
                told = orjson.dumps(message(job.rule, owner, int(event.message.timestamp * 1000)))
                await interventions.send(key=event.key, value=told)
            counts.applied += 1

    counts.serve(int(port))
    return app


if __name__ == "__main__":
    aiokafka.AIOKafkaConsumer = Committed
    faust.Worker(application(sys.argv[1:]), loglevel="WARNING").execute_from_commandline()

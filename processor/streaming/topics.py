"""Which topics there are, with the partitions and settings that correctness needs."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from processor.clock import monotonic_s
from processor.errors import BrokerError, TopicError
from processor.limits import FRAME_BYTES_MAX, PROFILE_BYTES_MAX
from processor.settings import Settings

_TIMEOUT_S = 30.0
_REACH_S = 5.0
# How long a topic that was made may take until every broker knows it.
_VISIBLE_S = 15.0
_LOOK_S = 0.1
# How long a tombstone of the changelog lives: twice what local state may be behind (a day).
DELETE_RETENTION_MS = 2 * 86_400_000
_OVERHEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic that the processor uses.

    `settings` are given when we make the topic; those named in `required` must hold on an existing
    one. `partitions` of None: whatever it has.
    """

    name: str
    partitions: int | None
    settings: Mapping[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    purpose: str = ""


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """Return every topic, in the order in which an event meets them."""
    return [
        TopicSpec(settings.enriched_topic, None, {}, purpose="Snowplow enriched events (yours)"),
        TopicSpec(
            settings.definitions_topic, 1, {"cleanup.policy": "compact"},
            frozenset({"cleanup.policy"}), "attribute groups, services, interventions",
        ),
        TopicSpec(
            settings.contributions_topic, settings.partitions,
            {
                "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1",
                "max.message.bytes": str(FRAME_BYTES_MAX + _OVERHEAD_BYTES),
            },
            frozenset({"cleanup.policy", "retention.ms", "retention.bytes", "max.message.bytes"}),
            "internal: what events add to profiles; emptied as it is applied",
        ),
        TopicSpec(
            settings.rules_topic, settings.partitions,
            {
                "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1",
                "max.message.bytes": str(PROFILE_BYTES_MAX + _OVERHEAD_BYTES),
            },
            frozenset({"cleanup.policy", "retention.ms", "retention.bytes", "max.message.bytes"}),
            "internal: what profiles say to rules across attribute keys; emptied as it is applied",
        ),
        TopicSpec(
            settings.changelog_topic, settings.partitions,
            {
                "cleanup.policy": "compact",
                "delete.retention.ms": str(DELETE_RETENTION_MS),
                "max.message.bytes": str(PROFILE_BYTES_MAX + _OVERHEAD_BYTES),
            },
            frozenset({"cleanup.policy", "delete.retention.ms", "max.message.bytes"}),
            "internal: profile state, from which a worker restores",
        ),
        TopicSpec(
            settings.interventions_topic, settings.partitions,
            {
                "cleanup.policy": "delete",
                "max.message.bytes": str(PROFILE_BYTES_MAX + _OVERHEAD_BYTES),
            },
            frozenset({"cleanup.policy", "max.message.bytes"}), "fired interventions",
        ),
        TopicSpec(
            settings.dead_letter_topic, None, {"cleanup.policy": "delete"},
            frozenset({"cleanup.policy"}), "records that could not be processed",
        ),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the broker has it: None partitions when it does not exist."""

    spec: TopicSpec
    partitions: int | None
    topic_id: str
    faults: tuple[str, ...]


class Topics:
    """Creates and checks topics.

    Raises:
        BrokerError: the broker does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.specs = topic_specs(settings)
        self._admin = AdminClient(
            {**settings.kafka_client, "client.id": f"{settings.app_id}-admin", "log_level": 0}
        )

    def check(self) -> list[TopicState]:
        """Return each topic's state with what is wrong with it."""
        self._reach()
        names = [spec.name for spec in self.specs]
        described = self._describe(names)
        existing = [name for name in names if name in described]
        configs = self._configs([spec for spec in self.specs if spec.name in existing])
        states = []
        for spec in self.specs:
            partitions, topic_id = described.get(spec.name, (None, ""))
            faults = _faults(spec, partitions, configs.get(spec.name, {}))
            states.append(TopicState(spec, partitions, topic_id, tuple(faults)))
        return states

    def create(self, only: str | None = None) -> list[str]:
        """Make the topics that do not exist, or the one named; return their names.

        Raises:
            TopicError: an existing one cannot be used as it is; nothing was made.
        """
        states = [state for state in self.check() if only in (None, state.spec.name)]
        _raise_on_faults([state for state in states if state.partitions is not None])
        missing = [state.spec for state in states if state.partitions is None]
        new = [
            NewTopic(
                spec.name,
                num_partitions=spec.partitions or self._settings.partitions,
                replication_factor=self._settings.replication_factor,
                config=dict(spec.settings),
            )
            for spec in missing
        ]
        if new:
            for name, future in self._admin.create_topics(
                new, operation_timeout=_TIMEOUT_S
            ).items():
                self._await_created(name, future)
        return [spec.name for spec in missing]

    def ensure(self) -> dict[str, TopicState]:
        """Make what is missing, check the rest, and return the topics by name."""
        self.create()
        deadline = monotonic_s() + _VISIBLE_S
        while True:
            states = self.check()
            if all(state.partitions is not None for state in states) or monotonic_s() > deadline:
                break
            time.sleep(_LOOK_S)
        _raise_on_faults(states)
        return {state.spec.name: state for state in states}

    def ids(self) -> dict[str, str]:
        """Return Kafka's own id of each topic as it is now."""
        described = self._describe([spec.name for spec in self.specs])
        return {name: topic_id for name, (_, topic_id) in described.items()}

    def partitions(self, name: str) -> int:
        """Return how many partitions a topic has now.

        Raises:
            TopicError: it is not there.
        """
        described = self._describe([name])
        if name not in described:
            message = f"there is no topic {name!r}"
            raise TopicError(message, hint="create it: processor topics create")
        return described[name][0]

    def delete_records(self, topic: str, offsets: Mapping[int, int]) -> None:
        """Remove the records of partitions before the given offsets. Failures raise BrokerError."""
        wanted = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
        for future in self._admin.delete_records(wanted).values():
            self._result(future, f"delete records of {topic}")

    def _reach(self) -> None:
        """Find out soon whether anybody answers: the calls that describe topics wait longer."""
        try:
            self._admin.list_topics(timeout=_REACH_S)
        except KafkaException as error:
            message = f"no Kafka answers at {self._settings.bootstrap_servers}"
            raise BrokerError(
                message,
                detail=str(error.args[0]),
                hint="is it running? PROCESSOR_BOOTSTRAP_SERVERS",
            ) from error

    def _await_created(self, name: str, future: "Future[Any]") -> None:
        try:
            future.result(_TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                message = f"cannot create the topic {name!r}"
                raise TopicError(
                    message, detail=str(error), hint="create it yourself: processor topics check"
                ) from error

    def _describe(self, names: Sequence[str]) -> dict[str, tuple[int, str]]:
        found = {}
        futures = self._admin.describe_topics(TopicCollection(list(names)))
        for name, future in futures.items():
            try:
                described = self._result(future, f"describe {name}")
            except TopicError:
                continue
            found[name] = (len(described.partitions), str(described.topic_id))
        return found

    def _configs(self, specs: Sequence[TopicSpec]) -> dict[str, dict[str, str]]:
        asked = [ConfigResource(ResourceType.TOPIC, spec.name) for spec in specs if spec.required]
        if not asked:
            return {}
        return {
            resource.name: {
                name: entry.value
                for name, entry in self._result(future, f"describe {resource.name}").items()
            }
            for resource, future in self._admin.describe_configs(asked).items()
        }

    def _result(self, future: "Future[Any]", what: str) -> Any:
        try:
            return future.result(_TIMEOUT_S)
        except (KafkaException, TimeoutError) as error:
            unknown = KafkaError.UNKNOWN_TOPIC_OR_PART
            if isinstance(error, KafkaException) and error.args[0].code() == unknown:
                message = f"cannot {what}: it does not exist"
                raise TopicError(message, hint="processor topics create") from error
            servers = self._settings.bootstrap_servers
            message = f"cannot {what} at {servers}"
            raise BrokerError(
                message,
                detail=str(error),
                hint="is Kafka running there? PROCESSOR_BOOTSTRAP_SERVERS",
            ) from error


def _faults(spec: TopicSpec, partitions: int | None, config: Mapping[str, str]) -> list[str]:
    if partitions is None:
        return [f"{spec.name}: does not exist"]
    faults = []
    if spec.partitions is not None and partitions != spec.partitions:
        faults.append(f"{spec.name}: has {partitions} partitions, needs {spec.partitions}")
    for name in sorted(spec.required):
        wanted = spec.settings[name]
        actual = config.get(name, "")
        if not _meets(name, actual, wanted):
            faults.append(f"{spec.name}: {name} is {actual or 'not set'}, needs {wanted}")
    return faults


def _meets(name: str, actual: str, wanted: str) -> bool:
    if name in ("max.message.bytes", "delete.retention.ms"):
        return actual.isdigit() and int(actual) >= int(wanted)
    return actual == wanted


def _raise_on_faults(states: Sequence[TopicState]) -> None:
    faults = [fault for state in states for fault in state.faults]
    if faults:
        raise TopicError(
            "; ".join(faults),
            hint="change the topic, or PROCESSOR_PARTITIONS, or use another PROCESSOR_APP_ID",
        )

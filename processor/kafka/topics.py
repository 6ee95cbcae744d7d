"""The topics, with the partitions and settings that correctness requires."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from processor.clock import monotonic_s
from processor.errors import BrokerError, TopicError
from processor.kafka.rights import not_authorized
from processor.limits import MESSAGE_OVERHEAD_BYTES, PROFILE_BYTES_MAX
from processor.profile_inputs import ProfileInput
from processor.settings import Settings

log = structlog.get_logger(__name__)

_TIMEOUT_S = 30.0
_REACH_S = 5.0
# How long it may take until every broker has a topic that was just made.
_VISIBLE_S = 15.0
_LOOK_S = 0.1
# How long a tombstone of the changelog lives: twice the age that local state may have (a day).
DELETE_RETENTION_MS = 2 * 86_400_000
_TIMESTAMPS = "message.timestamp.type"
_IN_SYNC = "min.insync.replicas"
_UNCLEAN = "unclean.leader.election.enable"
# With this many copies, an acknowledged record is on two of them, and one may be unavailable.
_COPIES = 3
_IN_SYNC_OF_COPIES = 2
# Segments are deleted and compacted as a whole, except the segment that is being written.
_SEGMENT_BYTES = 128 * 1024 * 1024
_SEGMENT = {"segment.bytes": str(_SEGMENT_BYTES)}


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic that the processor uses.

    `settings` are used when we make the topic. An existing topic must have those named in
    `required`; `topics check` reports those named in `advised`. If `partitions` is None, any number
    is accepted. If `more_partitions` is set, `partitions` is only the minimum.
    """

    name: str
    partitions: int | None
    settings: Mapping[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    purpose: str = ""
    advised: frozenset[str] = frozenset()
    more_partitions: bool = False


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """Return every topic, in the order in which an event meets them."""
    return [
        TopicSpec(
            settings.enriched_topic, None, {_TIMESTAMPS: "LogAppendTime"},
            advised=frozenset({_TIMESTAMPS}), purpose="Snowplow enriched events (yours)",
        ),
        TopicSpec(
            settings.definitions_topic, 1, {"cleanup.policy": "compact", **_SEGMENT},
            frozenset({"cleanup.policy"}), "attribute groups, services, interventions",
        ),
        *(_input_spec(settings, one) for one in ProfileInput),
        TopicSpec(
            settings.changelog_topic, settings.partitions,
            {
                "cleanup.policy": "compact",
                "delete.retention.ms": str(DELETE_RETENTION_MS),
                "max.message.bytes": str(PROFILE_BYTES_MAX + MESSAGE_OVERHEAD_BYTES), **_SEGMENT,
            },
            frozenset({"cleanup.policy", "delete.retention.ms", "max.message.bytes"}),
            "internal: profile state, from which a worker restores",
        ),
        TopicSpec(
            settings.interventions_topic, settings.partitions,
            {
                "cleanup.policy": "delete",
                "max.message.bytes": str(PROFILE_BYTES_MAX + MESSAGE_OVERHEAD_BYTES),
            },
            frozenset({"cleanup.policy", "max.message.bytes"}), "fired interventions",
            more_partitions=True,
        ),
        TopicSpec(
            settings.dead_letter_topic, None, {"cleanup.policy": "delete"},
            frozenset({"cleanup.policy"}), "records that could not be processed",
        ),
    ]  # fmt: skip


def _input_spec(settings: Settings, one: ProfileInput) -> TopicSpec:
    """Return the topic of an input of the profile stage: only we delete its records."""
    return TopicSpec(
        one.topic(settings), settings.partitions,
        {
            "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1",
            "max.message.bytes": str(one.message_bytes_max), **_SEGMENT,
        },
        frozenset({"cleanup.policy", "retention.ms", "retention.bytes", "max.message.bytes"}),
        f"internal: {one.purpose}; deleted once applied",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the broker has it; `partitions` is None if it does not exist.

    `faults` prevent its use. `risks` do not, but acknowledged records can be lost together with one
    broker. `advice` lists what would be better.
    """

    spec: TopicSpec
    partitions: int | None
    topic_id: str
    faults: tuple[str, ...]
    risks: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


class _Described(NamedTuple):
    """An existing topic: its partitions, its id in Kafka, and the copies of each partition."""

    partitions: int
    topic_id: str
    copies: int


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
        """Return each topic's state, with everything that is wrong with it."""
        self._reach()
        names = [spec.name for spec in self.specs]
        described = self._describe(names)
        existing = [name for name in names if name in described]
        configs = self._configs(existing)
        return [
            _state(spec, described.get(spec.name), configs.get(spec.name, {}))
            for spec in self.specs
        ]

    def create(self, only: str | None = None) -> list[str]:
        """Make the topics that do not exist, or only the one named; return their names.

        Raises:
            TopicError: an existing topic cannot be used as it is; nothing was made.
        """
        states = [state for state in self.check() if only in (None, state.spec.name)]
        _raise_on_faults([state for state in states if state.partitions is not None])
        missing = [state.spec for state in states if state.partitions is None]
        new = [
            NewTopic(
                spec.name,
                num_partitions=spec.partitions or self._settings.partitions,
                replication_factor=self._settings.replication_factor,
                config={**spec.settings, **self._safety},
            )
            for spec in missing
        ]
        if new:
            for name, future in self._admin.create_topics(
                new, operation_timeout=_TIMEOUT_S
            ).items():
                self._await_created(name, future)
        return [spec.name for spec in missing]

    @property
    def _safety(self) -> dict[str, str]:
        """Settings with which the loss of one broker does not lose acknowledged records."""
        if self._settings.replication_factor < _COPIES:
            return {}
        return {_IN_SYNC: str(_IN_SYNC_OF_COPIES), _UNCLEAN: "false"}

    def ensure(self) -> dict[str, TopicState]:
        """Make missing topics, check the others, warn of risks; return all topics by name."""
        self.create()
        deadline = monotonic_s() + _VISIBLE_S
        while True:
            states = self.check()
            if all(state.partitions is not None for state in states) or monotonic_s() > deadline:
                break
            time.sleep(_LOOK_S)
        _raise_on_faults(states)
        for risk in (risk for state in states for risk in state.risks):
            hint = "change the topic: with the topics of the profiles, profiles can be lost"
            log.warning("acknowledged_records_can_be_lost", setting=risk, hint=hint)
        return {state.spec.name: state for state in states}

    def ids(self) -> dict[str, str]:
        """Return the current id in Kafka of each topic."""
        described = self._describe([spec.name for spec in self.specs])
        return {name: one.topic_id for name, one in described.items()}

    def described(self, names: Sequence[str]) -> dict[str, tuple[int, str]]:
        """Return the number of partitions and the id of each topic that exists now."""
        found = self._describe(names)
        return {name: (one.partitions, one.topic_id) for name, one in found.items()}

    def partitions(self, name: str) -> int:
        """Return how many partitions a topic has now.

        Raises:
            TopicError: the topic does not exist.
        """
        described = self._describe([name])
        if name not in described:
            message = f"the topic {name!r} does not exist"
            raise TopicError(message, hint="create it: processor topics create")
        return described[name].partitions

    def delete_records(self, topic: str, offsets: Mapping[int, int]) -> None:
        """Remove the records of partitions before the given offsets. Failures raise BrokerError."""
        wanted = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
        for future in self._admin.delete_records(wanted).values():
            self._result(future, f"delete records of {topic}")

    def _reach(self) -> None:
        """Check quickly whether a broker answers: calls that describe topics wait longer."""
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

    def _describe(self, names: Sequence[str]) -> dict[str, _Described]:
        found = {}
        futures = self._admin.describe_topics(TopicCollection(list(names)))
        for name, future in futures.items():
            try:
                described = self._result(future, f"describe {name}")
            except TopicError:
                continue
            copies = min((len(one.replicas) for one in described.partitions), default=0)
            found[name] = _Described(len(described.partitions), str(described.topic_id), copies)
        return found

    def _configs(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
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
            refused = not_authorized(error.args, what)
            if refused is not None:
                raise refused from error
            servers = self._settings.bootstrap_servers
            message = f"cannot {what} at {servers}"
            raise BrokerError(
                message,
                detail=str(error),
                hint="is Kafka running there? PROCESSOR_BOOTSTRAP_SERVERS",
            ) from error


def _state(spec: TopicSpec, described: _Described | None, config: Mapping[str, str]) -> TopicState:
    if described is None:
        return TopicState(spec, None, "", (f"{spec.name}: does not exist",))
    faults = tuple(_faults(spec, described, config))
    risks = tuple(_risks(spec, described.copies, config))
    partitions, topic_id, _ = described
    return TopicState(spec, partitions, topic_id, faults, risks, _advice(spec, config))


def _faults(spec: TopicSpec, described: _Described, config: Mapping[str, str]) -> list[str]:
    faults = []
    partitions, wanted_partitions = described.partitions, spec.partitions
    enough = spec.more_partitions and wanted_partitions and partitions > wanted_partitions
    if wanted_partitions is not None and partitions != wanted_partitions and not enough:
        faults.append(f"{spec.name}: has {partitions} partitions, needs {wanted_partitions}")
    in_sync = _in_sync(config)
    if spec.required and in_sync > described.copies:
        faults.append(
            f"{spec.name}: {_IN_SYNC} is {in_sync} and it has {described.copies} copies: nothing "
            "can be written"
        )
    for name in sorted(spec.required):
        wanted = spec.settings[name]
        actual = config.get(name, "")
        if not _meets(name, actual, wanted):
            faults.append(f"{spec.name}: {name} is {actual or 'not set'}, needs {wanted}")
    return faults


def _risks(spec: TopicSpec, copies: int, config: Mapping[str, str]) -> Iterator[str]:
    """Yield settings with which acknowledged records can be lost although other copies exist."""
    if copies > 1 and _in_sync(config) < _IN_SYNC_OF_COPIES:
        yield f"{spec.name}: {_IN_SYNC} is {_in_sync(config)} of {copies} copies, needs 2"
    if copies > 1 and config.get(_UNCLEAN) == "true":
        yield f"{spec.name}: {_UNCLEAN} is true, needs false"


def _in_sync(config: Mapping[str, str]) -> int:
    return int(config.get(_IN_SYNC, "1"))


def _advice(spec: TopicSpec, config: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        f"{spec.name}: {name} is {config[name]}, {spec.settings[name]} is better"
        for name in sorted(spec.advised)
        if config.get(name, spec.settings[name]) != spec.settings[name]
    )


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

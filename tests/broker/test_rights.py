"""A user in Kafka that may not do what it must is told so, and never that it was fenced."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from definitions.attribute_keys import AttributeKey
from processor.cli.kafka import TopicReader, partitions_of
from processor.collector import Collected, CollectedEvent
from processor.errors import ConflictError, FencedError, NotAuthorizedError
from processor.interventions import Pushed
from processor.kafka.cluster import Cluster
from processor.kafka.partition_reader import PartitionReader
from processor.kafka.partitioner import Partitioner
from processor.kafka.reader import Reader
from processor.kafka.topics import Topics
from processor.local import LocalBroker
from processor.local.kafka_settings import LAPTOP, BrokerSize
from processor.settings import Settings
from processor.streaming.collected_topics import CollectedTopics
from processor.streaming.definitions.definitions_topic import DefinitionsWriter
from processor.streaming.history import EventHistory
from processor.streaming.interventions.interventions_writer import InterventionsWriter
from processor.streaming.messages.outgoing import Outgoing
from processor.streaming.messages.producers import TransactionalProducer
from processor.streaming.moving import PartitionMove
from processor.streaming.process_end import EXIT_FATAL
from processor.streaming.replay import Replay
from tests.broker.cluster import Cluster as Workers

pytestmark = pytest.mark.broker

TIMEOUT_S = 30.0
Deny = Callable[..., None]
# With only this right, a topic can be described but not read; with only the other one, neither.
DESCRIBE, DESCRIBE_CONFIGS = AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka in which everybody may do everything that nobody is denied."""
    properties = {
        **LAPTOP.properties,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true",
    }
    size = BrokerSize(properties, LAPTOP.java_flags)
    with LocalBroker(tmp_path_factory.mktemp("rights"), size=size) as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def settings(servers: str) -> Settings:
    made = Settings(_env_file=None, bootstrap_servers=servers, partitions=1)
    Topics(made).create()
    return made


@pytest.fixture
def deny(servers: str) -> Iterator[Deny]:
    """Denies everything on a resource but reading, or the rights given, to everybody.

    Until the test ends.
    """
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    reading = [AclOperation.DESCRIBE]
    of_topics = [AclOperation.READ, AclOperation.DESCRIBE_CONFIGS]

    def ask(resource: ResourceType, name: str, *only: AclOperation) -> None:
        """With a right that is given, all others are denied."""
        given = only or (*reading, *(of_topics if resource is ResourceType.TOPIC else ()))
        bindings = [
            AclBinding(
                resource, name, ResourcePatternType.LITERAL, "User:ANONYMOUS", "*", operation,
                AclPermissionType.ALLOW,
            )
            for operation in given
        ]  # fmt: skip
        for future in admin.create_acls(bindings).values():
            future.result(TIMEOUT_S)

    yield ask
    allow_all(servers)


def allow_all(servers: str) -> None:
    """Remove what was denied."""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    every = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY,
        AclPermissionType.ANY,
    )  # fmt: skip
    for future in admin.delete_acls([every]).values():
        future.result(TIMEOUT_S)


def commit(producer: TransactionalProducer) -> None:
    producer.send_all([(b"key", b"value")], Outgoing(1))
    producer.commit()


def test_who_may_not_write_definitions_is_told_which_right_is_missing(
    settings: Settings, deny: Deny
) -> None:
    deny(ResourceType.TRANSACTIONAL_ID, "definitions-writer")
    with pytest.raises(NotAuthorizedError, match="definitions-writer") as told:
        DefinitionsWriter(settings).unpublish([])
    assert not isinstance(told.value, ConflictError)


def test_who_may_not_write_to_the_topic_of_definitions_is_told_so(
    settings: Settings, deny: Deny
) -> None:
    deny(ResourceType.TOPIC, settings.definitions_topic)
    key = AttributeKey.model_validate({"name": "cart_id"})
    with pytest.raises(NotAuthorizedError, match="'definitions'"):
        DefinitionsWriter(settings).draft([key])


def test_a_worker_that_may_not_commit_is_not_fenced(settings: Settings, deny: Deny) -> None:
    deny(ResourceType.TRANSACTIONAL_ID, "processor-0")
    producer = TransactionalProducer(settings, 0)
    with pytest.raises(NotAuthorizedError, match="processor-0") as told:
        producer.init()
    assert not isinstance(told.value, FencedError)
    producer.close()


def test_a_worker_that_may_not_write_its_changelog_is_not_fenced(
    settings: Settings, deny: Deny
) -> None:
    producer = TransactionalProducer(settings, 0)
    producer.init()
    deny(ResourceType.TOPIC, settings.changelog_topic)
    with pytest.raises(NotAuthorizedError, match="processor-0"):
        commit(producer)
    producer.close()


def test_one_that_another_has_replaced_is_fenced(settings: Settings) -> None:
    first, second = TransactionalProducer(settings, 0), TransactionalProducer(settings, 0)
    first.init()
    second.init()
    with pytest.raises(FencedError):
        commit(first)
    first.close()
    second.close()


def test_who_may_not_replay_dead_letters_is_told_so(settings: Settings, deny: Deny) -> None:
    deny(ResourceType.TRANSACTIONAL_ID, "dead-letters-replay")
    with pytest.raises(NotAuthorizedError, match="replay"):
        Replay(settings)


def test_who_may_not_move_a_partition_is_told_so(
    settings: Settings, deny: Deny, tmp_path: Path
) -> None:
    deny(ResourceType.TRANSACTIONAL_ID, "processor-0")
    with pytest.raises(NotAuthorizedError, match="move processor-contributions-0"):
        PartitionMove(settings, settings.contributions_topic, 0).move(0, tmp_path / "passed-over")


def write(settings: Settings, topic: str) -> None:
    producer = Producer({"bootstrap.servers": settings.bootstrap_servers})
    producer.produce(topic, b"value", b"key", partition=0)
    assert producer.flush(TIMEOUT_S) == 0


def told(reader: Reader | TopicReader) -> None:
    """Poll, for a minute at most, until a reader raises an error."""
    for _ in range(60):
        reader.poll(wait_s=1.0) if isinstance(reader, Reader) else reader.poll(1.0)


def test_who_may_not_read_a_topic_is_told_so_by_every_reader(
    settings: Settings, deny: Deny
) -> None:
    topic = settings.changelog_topic
    for written in (topic, settings.enriched_topic):
        write(settings, written)
    for denied in (topic, settings.enriched_topic, settings.interventions_topic):
        deny(ResourceType.TOPIC, denied, DESCRIBE)
    with (
        closing(PartitionReader(settings.kafka_client, topic, 0)) as reader,
        pytest.raises(NotAuthorizedError, match=f"no right to read '{topic}'"),
    ):
        next(reader.read(None))
    with (
        closing(TopicReader(settings, topic, from_beginning=True)) as command,
        pytest.raises(NotAuthorizedError, match=f"no right to read '{topic}'"),
    ):
        next(command.to_end())
    with (
        closing(EventHistory(settings, 1, 0)) as history,
        pytest.raises(NotAuthorizedError, match="no right to read 'enriched'"),
    ):
        next(iter(history))
    with (
        closing(TopicReader(settings, "interventions", from_beginning=True, follow=True)) as empty,
        pytest.raises(NotAuthorizedError, match="no right to read 'interventions'"),
    ):
        told(empty)


def test_one_who_follows_is_told_and_goes_on_when_the_right_is_granted(
    servers: str, settings: Settings, deny: Deny
) -> None:
    topic = settings.dead_letter_topic
    deny(ResourceType.TOPIC, topic, DESCRIBE)
    seen: list[str] = []
    with closing(
        Reader(
            settings.kafka_client, topic, follow=True, on_error=lambda one: seen.append(str(one))
        )
    ) as reader:
        reader.begin({0: None})
        for _ in range(60):
            if not seen:
                reader.poll(wait_s=1.0)
        assert f"no right to read '{topic}'" in seen[0]
        allow_all(servers)
        write(settings, topic)
        assert any(reader.poll(wait_s=1.0) for _ in range(60))


def test_who_may_not_see_a_topic_is_told_so(settings: Settings, deny: Deny) -> None:
    topic = settings.rules_topic
    deny(ResourceType.TOPIC, topic, DESCRIBE_CONFIGS)
    refused = f"no right to describe '{topic}'"
    cluster = Cluster(settings.kafka_client)
    with pytest.raises(NotAuthorizedError, match=refused):
        cluster.ends([(settings.changelog_topic, 0), (topic, 0)])
    with pytest.raises(NotAuthorizedError, match=f"describe {topic}"):
        partitions_of(settings, topic)
    with closing(Reader(settings.kafka_client, topic)) as reader:
        with pytest.raises(NotAuthorizedError, match=refused):
            reader.bounds(0)
        with pytest.raises(NotAuthorizedError, match=refused):
            reader.offsets_at([0], 0)


async def test_who_may_not_push_interventions_is_told_so(settings: Settings, deny: Deny) -> None:
    deny(ResourceType.TOPIC, settings.interventions_topic)
    pushed = Pushed("sale", 1, "id", "domain_userid", "u", {}, 0)
    writer = InterventionsWriter(settings, Partitioner(1))
    with pytest.raises(NotAuthorizedError, match="no right to write 'interventions'"):
        await writer.write([(pushed, b"{}")])


async def test_who_may_not_write_what_was_collected_is_told_so(
    settings: Settings, deny: Deny
) -> None:
    deny(ResourceType.TOPIC, settings.enriched_topic)
    topics = CollectedTopics(settings)
    with pytest.raises(NotAuthorizedError, match="no right to write 'enriched'"):
        await topics.write(Collected([CollectedEvent(b"", b"line")], []), received_ms=0)


def test_a_worker_that_may_not_be_in_its_group_ends_and_says_so(
    servers: str, deny: Deny, tmp_path: Path
) -> None:
    """It never gets an assignment, with which it would look at the group."""
    cluster = Workers(servers, "left-out", tmp_path, partitions=1)
    deny(ResourceType.GROUP, "left-out")
    worker = cluster.worker("one").start()
    assert worker.wait_ended() == EXIT_FATAL
    assert "no right to be a member of the consumer group 'left-out'" in worker.log()

from processor.kafka.topics import topic_specs
from processor.profile_inputs import ProfileInput
from processor.settings import Settings

SETTINGS = Settings(_env_file=None, app_id="shop")


def test_the_topics_and_their_order_are_those_of_every_released_version() -> None:
    first, second, *_ = ProfileInput
    assert first.topic(SETTINGS) == SETTINGS.contributions_topic == "shop-contributions"
    assert second.topic(SETTINGS) == SETTINGS.rules_topic == "shop-rules"
    assert (first.role, second.role) == ("profiles", "rules")


def test_each_is_named_once() -> None:
    for names in ([one.title for one in ProfileInput], [one.role for one in ProfileInput]):
        assert len(set(names)) == len(ProfileInput)


def test_only_applied_records_are_deleted_from_its_topic() -> None:
    specs = {spec.name: spec for spec in topic_specs(SETTINGS)}
    for one in ProfileInput:
        spec = specs[one.topic(SETTINGS)]
        assert spec.partitions == SETTINGS.partitions
        assert {name: spec.settings[name] for name in spec.required} == {
            "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1",
            "max.message.bytes": str(one.message_bytes_max),
        }  # fmt: skip
        assert spec.purpose == f"internal: {one.purpose}; deleted once applied"

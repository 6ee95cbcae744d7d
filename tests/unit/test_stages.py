from processor.settings import Settings
from processor.stages import Stage

SETTINGS = Settings(_env_file=None, app_id="shop", instance_id="one")


def test_the_source_keeps_the_group_of_versions_with_one_group() -> None:
    assert Stage.SOURCE.group(SETTINGS) == "shop"
    assert Stage.PROFILES.group(SETTINGS) == "shop-profiles"


def test_no_topic_is_read_by_both() -> None:
    source, profiles = (set(one.topics(SETTINGS)) for one in Stage)
    assert source == {SETTINGS.enriched_topic}
    assert SETTINGS.contributions_topic in profiles
    assert not source & profiles


def test_member_names_differ_and_are_short_enough_for_kafka() -> None:
    assert {one.member_name(SETTINGS) for one in Stage} == {"one-source", "one-profiles"}
    long = Settings(_env_file=None, advertised_url=f"http://{'h' * 300}:8080")
    assert all(len(one.member_name(long)) <= 249 for one in Stage)
    assert [one.other for one in Stage] == [Stage.PROFILES, Stage.SOURCE]

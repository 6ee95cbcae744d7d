import pytest

from processor.kafka.topics import Topics, _Described, _state, topic_specs
from processor.profile_inputs import ProfileInput
from processor.settings import Settings

SETTINGS = Settings(_env_file=None)
SPECS = topic_specs(SETTINGS)
OURS = [spec for spec in SPECS if spec.required]


def state(spec, *, partitions=0, copies=3, **config):
    described = _Described(partitions or spec.partitions or 8, "id", copies)
    told = {name.replace("_", "."): value for name, value in config.items()}
    return _state(spec, described, {**spec.settings, **told})


def problems(found):
    return [one.partition(": ")[2] for one in (*found.faults, *found.risks)]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_what_can_lose_acknowledged_records_is_told_of_every_topic(spec):
    assert not problems(state(spec, min_insync_replicas="2"))
    found = state(spec, min_insync_replicas="1")
    assert not found.faults
    assert problems(found) == ["min.insync.replicas is 1 of 3 copies, needs 2"]
    found = state(spec, min_insync_replicas="2", unclean_leader_election_enable="true")
    assert not found.faults
    assert problems(found) == ["unclean.leader.election.enable is true, needs false"]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_where_there_is_one_copy_no_setting_can_help(spec):
    unclean = {"min_insync_replicas": "1", "unclean_leader_election_enable": "true"}
    assert not problems(state(spec, copies=1, **unclean))


@pytest.mark.parametrize("spec", OURS, ids=lambda spec: spec.name)
def test_a_topic_to_which_nothing_can_be_written_is_a_fault(spec):
    (fault,) = state(spec, copies=1, min_insync_replicas="2").faults
    assert "1 copies: nothing can be written" in fault


def test_more_partitions_are_a_fault_only_where_a_profile_would_move():
    for spec in SPECS:
        found = state(spec, partitions=9, min_insync_replicas="2")
        fixed = spec.partitions is not None and spec.name != SETTINGS.interventions_topic
        assert bool(found.faults) == fixed, spec.name
    (spec,) = (spec for spec in SPECS if spec.name == SETTINGS.interventions_topic)
    assert state(spec, partitions=7, min_insync_replicas="2").faults


@pytest.mark.parametrize(("copies", "safe"), [(1, False), (2, False), (3, True), (5, True)])
def test_topics_of_three_copies_are_made_so_that_one_broker_takes_nothing_with_it(copies, safe):
    made = Topics(Settings(_env_file=None, replication_factor=copies))._safety
    wanted = {"min.insync.replicas": "2", "unclean.leader.election.enable": "false"}
    assert made == (wanted if safe else {})


def test_segments_of_what_is_deleted_or_compacted_are_small():
    small = {spec.name for spec in SPECS if spec.settings.get("segment.bytes") == "134217728"}
    assert small == {
        SETTINGS.definitions_topic, *(one.topic(SETTINGS) for one in ProfileInput),
        SETTINGS.changelog_topic,
    }  # fmt: skip

"""What a look at the topics says: what two looks agree on, and not for longer than it is so."""

from types import SimpleNamespace
from typing import Any

import pytest

from processor.profile_inputs import ProfileInput
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.fetch.topic_watch import TopicWatch

SETTINGS = Settings(_env_file=None)
NAMES = [
    SETTINGS.enriched_topic, *(one.topic(SETTINGS) for one in ProfileInput),
    SETTINGS.changelog_topic, SETTINGS.definitions_topic,
]  # fmt: skip
AS_BEFORE = {name: (2, f"id of {name}") for name in NAMES}


@pytest.fixture
def stage() -> Stage:
    return Stage.SOURCE


@pytest.fixture
def watch(stage: Stage) -> TopicWatch:
    states: Any = {name: SimpleNamespace(topic_id=known) for name, (_, known) in AS_BEFORE.items()}
    nothing: Any = None
    return TopicWatch(SETTINGS, stage, nothing, states, nothing)


def without(name: str) -> dict[str, tuple[int, str]]:
    return {other: found for other, found in AS_BEFORE.items() if other != name}


@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize("anew", [True, False])
def test_two_looks_have_to_agree(watch: TopicWatch, name: str, anew: bool) -> None:
    other = {**AS_BEFORE, name: (2, "another")} if anew else without(name)
    assert not watch._note(AS_BEFORE)
    assert not watch._note(other)
    assert not watch.made_anew
    assert watch._note(other)
    assert watch.made_anew.startswith(f"{name} was deleted")
    assert ("created again" in watch.made_anew) is anew
    assert not watch._note(other), "it is told once"


def test_what_is_gone_for_a_moment_is_nothing(watch: TopicWatch) -> None:
    name = SETTINGS.changelog_topic
    for found in (without(name), AS_BEFORE, without(name), AS_BEFORE):
        assert not watch._note(found)
    assert not watch.made_anew


def test_a_topic_that_comes_back_is_as_before(watch: TopicWatch) -> None:
    name = SETTINGS.changelog_topic
    assert [watch._note(without(name)) for _ in range(3)] == [False, True, False]
    assert watch.made_anew
    assert not watch._note(AS_BEFORE)
    assert not watch.made_anew


def test_a_source_that_is_made_anew_is_another_from_then_on(watch: TopicWatch) -> None:
    anew = {**AS_BEFORE, SETTINGS.enriched_topic: (2, "another")}
    looks = [without(SETTINGS.enriched_topic)] * 3 + [anew] * 4
    assert [watch._note(found) for found in looks] == [
        False,
        True,
        False,
        False,
        True,
        False,
        False,
    ]
    assert not watch.made_anew

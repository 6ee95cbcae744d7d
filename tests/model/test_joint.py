"""Rules across attribute keys in the naive model, in cases small enough to be seen to be right.

A run is a word for each step: `1u` counts event 1 for its user, `1u>s` joins the part that this
sent to the session. Events have the numbers of their places.
"""

import re
from typing import Any

import pytest

from tests.model.generated import START_MS, line_of
from tests.model.generated_cases import group_of
from tests.model.joint import INSTANCES_MAX
from tests.model.naive import Model

Json = dict[str, Any]
KEYS = {"u": "domain_userid", "s": "domain_sessionid", "n": "network_userid"}
COUNTER = {
    "name": "all",
    "type": "int32",
    "aggregation": "counter",
    "events": [],
    "default_value": 0,
}
VIEWS = {**COUNTER, "name": "views", "events": [{"name": "view"}]}
TITLE = {"type": "atomic", "name": "page_title"}
LAST = {"name": "title", "type": "string", "aggregation": "last", "events": [], "property": TITLE}
GROUPS = [
    {**group_of(name, [COUNTER, VIEWS, LAST]), "attribute_key": {"name": key}}
    for name, key in KEYS.items()
]


def leaf(attribute: str, operator: str, value: Any = None) -> Json:
    found = {"attribute": attribute, "operator": operator}
    return found if value is None else {**found, "value": value}


def joint(*criteria: Json, targets: str = "", payload: str = "", **more: Any) -> Json:
    rule: Json = {"name": "r", "version": 1, "is_published": True, "criteria": {"all": [*criteria]}}
    if targets:
        rule["target_attribute_keys"] = [{"name": KEYS[one]} for one in targets]
    if payload:
        rule["payload_attribute_groups"] = [{"name": one, "version": 1} for one in payload]
    return rule | more


BOTH_TWO = joint(leaf("u:all", ">=", 2), leaf("s:all", ">=", 2))


class Run:
    """Events of user 1 and, unless they say otherwise, session 1, applied as the words say."""

    def __init__(self, rule: Json, events: list[Json]) -> None:
        self.model = Model([*GROUPS, rule])
        self.events = events
        self.lines = []
        for number, one in enumerate(events):
            columns = {"domain_userid": "u1", "domain_sessionid": "s1", "event_name": "view"}
            columns |= {name: text for name, text in one.items() if name not in {"at", "number"}}
            at_ms = START_MS + one.get("at", number * 10)
            self.lines.append(line_of(at_ms, one.get("number", number), columns))
        self.fired: list[tuple[str, Json]] = []

    def play(self, words: str) -> "Run":
        for word in words.split():
            match = re.fullmatch(r"(\d+)([usn])(?:>([usn]))?", word)
            assert match, word
            number, key, target = match.groups()
            if target is None:
                self._count(int(number), KEYS[key])
            else:
                self._join(word, int(number), KEYS[key], KEYS[target])
        return self

    def _count(self, number: int, key: str) -> None:
        line = self.lines[number]
        (owner,) = (one for one in self.model.contributions(line) if one[0] == key)
        assert self.model.apply(line, "enriched", 0, number, [owner]) == []

    def _join(self, word: str, number: int, key: str, target: str) -> None:
        (part,) = (
            one
            for one in self.model.sent
            if (one.source["offset"], one.key, one.target[0]) == (number, key, target)
        )
        self.model.sent.remove(part)
        message = self.model.targets.join(part)
        if message is not None:
            self.fired.append((word, message["data"]))

    @property
    def words(self) -> list[str]:
        return [word for word, _ in self.fired]


EVENTS: list[Json] = [{}, {}, {}]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        # Both halves of an event are there before anything is looked at.
        ("0u 0s 0u>s 0s>s 1u 1s 1u>s 1s>s", ["1s>s"]),
        ("0u 0s 0s>s 0u>s 1u 1s 1s>s 1u>s", ["1u>s"]),
        # The halves of two events cross: the first before and the last after count.
        ("0u 1u 0s 0u>s 1u>s 0s>s 1s 1s>s", ["1s>s"]),
        ("0u 1u 0s 1s 0u>s 1u>s 0s>s 1s>s", ["1s>s"]),
        # Later, one half alone can make it.
        ("0u 0s 0u>s 0s>s 1s 1s>s 1u 1u>s 2u 2u>s 2s 2s>s", ["1u>s"]),
        # Nothing fires while a half is missing, whatever the other says.
        ("0u 1u 2u 0u>s 1u>s 2u>s", []),
    ],
)
def test_the_first_completion_waits_for_every_key_and_nothing_later_does(
    words: str, expected: list[str]
) -> None:
    rule = BOTH_TWO | {"target_attribute_keys": [{"name": KEYS["s"]}]}
    assert Run(rule, EVENTS).play(words).words == expected


def test_the_first_before_is_kept_while_a_key_is_missing() -> None:
    rule = joint(leaf("u:all", "=", 2), leaf("s:all", ">=", 0), targets="s")
    run = Run(rule, EVENTS).play("0u 1u 0u>s 1u>s 0s 0s>s")
    assert run.words == ["0s>s"]
    because = [(one["before"], one["after"]) for one in run.fired[0][1]["because"]]
    assert because == [(0, 2), (0, 1)]


def test_a_rule_that_is_met_already_does_not_fire() -> None:
    rule = joint(leaf("u:all", ">=", 1), leaf("s:all", ">=", 0), targets="s")
    events: list[Json] = [{"domain_sessionid": ""}, {}]
    assert Run(rule, events).play("0u 1u 1s 1s>s 1u>s").words == []


def test_every_target_with_an_id_gets_the_same_intervention_id() -> None:
    run = Run(BOTH_TWO, EVENTS)
    run.play("0u 0s 0u>s 0s>s 0s>u 0u>u 1u 1s 1s>u 1u>u 1u>s 1s>s")
    assert run.words == ["1u>u", "1s>s"]
    assert len({one["intervention_id"] for _, one in run.fired}) == 1
    targets = [one["target_attribute_key"] for _, one in run.fired]
    assert targets == [
        {"name": "domain_userid", "id": "u1"},
        {"name": "domain_sessionid", "id": "s1"},
    ]
    assert run.fired[0][1]["attributes"].keys() == {
        *("u:all", "u:views", "u:title", "s:all", "s:views", "s:title")
    }


def test_instances_of_one_target_count_their_firings_together() -> None:
    rule = joint(leaf("u:all", ">=", 0), leaf("s:all", "=", 1), targets="u", max_fires=2)
    events: list[Json] = [{"domain_sessionid": f"s{one}"} for one in range(4)]
    words = " ".join(f"{one}u {one}s {one}u>u {one}s>u" for one in range(4))
    assert Run(rule, events).play(words).words == ["0s>u", "1s>u"]
    cooled = {**rule, "max_fires": None, "cooldown": "PT0.02S"}
    assert Run(cooled, events).play(words).words == ["0s>u", "2s>u"]


def test_what_an_event_has_no_id_for_is_read_as_of_an_unknown_profile() -> None:
    rule = joint(leaf("u:all", "=", 0), leaf("s:all", ">=", 2))
    events: list[Json] = [{"domain_userid": ""}, {"domain_userid": ""}]
    run = Run(rule, events).play("0s 0s>s 1s 1s>s")
    assert run.words == ["1s>s"]
    attributes = run.fired[0][1]["attributes"]
    assert (attributes["u:all"], attributes["u:title"], attributes["s:all"]) == (0, None, 2)


def test_an_event_without_a_target_asks_nothing() -> None:
    run = Run(joint(leaf("u:all", ">=", 1), targets="n"), [{}])
    assert [one.asked for one in run.model.contributions(run.lines[0]).values()] == [(), ()]


@pytest.mark.parametrize(("payload", "words"), [("", "0u 1u 1u>n 2u"), ("n", "0u 0n 0u>n 0n>n")])
def test_a_target_may_be_another_key(payload: str, words: str) -> None:
    rule = joint(leaf("u:all", "=", 2 if not payload else 1), targets="n", payload=payload)
    run = Run(rule, [{"network_userid": "n1"}] * 3).play(words)
    assert len(run.fired) == 1
    assert run.fired[0][1]["target_attribute_key"] == {"name": "network_userid", "id": "n1"}
    # A rule that reads one key sends only the parts with which it becomes met.
    assert len(run.model.sent) == 0


def test_a_duplicate_makes_no_part_and_what_only_asks_is_no_duplicate() -> None:
    views = joint(leaf("u:all", ">=", 1), leaf("s:views", ">=", 0), targets="u")
    events: list[Json] = [{"event_name": "other"}, {"event_name": "other", "number": 0}]
    run = Run(views, events)
    run.model = Model([GROUPS[0], {**GROUPS[1], "attributes": [VIEWS]}, views])
    entry = run.model.contributions(run.lines[0])["domain_sessionid", "s1"]
    assert (entry.values, entry.asked) == ({}, (("r", 1),))
    run.play("0u 0s 1u 1s")
    assert [(one.key, one.source["offset"]) for one in run.model.sent] == [
        *[("domain_userid", 0), ("domain_sessionid", 0), ("domain_sessionid", 1)]
    ]
    assert list(run.model.profiles) == [("domain_userid", "u1")]


CHANGED = joint(leaf("u:title", "changed"), leaf("s:title", "is not null"), targets="s")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        # The user's title changes with every event; the session's part of one changes nothing.
        ("0u 0s 0u>s 0s>s 1u 1s 1u>s 1s>s 2s 2s>s 2u 2u>s", ["0s>s", "1u>s", "2u>s"]),
        # The last part of the user is of another event than the one that completes.
        ("0u 1u 0s 0u>s 1u>s 0s>s 1s 1s>s", ["1s>s"]),
    ],
)
def test_an_attribute_changes_with_the_event_of_its_own_part(
    words: str, expected: list[str]
) -> None:
    events: list[Json] = [{"page_title": one} for one in "abc"]
    assert Run(CHANGED, events).play(words).words == expected


def test_an_instance_fires_once_for_an_event() -> None:
    rule = joint(leaf("u:title", "changed"), leaf("s:title", "changed"), targets="s")
    either = joint(
        {"any": [leaf("u:all", "=", 2), leaf("s:all", "=", 2)]}, leaf("u:all", "!=", 3), targets="s"
    )
    for one in (rule, either):
        run = Run(one, [{"page_title": name} for name in "ab"])
        run.play("0u 0s 0u>s 0s>s 1u 1s 1u>s 1s>s")
        assert run.words.count("1u>s") + run.words.count("1s>s") == 1


def test_old_instances_and_those_beyond_the_limit_are_dropped() -> None:
    rule = joint(leaf("u:all", ">=", 0), leaf("s:all", ">=", 2), targets="u")
    count = INSTANCES_MAX + 1
    events: list[Json] = [{"domain_sessionid": f"s{one}"} for one in range(count)] * 2
    words = [f"{one}u {one}s {one}u>u {one}s>u" for one in range(count)]
    run = Run(rule, events).play(" ".join(words))
    # The first session was dropped: its next part waits for the other one again.
    assert run.model.targets.dropped == {"many": 1}
    run.play(f"{count}u {count}s {count}s>u")
    assert run.words == []
    assert run.play(f"{count}u>u").words == [f"{count}u>u"]
    kept = count + INSTANCES_MAX
    run.play(f"{kept}u {kept}s {kept}s>u")
    assert run.words[1:] == [f"{kept}s>u"]


def test_an_instance_about_which_nothing_arrived_for_an_hour_is_over() -> None:
    rule = joint(leaf("u:all", ">=", 0), leaf("s:all", ">=", 2), targets="u")
    words = "0u 0s 0u>u 0s>u 1u 1s 1u>u 1s>u"
    for pause_ms, dropped in ((3_600_000, {"old": 1}), (3_599_999, {})):
        # The first event is collected five milliseconds after it happened.
        run = Run(rule, [{"at": 0}, {"at": 5 + pause_ms}]).play(words)
        assert run.model.targets.dropped == dropped
        assert run.words == ["1s>u"]

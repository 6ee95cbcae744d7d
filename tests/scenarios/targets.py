"""Targets, and rules across attribute keys."""

from tests.scenarios.scenario import Scenario
from tests.scenarios.writing import all_of, any_of, attribute, events, group, key, none_of, rule

VIEWS = attribute("views", "counter")
WEB = group("web", VIEWS)
VISIT = group("visit", VIEWS, of="session")
MEMBER = group("member", VIEWS, of="account")

SCENARIOS = [
    Scenario(
        "by default the keys of the criteria are the targets, with the ids of the event",
        "K1 K2 K3",
        [WEB, VISIT, rule("both", all_of("web:views >= 3", "visit:views >= 2"))],
        """
        time  | user | session | event || web:views | visit:views | fires
        10:00 | ann  | s1      | buy   || 1         | 1           |
        10:01 | ann  | s1      | buy   || 2         | 2           |
        10:02 | ann  | s1      | buy   || 3         | 3           | both>ann, both>s1
        10:03 | ann  | s1      | buy   || 4         | 4           |
        """,
    ),
    Scenario(
        "a target for which the event has no id is skipped",
        "K2",
        [WEB, rule("third", "web:views >= 2", targets=["user", "account"])],
        """
        time  | user | account | event || web:views | fires
        10:00 | ann  |         | buy   || 1         |
        10:01 | ann  |         | buy   || 2         | third>ann
        10:00 | bob  | b@x     | buy   || 1         |
        10:01 | bob  | b@x     | buy   || 2         | third>bob, third>b@x
        """,
    ),
    Scenario(
        "a key of which the event has no id reads as an unknown profile",
        "K3",
        [
            group("web", attribute("views", "counter", default_value=0)),
            group("member", attribute("bought", "counter", default_value=0), of="account"),
            rule("stranger", all_of("web:views >= 2", "member:bought = 0"), targets=["user"]),
        ],
        """
        time  | user | account | event || web:views | fires
        10:00 | ann  |         | look  || 1         |
        10:01 | ann  |         | look  || 2         | stranger>ann
        10:02 | ann  |         | look  || 3         |
        10:00 | bob  | b@x     | buy   || 1         |
        10:01 | bob  | b@x     | look  || 2         |
        """,
    ),
    Scenario(
        "a target may be another key than the one that is read",
        "K4 K6 M1",
        [WEB, rule("second", "web:views >= 2", targets=["account"])],
        """
        time  | user | account | event || web:views | fires
        10:00 | ann  | a@x     | buy   || 1         |
        10:01 | ann  | a@x     | buy   || 2         | second>a@x
        10:02 | ann  | a@x     | buy   || 3         |
        10:03 | bob  | a@x     | buy   || 1         |
        10:04 | bob  | a@x     | buy   || 2         | second>a@x
        """,
        told={"e2": {"web:views": 2}, "e5": {"web:views": 2}},
    ),
    Scenario(
        "all targets get the same intervention",
        "K5 M4",
        [WEB, rule("second", "web:views >= 2", targets=["user", "session", "account"])],
        """
        time  | user | session | account | event || fires
        10:00 | ann  | s1      | a@x     | buy   ||
        10:01 | ann  | s1      | a@x     | buy   || second>ann, second>s1, second>a@x
        """,
    ),
    Scenario(
        "limits hold for each target",
        "K6 I9 I10",
        [
            group("web", attribute("last", "last", ".x", type="string")),
            rule("calm", "web:last changed", targets=["user", "session"], cooldown="10min"),
            rule("once", "web:last changed", targets=["user", "session"], max_fires=1),
        ],
        """
        time  | user | session | event | .x || fires
        10:00 | ann  | s1      | buy   | a  || calm>ann, calm>s1, once>ann, once>s1
        10:05 | ann  | s2      | buy   | b  || calm>s2, once>s2
        10:12 | ann  | s1      | buy   | c  || calm>ann, calm>s1
        """,
    ),
    Scenario(
        "each combination of ids is met, and fires, by itself",
        "K7",
        [
            WEB,
            group("visit", attribute("ads", "counter", events=events("ad")), of="session"),
            rule("seen", any_of("visit:ads >= 1", "web:views >= 100"), targets=["user"]),
        ],
        """
        time  | user | session | event || visit:ads | fires
        10:00 | ann  | s1      | look  || null      |
        10:01 | ann  | s1      | ad    || 1         | seen>ann
        10:02 | ann  | s1      | look  || 1         |
        10:03 | ann  | s1      | ad    || 2         |
        10:04 | ann  | s2      | look  || null      |
        10:05 | ann  | s2      | ad    || 1         | seen>ann
        10:06 | bob  | s3      | ad    || 1         | seen>bob
        """,
    ),
    Scenario(
        "payload groups may be of another key than the criteria",
        "K3 M1 M2",
        [
            WEB,
            group("visit", attribute("pages", "unique_list", ".x"), of="session"),
            rule("second", "web:views >= 2", payload=["visit"]),
        ],
        """
        time  | user | session | event | .x || web:views | fires
        10:00 | ann  | s1      | buy   | a  || 1         |
        10:01 | ann  | s1      | buy   | a  || 2         | second>ann
        """,
        # What the event changes there may be told later: profiles are told of apart.
        told={"e2": {"visit:pages": ["a"]}},
        because={"e2": [("web:views", 1, 2)]},
    ),
    Scenario(
        "changed, all, any and none across keys",
        "K3 I8 I4",
        [
            WEB,
            group("visit", attribute("page", "last", ".x", type="string"), of="session"),
            rule("moved", all_of("visit:page changed", "web:views >= 2"), targets=["user"]),
            rule("calm", all_of("visit:page = a", none_of("web:views >= 3")), targets=["session"]),
        ],
        """
        time  | user | session | event | .x || web:views | fires
        10:00 | ann  | s1      | buy   | a  || 1         | calm>s1
        10:01 | ann  | s1      | buy   | b  || 2         | moved>ann
        10:02 | ann  | s1      | buy   | b  || 3         |
        10:03 | ann  | s1      | buy   | c  || 4         | moved>ann
        """,
    ),
    Scenario(
        "a session's first event fires by its values alone",
        "K7 K8",
        [
            WEB,
            VISIT,
            rule("new", all_of("visit:views >= 1", "web:views >= 2"), targets=["session"]),
        ],
        """
        time  | user | session | event || web:views | visit:views | fires
        10:00 | ann  | s1      | buy   || 1         | 1           |
        10:01 | ann  | s2      | buy   || 2         | 1           | new>s2
        10:02 | ann  | s1      | buy   || 3         | 2           |
        10:03 | ann  | s1      | buy   || 4         | 3           |
        10:04 | ann  | s2      | buy   || 5         | 2           |
        """,
    ),
    Scenario(
        "a target must be a key that is known",
        "K1",
        [WEB],
        """
        > publish unknown -> unknown_attribute_key
        > publish known
        """,
        later={
            "unknown": [rule("r", "web:views > 1", targets=["shelf"])],
            "known": [
                group("shelf", VIEWS, of=key("shelf", ".shelf")),
                rule("r", "web:views > 1", targets=["shelf"]),
            ],
        },
    ),
]

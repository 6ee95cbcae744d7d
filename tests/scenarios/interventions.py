"""Interventions: when they fire, and what their messages say."""

from tests.scenarios.scenario import Scenario
from tests.scenarios.writing import (
    all_of,
    any_of,
    attribute,
    calculated,
    events,
    group,
    none_of,
    rule,
)

VIEWS = attribute("views", "counter")
RECENT = attribute("recent", "counter", period="10min")
LAST = attribute("last", "last", ".x", type="string")
NUMBER = attribute("n", "last", ".x", type="int32")


def wrong(criteria, **more):
    return [rule("w", criteria, **more)]


SCENARIOS = [
    Scenario(
        "a rule fires when it becomes met, not while it stays so, and again after it was not",
        "I1 D3 M3 M4",
        [group("web", RECENT), rule("busy", "web:recent >= 2")],
        """
        time  | user | event || web:recent | fires
        10:00 | ann  | buy   || 1          |
        10:01 | ann  | buy   || 2          | busy>ann
        10:02 | ann  | buy   || 3          |
        10:02 | bob  | buy   || 1          |
        10:20 | ann  | buy   || 1          |
        10:21 | ann  | buy   || 2          | busy>ann
        """,
    ),
    Scenario(
        "a lifetime count past its line never fires again",
        "I1",
        [group("web", VIEWS), rule("third", "web:views >= 3")],
        """
        time  | user | event  | id || fires
        10:00 | ann  | buy    | a  ||
        10:01 | ann  | buy    | b  ||
        10:02 | ann  | buy    | b  ||
        10:03 | ann  | buy    | c  || third
        10:04 | ann  | buy x5 |    ||
        """,
    ),
    Scenario(
        "time alone fires nothing, and neither do events that the rule's attributes do not count",
        "I2",
        [
            group(
                "web",
                attribute("bought", "counter", events=events("buy"), period="10min"),
                attribute("seen", "counter", events=events("look")),
            ),
            rule("quiet", "web:bought is null"),
            rule("little", "web:bought <= 1"),
        ],
        """
        time  | user | event || web:bought | fires
        10:00 | ann  | buy   || 1          | little
        10:01 | ann  | buy   || 2          |
        10:30 | ann  |       || null       |
        10:31 | ann  | look  || null       |
        10:32 | ann  | buy   || 1          | little
        """,
    ),
    Scenario(
        "a rule is looked at once, after all that an event contributes",
        "I2",
        [
            group("web", attribute("a", "counter"), attribute("b", "sum", ".x")),
            rule("both", all_of("web:a = 1", "web:b = 5")),
            rule("between", all_of("web:a = 1", "web:b is null")),
        ],
        """
        time  | user | event | .x || fires
        10:00 | ann  | buy   | 5  || both
        """,
    ),
    Scenario(
        "the now of a rule is the greatest event time of what it reads",
        "I3",
        [
            group(
                "web",
                attribute("bought", "counter", events=events("buy"), period="10min"),
                attribute("seen", "counter", events=events("look"), period="10min"),
            ),
            rule("two", "web:bought >= 2"),
            rule("either", any_of("web:bought >= 2", "web:seen >= 5")),
        ],
        """
        time  | user | event || fires
        10:00 | ann  | buy   ||
        10:30 | ann  | look  ||
        10:05 | ann  | buy   || two
        10:35 | ann  | look  ||
        10:31 | ann  | buy   ||
        10:32 | ann  | buy   || either, two
        """,
    ),
    Scenario(
        "a tree of all, any and none",
        "I4",
        [
            group(
                "web",
                attribute("a", "last", ".a", type="int32"),
                attribute("b", "last", ".b", type="int32"),
            ),
            rule("all", all_of("web:a = 1", "web:b = 1")),
            rule("any", any_of("web:a = 1", "web:b = 1")),
            rule("none", none_of("web:a = 1", "web:b = 1")),
            rule("nested", all_of("web:a >= 0", any_of("web:b = 2", none_of("web:b is not null")))),
            rule("empty_any", all_of("web:a >= 0", any_of())),
            rule("empty_none", all_of("web:a >= 0", none_of(), all_of())),
        ],
        """
        time  | user | event | .a | .b || fires
        10:00 | ann  | buy   | 1  |    || any, nested, empty_none
        10:01 | ann  | buy   |    | 1  || all
        10:02 | ann  | buy   | 0  |    ||
        10:03 | ann  | buy   |    | 0  || none
        10:04 | ann  | buy   |    | 2  || nested
        """,
    ),
    Scenario(
        "a rule that reads nothing, or what is not there, is refused",
        "I4 I8 C6",
        [group("web", VIEWS)],
        """
        > publish empty -> criteria_empty
        > publish group -> unknown_group
        > publish attribute -> unknown_attribute
        > publish pattern -> criterion_value
        > publish changed -> criterion_value
        > publish never -> criterion_value
        """,
        later={
            "empty": wrong(all_of()),
            "group": wrong("wob:views > 1"),
            "attribute": wrong("web:viws > 1"),
            "pattern": wrong("web:views rlike (a"),
            "changed": wrong(any_of("web:views changed")),
            "never": wrong(none_of(all_of("web:views changed"))),
        },
    ),
    Scenario(
        "with not, a criterion is met only where there is a value, and a default is one",
        "I5 C5",
        [
            group(
                "web",
                LAST,
                VIEWS,
                attribute("zero", "sum", ".n", default_value=0.0),
            ),
            *(
                rule(name, all_of("web:views >= 1", f"web:last {operator}"))
                for name, operator in (
                    ("differs", "!= a"),
                    ("not_in", 'not in ["a"]'),
                    ("not_like", "not like a%"),
                    ("null", "is null"),
                )
            ),
            rule("default", all_of("web:views >= 1", "web:zero = 0")),
        ],
        """
        time  | user | event | .x   || fires
        10:00 | ann  | buy   |      || null, default
        10:01 | ann  | buy   | a    ||
        10:02 | ann  | buy   | ab   || differs, not_in
        10:03 | ann  | buy   | b    || not_like
        """,
    ),
    Scenario(
        "the operators on values of attributes",
        "I5 C2 C3 C4",
        [
            group("web", NUMBER, LAST),
            *(
                rule(name, f"web:{criterion}")
                for name, criterion in (
                    ("eq", "n = 2"),
                    ("ne", "n != 2"),
                    ("lt", "n < 2"),
                    ("gt", "n > 2"),
                    ("le", "n <= 2"),
                    ("ge", "n >= 2"),
                    ("in", "n in [2, 3]"),
                    ("there", "n is not null"),
                    ("like", "last like a_c"),
                    ("text", 'last >= "m"'),
                )
            ),
        ],
        """
        time  | user | event | .x  || fires
        10:00 | ann  | buy   | 1   || ne, lt, le, there
        10:01 | ann  | buy   | 2   || eq, ge, in
        10:02 | ann  | buy   | 3   || ne, gt
        10:03 | ann  | buy   | abc || like
        10:04 | ann  | buy   | z   || text
        """,
        rejected={("web_v1:n", "wrong_type"): 2, ("web_v1:last", "wrong_type"): 3},
    ),
    Scenario(
        "rlike searches, not rlike needs a text that is there",
        "I6",
        [
            group("web", LAST),
            rule("found", "web:last rlike ^/cart/[0-9]+"),
            rule("other", "web:last not rlike cart"),
        ],
        """
        time  | user | event | .x          || fires
        10:00 | ann  | buy   | /home       || other
        10:01 | ann  | buy   | /cart/12/a  || found
        10:02 | ann  | buy   | /x/cart/12  ||
        10:03 | ann  | buy   | /Cart       || other
        """,
    ),
    Scenario(
        "lists and maps are there, change, and equal nothing",
        "I7 I8",
        [
            group("web", attribute("list", "unique_list", ".x"), VIEWS),
            rule("there", "web:list is not null"),
            rule("changed", "web:list changed"),
            rule("same", "web:list = a"),
            rule("among", 'web:list in ["a"]'),
            rule("other", "web:list != a"),
            rule("outside", 'web:list not in ["a"]'),
        ],
        """
        time  | user | event | .x || fires
        10:00 | ann  | buy   | a  || there, changed, other, outside
        10:01 | ann  | buy   | a  ||
        10:02 | ann  | buy   | b  || changed
        10:03 | ann  | buy   | a  || changed
        """,
    ),
    Scenario(
        "an empty list as a default is there",
        "I7",
        [
            group("web", attribute("list", "unique_list", ".x", default_value=[]), VIEWS),
            rule("there", all_of("web:list is not null", "web:views >= 1")),
        ],
        """
        time  | user | event || fires
        10:00 | ann  | buy   || there
        """,
    ),
    Scenario(
        "changed fires on every change, alone and while the other criteria hold",
        "I8",
        [
            group("web", LAST, VIEWS, attribute("recent", "counter", period="10min")),
            rule("always", "web:last changed"),
            rule("later", all_of("web:last changed", "web:views >= 3")),
            rule("count", "web:recent changed"),
        ],
        """
        time  | user | event | .x || fires
        10:00 | ann  | buy   | a  || always, count
        10:01 | ann  | buy   | a  || count
        10:02 | ann  | buy   | b  || always, later, count
        10:03 | ann  | buy   | b  || count
        10:04 | ann  | buy   | a  || always, later, count
        10:30 | ann  |       |    ||
        10:31 | ann  | buy   | a  || count
        """,
    ),
    Scenario(
        "a cooldown holds for its target, by event time, for late events too",
        "I9",
        [group("web", LAST), rule("calm", "web:last changed", cooldown="10min")],
        """
        time         | user | event | .x || fires
        10:00        | ann  | buy   | a  || calm
        10:05        | ann  | buy   | b  ||
        10:06        | bob  | buy   | a  || calm
        10:09:59.999 | ann  | buy   | c  ||
        10:10        | ann  | buy   | d  || calm
        10:10        | ann  | buy   | e  ||
        10:09        | ann  | buy   | f  ||
        10:20        | ann  | buy   | g  || calm
        """,
    ),
    Scenario(
        "a firing that a cooldown holds back is not made up for",
        "I9 I1",
        [group("web", RECENT), rule("busy", "web:recent >= 2", cooldown="1h")],
        """
        time  | user | event || fires
        10:00 | ann  | buy   ||
        10:01 | ann  | buy   || busy
        10:30 | ann  | buy   ||
        10:31 | ann  | buy   ||
        11:10 | ann  | buy   ||
        11:11 | ann  | buy   || busy
        """,
    ),
    Scenario(
        "at most so many firings for a target, ever",
        "I10",
        [group("web", LAST), rule("twice", "web:last changed", max_fires=2)],
        """
        time             | user | event | .x || fires
        10:00            | ann  | buy   | a  || twice
        10:01            | ann  | buy   | b  || twice
        10:02            | ann  | buy   | c  ||
        10:03            | bob  | buy   | a  || twice
        2026-09-01 10:00 | ann  | buy   | d  ||
        """,
    ),
    Scenario(
        "an attribute is that of the latest published version which has it",
        "I11 V5",
        [
            group("web", attribute("n", "sum", ".x"), attribute("old", "counter")),
            rule("ten", "web:n >= 10"),
            rule("third", "web:old >= 3"),
        ],
        """
        time  | user | event | .x | .ten || web:n | web_v2:n | fires
        10:00 | ann  | buy   | 4  | 10   || 4     |          |
        > draft second
        10:01 | ann  | buy   | 4  | 10   || 8     | absent   |
        > publish second
        10:02 | ann  | buy   | 4  | 10   || 12    | 40       | ten, third
        > unpublish attribute_group/web/2
        10:03 | ann  | buy   | 4  | 10   || 16    | absent   |
        10:04 | ann  | buy   | -9 | 10   || 7     | absent   |
        10:05 | ann  | buy   | 4  | 10   || 11    | absent   | ten
        """,
        later={
            "second": [
                group("web", attribute("n", "sum", calculated("product", ".x", ".ten")), version=2)
            ]
        },
    ),
    Scenario(
        "a rule that is met when it is published waits until it was not",
        "I12",
        [group("web", VIEWS, RECENT)],
        """
        time  | user | event || web:views | fires
        10:00 | ann  | buy   || 1         |
        10:01 | ann  | buy   || 2         |
        > publish rules
        10:02 | ann  | buy   || 3         | fresh
        10:30 | ann  | buy   || 4         |
        10:31 | ann  | buy   || 5         | busy
        """,
        later={
            "rules": [
                rule("old", "web:views >= 2"),
                rule("fresh", "web:views >= 3"),
                rule("busy", "web:recent >= 2"),
            ]
        },
    ),
    Scenario(
        "what depends on time is read at the rule's now",
        "I13 A11 T5",
        [
            group(
                "web",
                attribute("since", "time_since_first", time_unit="min"),
                attribute("bought", "counter", events=events("buy"), ttl="1h"),
            ),
            rule("long", "web:since >= 30"),
            rule("return", all_of("web:since >= 30", "web:bought changed")),
            rule("bought", "web:bought >= 1"),
        ],
        """
        time  | user | event || web:since | web:bought | fires
        10:00 | ann  | buy   || 0.0       | 1          | bought
        10:10 | ann  | buy   || 10.0      | 2          |
        10:40 | ann  |       || 40.0      | 2          |
        10:41 | ann  | look  || 41.0      | 2          |
        11:00 | ann  | buy   || 60.0      | 3          | return
        12:00 | ann  | buy   || 120.0     | 1          | bought, return
        """,
    ),
    # --- messages ---------------------------------------------------------------------------------
    Scenario(
        "a message tells the groups of the criteria, with the values after the event",
        "M1 M2 M5",
        [
            group(
                "web",
                VIEWS,
                LAST,
                attribute("list", "unique_list", ".x"),
                attribute("count", "category_count", ".x"),
                attribute("mean", "mean", ".n"),
                attribute("zero", "counter", events=events("look"), default_value=0),
            ),
            group("other", VIEWS),
            rule("second", all_of("web:views >= 2", none_of("web:mean > 5"))),
        ],
        """
        time  | user | event | .x || fires
        10:00 | ann  | buy   | a  ||
        10:01 | ann  | buy   | b  || second
        """,
        told={
            "e2": {
                "web:views": 2,
                "web:last": "b",
                "web:list": ["a", "b"],
                "web:count": {"b": 1, "a": 1},
                "web:mean": None,
                "web:zero": 0,
            }
        },
        because={"e2": [("web:views", 1, 2), ("web:mean", None, None)]},
    ),
    Scenario(
        "payload_attribute_groups are told instead, in exactly these versions",
        "M1",
        [
            group("web", VIEWS),
            group("web", attribute("views", "sum", ".x"), attribute("more", "counter"), version=2),
            group("other", LAST),
            rule("first", "web:more >= 1", payload=["web/1", "other"]),
        ],
        """
        time  | user | event | .x || fires
        10:00 | ann  | buy   | 5  || first
        """,
        told={"e1": {"web:views": 1, "other:last": None}},
    ),
    Scenario(
        "because names what decided: of all everything, of any what is met, of none all below",
        "M2",
        [
            group("web", VIEWS, NUMBER),
            rule(
                "one",
                all_of("web:views >= 2", any_of("web:n = 1", "web:n = 2"), none_of("web:n > 5")),
            ),
        ],
        """
        time  | user | event | .x || fires
        10:00 | ann  | buy   | 1  ||
        10:01 | ann  | buy   | 2  || one
        """,
        because={"e2": [("web:views", 1, 2), ("web:n", 1, 2), ("web:n", 1, 2)]},
    ),
    Scenario(
        "two versions of an intervention are two interventions",
        "V5",
        [
            group("web", VIEWS),
            rule("line", "web:views >= 1"),
            rule("line", "web:views >= 2", version=2),
        ],
        """
        time  | user | event || fires
        10:00 | ann  | buy   || line
        10:01 | ann  | buy   || line v2
        """,
    ),
]

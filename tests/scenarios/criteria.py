# ruff: noqa: E501 - a table is as wide as what it shows
"""Criteria of attributes."""

from tests.scenarios.scenario import Scenario
from tests.scenarios.writing import attribute, group, prop, where


def counted(**criteria):
    return group(
        "web", *(attribute(name, "counter", criteria=one) for name, one in criteria.items())
    )


def wrong(criterion):
    return [
        group(
            "w",
            attribute("a", "counter", criteria={"all": [{"property": prop(".x"), **criterion}]}),
        )
    ]


SCENARIOS = [
    Scenario(
        "every one of all, at least one of any, and both where both are given",
        "C1",
        [
            counted(
                all=where(".a = 1", ".b = 1"),
                any=where(any_of=[".a = 1", ".b = 1"]),
                both=where(".c = 1", any_of=[".a = 1", ".b = 1"]),
            )
        ],
        """
        time  | user | event | .a | .b | .c || web:all | web:any | web:both
        10:00 | ann  | buy   | 1  | 0  | 0  || null    | 1       | null
        10:01 | ann  | buy   | 0  | 1  | 1  || null    | 2       | 1
        10:02 | ann  | buy   | 1  | 1  | 0  || 1       | 3       | 1
        10:03 | ann  | buy   | 0  | 0  | 1  || 1       | 3       | 1
        """,
    ),
    Scenario(
        "an empty list of criteria is refused",
        "C1",
        [],
        """
        > publish all -> criteria_empty
        > publish none -> criteria_empty
        """,
        later={
            "all": [group("w", attribute("a", "counter", criteria={"all": []}))],
            "none": [group("w", attribute("a", "counter", criteria={}))],
        },
    ),
    Scenario(
        "numbers compare with numbers, texts with texts, booleans with booleans",
        "C2",
        [
            counted(
                one=where(".x = 1"),
                not_one=where(".x != 1"),
                more=where(".x > 1"),
                most=where(".x <= 1"),
                text=where('.x = "1"'),
                later=where('.x >= "b"'),
                before=where('.x < "b"'),
                yes=where(".x = true"),
                not_yes=where(".x != true"),
            )
        ],
        """
        time  | user | event | .x    || web:one | web:not_one | web:more | web:most | web:text | web:later | web:before | web:yes | web:not_yes
        10:00 | ann  | buy   | 1     || 1       | null        | null     | 1        | null     | null      | null       | null    | 1
        10:01 | ann  | buy   | 1.0   || 2       | null        | null     | 2        | null     | null      | null       | null    | 2
        10:02 | ann  | buy   | 1.5   || 2       | 1           | 1        | 2        | null     | null      | null       | null    | 3
        10:03 | ann  | buy   | "1"   || 2       | 2           | 1        | 2        | 1        | null      | 1          | null    | 4
        10:04 | ann  | buy   | "c"   || 2       | 3           | 1        | 2        | 1        | 1         | 1          | null    | 5
        10:05 | ann  | buy   | "B"   || 2       | 4           | 1        | 2        | 1        | 1         | 2          | null    | 6
        10:06 | ann  | buy   | true  || 2       | 5           | 1        | 2        | 1        | 1         | 2          | 1       | 6
        10:07 | ann  | buy   | false || 2       | 6           | 1        | 2        | 1        | 1         | 2          | 1       | 7
        """,
    ),
    Scenario(
        "in is equal to one of the list",
        "C3",
        [counted(x=where('.x in ["a", 2, true]'))],
        """
        time  | user | event | .x    || web:x
        10:00 | ann  | buy   | a     || 1
        10:01 | ann  | buy   | 2.0   || 2
        10:02 | ann  | buy   | "2"   || 2
        10:03 | ann  | buy   | true  || 3
        10:04 | ann  | buy   | 1     || 3
        10:05 | ann  | buy   |       || 3
        """,
    ),
    Scenario(
        "like is that of SQL, and upper and lower case differ",
        "C4",
        [
            counted(
                price=where(".x like %pric%"),
                four=where(".x like __.__"),
                plain=where('.x like "100\\\\%"'),
                whole=where(".x like cart"),
            )
        ],
        """
        time  | user | event | .x      || web:price | web:four | web:plain | web:whole
        10:00 | ann  | buy   | pricing || 1         | null     | null      | null
        10:01 | ann  | buy   | Pricing || 1         | null     | null      | null
        10:02 | ann  | buy   | ab.cd   || 1         | 1        | null      | null
        10:03 | ann  | buy   | 100%    || 1         | 1        | 1         | null
        10:04 | ann  | buy   | "1000"  || 1         | 1        | 1         | null
        10:05 | ann  | buy   | cart    || 1         | 1        | 1         | 1
        10:06 | ann  | buy   | carts   || 1         | 1        | 1         | 1
        10:07 | ann  | buy   | 12345   || 1         | 1        | 1         | 1
        """,
    ),
    Scenario(
        "what is missing meets is null alone",
        "C5",
        [
            counted(
                null=where(".x is null"),
                there=where(".x is not null"),
                other=where(".x != a"),
                same=where(".x = a"),
                column=where("page_referrer is null"),
            )
        ],
        """
        time  | user | event | .x      | page_referrer || web:null | web:there | web:other | web:same | web:column
        10:00 | ann  | buy   |         |               || 1        | null      | null      | null     | 1
        10:01 | ann  | buy   | null    | /p            || 2        | null      | null      | null     | 1
        10:02 | ann  | buy   | ""      |               || 2        | 1         | 1         | null     | 2
        10:03 | ann  | buy   | [1]     |               || 3        | 1         | 1         | null     | 3
        10:04 | ann  | buy   | a       |               || 3        | 2         | 1         | 1        | 4
        10:05 | ann  | sell  | a       |               || 4        | 2         | 1         | 1        | 5
        """,
    ),
    Scenario(
        "a value of a wrong shape is refused",
        "C6 L5",
        [],
        """
        > publish list -> criterion_value
        > publish lone -> criterion_value
        > publish null -> criterion_value
        > publish absent -> criterion_value
        > publish order -> criterion_value
        > publish pattern -> criterion_value
        > publish long -> criterion_value
        > publish operator -> choice
        """,
        later={
            "list": wrong({"operator": "in", "value": "a"}),
            "lone": wrong({"operator": "=", "value": ["a"]}),
            "null": wrong({"operator": "is null", "value": "a"}),
            "absent": wrong({"operator": ">"}),
            "order": wrong({"operator": ">", "value": True}),
            "pattern": wrong({"operator": "like", "value": "a\\"}),
            "long": wrong({"operator": "like", "value": "a" * 1001}),
            "operator": wrong({"operator": "rlike", "value": "a"}),
        },
    ),
]

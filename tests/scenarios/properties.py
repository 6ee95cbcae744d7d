# ruff: noqa: E501 - a table is as wide as what it shows
"""Properties."""

from tests.scenarios.scenario import Scenario
from tests.scenarios.writing import attribute, calculated, group, key, prop, rule


def last(name: str, of, kind: str = "string"):
    return attribute(name, "last", of, type=kind)


SCENARIOS = [
    Scenario(
        "a column is a value of its own type, an empty one is none",
        "P1",
        [
            group(
                "web",
                last("path", "page_urlpath"),
                last("port", "page_urlport", "int32"),
                last("total", "tr_total", "double"),
                last("mobile", "dvce_ismobile", "bool"),
                last("at", "dvce_created_tstamp", "timestamp"),
            )
        ],
        """
        time  | user | event | page_urlpath | page_urlport | tr_total | dvce_ismobile | dvce_created_tstamp     || web:path | web:port | web:total | web:mobile | web:at
        10:00 | ann  | buy   | /a           | 443          | 9.5      | 1             | 2026-03-02 09:59:00.250 || /a       | 443      | 9.5       | true       | "2026-03-02T09:59:00.250Z"
        10:01 | ann  | buy   |              |              |          | 0             |                         || /a       | 443      | 9.5       | false      | "2026-03-02T09:59:00.250Z"
        """,
    ),
    Scenario(
        "a whole document is no value",
        "P1",
        [],
        """
        > publish wrong -> atomic_field
        """,
        later={"wrong": [group("web", last("all", "contexts"))]},
    ),
    Scenario(
        "event data is read by its major version, whatever the minor",
        "P2",
        [
            group(
                "web",
                last("price", ".price", "double"),
                last("new", prop(".price", major_version=2), "double"),
            )
        ],
        """
        time  | user | event      | .price || web:price | web:new
        10:00 | ann  | buy        | 1      || 1         | null
        10:01 | ann  | buy/1-2-3  | 2      || 2         | null
        10:02 | ann  | buy/2-0-0  | 3      || 2         | 3
        10:03 | ann  | sell       | 4      || 2         | 3
        """,
    ),
    Scenario(
        "an entity is read by its number, and no other stands in for it",
        "P3",
        [
            group(
                "web",
                last("first", "product.price", "double"),
                last("second", "product[1].price", "double"),
            )
        ],
        """
        time  | user | event | product.price | product.name | product[1].price | product/2-0-0[2].price || web:first | web:second
        10:00 | ann  | buy   | 1             |              | 2                |                        || 1         | 2
        10:01 | ann  | buy   |               | pen          | 3                |                        || 1         | 3
        10:02 | ann  | buy   | 4             |              |                  | 9                      || 4         | 3
        """,
    ),
    Scenario(
        "entities of derived_contexts follow those of contexts",
        "P3",
        [
            group(
                "web",
                last("first", "product.price", "double"),
                last("second", "product[1].price", "double"),
            )
        ],
        """
        time  | user | event | product.price | derived product.price || web:first | web:second
        10:00 | ann  | buy   | 1             | 2                     || 1         | 2
        10:01 | ann  | buy   |               | 3                     || 3         | 2
        """,
    ),
    Scenario(
        "a path leads through names and items",
        "P4",
        [
            group(
                "web",
                last("plain", ".items[0].price", "double"),
                last("dollar", {**prop(".x"), "path": "$.items[1].price"}, "double"),
            )
        ],
        """
        time  | user | event | .items                           || web:plain | web:dollar
        10:00 | ann  | buy   | [{"price": 1}, {"price": 2}]     || 1         | 2
        10:01 | ann  | buy   | [{"price": 3}]                   || 3         | 2
        10:02 | ann  | buy   | {"0": {"price": 4}}              || 3         | 2
        10:03 | ann  | buy   | text                             || 3         | 2
        """,
    ),
    Scenario(
        "a path of another kind is refused",
        "P4",
        [],
        """
        > publish wildcard -> path
        > publish negative -> path
        > publish descent -> path
        """,
        later={
            name: [group("web", last("a", {**prop(".x"), "path": path}))]
            for name, path in (("wildcard", "a[*]"), ("negative", "a[-1]"), ("descent", "$..a"))
        },
    ),
    Scenario(
        "a missing or null property contributes nothing, and a counter counts all the same",
        "P5",
        [
            group(
                "web",
                last("color", ".color"),
                attribute("sum", "sum", ".price"),
                attribute("mean", "mean", ".price"),
                attribute("count", "counter"),
            )
        ],
        """
        time  | user | event | .color | .price || web:color | web:sum | web:mean | web:count
        10:00 | ann  | buy   | red    | 4      || red       | 4       | 4        | 1
        10:01 | ann  | buy   | null   | null   || red       | 4       | 4        | 2
        10:02 | ann  | buy   |        |        || red       | 4       | 4        | 3
        """,
    ),
    Scenario(
        "parts of dates, in UTC",
        "P6",
        [
            group(
                "when",
                *(
                    last(part, prop("derived_tstamp", date_part=part), kind)
                    for part, kind in (
                        ("active_day", "string"),
                        ("active_week", "string"),
                        ("active_month", "string"),
                        ("hour_of_day", "int32"),
                        ("day_of_week", "int32"),
                        ("month_of_year", "int32"),
                    )
                ),
            )
        ],
        """
        time                 | user | event || when:active_day | when:active_week | when:active_month | when:hour_of_day | when:day_of_week | when:month_of_year
        Wed 23:59:59         | ann  | buy   || "2026-03-04"    | "2026-03-02"     | "2026-03"         | 23               | 3                | 3
        2026-03-08 00:00     | ann  | buy   || "2026-03-08"    | "2026-03-02"     | "2026-03"         | 0                | 7                | 3
        2026-04-01 06:00     | ann  | buy   || "2026-04-01"    | "2026-03-30"     | "2026-04"         | 6                | 3                | 4
        """,
    ),
    Scenario(
        "parts of dates in data need a full date-time",
        "P7",
        [
            group(
                "when",
                last("day", prop(".due", date_part="active_day")),
                attribute("days", "unique_list", prop(".due", date_part="active_day")),
                attribute("hours", "category_count", prop(".due", date_part="hour_of_day")),
            )
        ],
        """
        time  | user | event | .due                        || when:day     | when:days                    | when:hours
        10:00 | ann  | buy   | "2026-03-05T23:30:00-01:00" || "2026-03-06" | ["2026-03-06"]               | {"0": 1}
        10:01 | ann  | buy   | "2026-03-05"                || "2026-03-06" | ["2026-03-06"]               | {"0": 1}
        10:02 | ann  | buy   | tomorrow                    || "2026-03-06" | ["2026-03-06"]               | {"0": 1}
        10:03 | ann  | buy   | 5                           || "2026-03-06" | ["2026-03-06"]               | {"0": 1}
        10:04 | ann  | buy   | "2026-03-01T00:10:00.5Z"    || "2026-03-01" | ["2026-03-06", "2026-03-01"] | {"0": 2}
        """,
        rejected={(f"when_v1:{name}", "rejected"): 3 for name in ("day", "days", "hours")},
    ),
    Scenario(
        "not everything goes over parts of dates",
        "P7 A1",
        [],
        """
        > publish column -> date_part
        > publish sum -> date_part
        > publish type -> aggregation_type
        """,
        later={
            "column": [group("w", last("a", prop("page_url", date_part="active_day")))],
            "sum": [
                group("w", attribute("a", "sum", prop("derived_tstamp", date_part="hour_of_day")))
            ],
            "type": [
                group("w", last("a", prop("derived_tstamp", date_part="hour_of_day"), "string"))
            ],
        },
    ),
    Scenario(
        "concat joins texts and integers and leaves nulls out",
        "P8",
        [group("web", last("name", calculated("concat", ".a", ".b", ".c", separator="-")))],
        """
        time  | user | event | .a  | .b   | .c  || web:name
        10:00 | ann  | buy   | x   | 7    | z   || "x-7-z"
        10:01 | ann  | buy   | x   | null | z   || "x-z"
        10:02 | ann  | buy   |     | y    |     || "y"
        10:03 | ann  | buy   |     | null |     || "y"
        10:04 | ann  | buy   | x   | 1.5  | z   || "y"
        10:05 | ann  | buy   | x   | true | z   || "y"
        """,
        rejected={("web_v1:name", "rejected"): 2},
    ),
    Scenario(
        "calculations are null with any null, and integers with integers alone",
        "P9",
        [
            group(
                "web",
                *(
                    last(name, calculated(name, ".a", ".b"), "double")
                    for name in ("sum", "product", "min", "max")
                ),
                last("whole", calculated("sum", ".a", ".b"), "int64"),
            )
        ],
        """
        time  | user | event | .a  | .b                  || web:sum | web:product | web:min | web:max | web:whole
        10:00 | ann  | buy   | 3   | 4                   || 7       | 12          | 3       | 4       | 7
        10:01 | ann  | buy   | 0.5 | 4                   || 4.5     | 2.0         | 0.5     | 4.0     | 7
        10:02 | ann  | buy   | 1   | null                || 4.5     | 2.0         | 0.5     | 4.0     | 7
        10:03 | ann  | buy   | 1   |                     || 4.5     | 2.0         | 0.5     | 4.0     | 7
        10:04 | ann  | buy   | 1   | two                 || 4.5     | 2.0         | 0.5     | 4.0     | 7
        10:05 | ann  | buy   | 2   | 9223372036854775807 || 4.5     | 2.0         | 2       | 9223372036854775807 | 7
        """,
    ),
    Scenario(
        "calculations with floats are exact over the numbers as they are written",
        "P9 A3",
        [
            group(
                "web",
                *(
                    last(name, calculated(name, ".price", ".n"), "double")
                    for name in ("sum", "product", "min", "max")
                ),
                attribute("spent", "sum", calculated("product", ".price", ".n")),
                attribute(
                    "ten",
                    "counter",
                    criteria={
                        "all": [
                            {
                                "property": calculated("sum", ".price", ".n"),
                                "operator": "=",
                                "value": 10.1,
                            }
                        ]
                    },
                ),
            ),
            rule("hundred", "web:spent >= 100"),
        ],
        """
        time  | user | event | .price  | .n     || web:sum | web:product | web:min | web:max | web:spent | web:ten | fires
        10:00 | ann  | buy   | 0.1     | 3      || 3.1     | 0.3         | 0.1     | 3.0     | 0.3       | null    |
        10:01 | ann  | buy   | 0.1     | 0.2    || 0.3     | 0.02        | 0.1     | 0.2     | 0.32      | null    |
        10:02 | ann  | buy   | 0.1     | 10     || 10.1    | 1.0         | 0.1     | 10.0    | 1.32      | 1       |
        10:03 | ann  | buy   | 8.97    | 11     || 19.97   | 98.67       | 8.97    | 11.0    | 99.99     | 1       |
        10:04 | ann  | buy   | 9.99    | 0.11   || 10.1    | 1.0989      | 0.11    | 9.99    | 101.0889  | 2       | hundred
        10:00 | bob  | buy   | 1.1     | 1.1    || 2.2     | 1.21        | 1.1     | 1.1     | 1.21      | null    |
        10:01 | bob  | buy   | 4.35    | 100    || 104.35  | 435.0       | 4.35    | 100.0   | 436.21    | null    | hundred
        10:00 | cid  | buy   | 1e308   | 1e-308 || 1e308   | 1.0         | 1e-308  | 1e308   | 1.0       | null    |
        10:01 | cid  | buy   | 1e308   | 1e308  || 1e308   | 1.0         | 1e308   | 1e308   | 1.0       | null    |
        """,
    ),
    Scenario(
        "coalesce is the first that is there",
        "P10",
        [group("web", last("name", calculated("coalesce", ".a", ".b", "page_urlpath")))],
        """
        time  | user | event | .a   | .b | page_urlpath || web:name
        10:00 | ann  | buy   |      | b  | /p           || b
        10:01 | ann  | buy   | a    | b  | /p           || a
        10:02 | ann  | buy   | null |    | /p           || "/p"
        10:03 | ann  | buy   |      |    |              || "/p"
        """,
    ),
    Scenario(
        "a calculated property may stand in criteria, not in keys, and combines at least two",
        "P11 L4",
        [
            group(
                "web",
                attribute(
                    "big",
                    "counter",
                    criteria={
                        "all": [
                            {
                                "property": calculated("product", ".n", ".price"),
                                "operator": ">",
                                "value": 10,
                            }
                        ]
                    },
                ),
                attribute("one", "last", calculated("coalesce", ".n"), type="int32"),
            )
        ],
        """
        > publish few -> calculated
        > publish many -> range
        > publish separator -> calculated
        > publish wide -> text
        > publish key -> choice
        time  | user | event | .n | .price || web:big | web:one
        10:00 | ann  | buy   | 2  | 5      || null    | 2
        10:01 | ann  | buy   | 3  | 5      || 1       | 3
        """,
        later={
            "few": [group("w", last("a", calculated("concat", ".a")))],
            "many": [group("w", last("a", calculated("concat", *(f".a{n}" for n in range(51)))))],
            "separator": [
                group("w", last("a", calculated("sum", ".a", ".b", separator="-"), "double"))
            ],
            "wide": [group("w", last("a", calculated("concat", ".a", ".b", separator="-" * 17)))],
            "key": [
                group("w", attribute("a", "counter"), of=key("k", calculated("concat", ".a", ".b")))
            ],
        },
    ),
]

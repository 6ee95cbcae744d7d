# ruff: noqa: E501 - a table is as wide as what it shows
"""Bad values, and the bounds of values."""

from tests.scenarios.scenario import Scenario
from tests.scenarios.writing import attribute, group, where

SCENARIOS = [
    Scenario(
        "what nothing can hold contributes nothing, and the rest of the event counts",
        "B1 B2 L2",
        [
            group(
                "web",
                attribute("last", "last", ".x", type="string"),
                attribute("sum", "sum", ".x"),
                attribute("null", "counter", criteria=where(".x is null")),
                attribute("n", "counter"),
            )
        ],
        """
        time  | user | event | .x                   || web:last | web:sum | web:null | web:n
        10:00 | ann  | buy   | LONG                 || LONG     | null    | null     | 1
        10:01 | ann  | buy   | LONGx                || LONG     | null    | 1        | 2
        10:02 | ann  | buy   | 9223372036854775808  || LONG     | null    | 2        | 3
        10:03 | ann  | buy   | {"a": 1}             || LONG     | null    | 3        | 4
        10:04 | ann  | buy   | [1]                  || LONG     | null    | 4        | 5
        10:05 | ann  | buy   | 9223372036854775807  || LONG     | 9.223372036854776e18 | 4 | 6
        """.replace("LONG", "é" * 4096),
        rejected={
            ("web_v1:last", "rejected"): 4,
            ("web_v1:sum", "rejected"): 4,
            ("web_v1:last", "wrong_type"): 1,
            ("web_v1:sum", "wrong_type"): 1,
        },
    ),
    Scenario(
        "text in a column of numbers is no value",
        "B1 P1",
        [
            group(
                "web",
                attribute("total", "sum", "tr_total"),
                attribute("port", "last", "page_urlport", type="int32"),
                attribute("n", "counter"),
            )
        ],
        """
        time  | user | event | tr_total | page_urlport || web:total | web:port | web:n
        10:00 | ann  | buy   | 5        | 80           || 5.0       | 80       | 1
        10:01 | ann  | buy   | NaN      | x            || 5.0       | 80       | 2
        10:02 | ann  | buy   | 1e999    | 8.5          || 5.0       | 80       | 3
        10:03 | ann  | buy   | five     | 81           || 5.0       | 81       | 4
        """,
        rejected={("web_v1:total", "rejected"): 3, ("web_v1:port", "rejected"): 2},
    ),
    Scenario(
        "broken JSON that a definition reads makes the event a dead letter",
        "B3 E8",
        [group("web", attribute("last", "last", ".x", type="string"), attribute("n", "counter"))],
        """
        time  | user | event | unstruct_event  | .x || web:n | dead letter
        10:00 | ann  | buy   |                 | a  || 1     |
        10:01 | ann  | buy   | {"no json       |    || 1     | json
        10:02 | ann  | buy   |                 | a  || 2     |
        """,
    ),
    Scenario(
        "broken JSON that nobody reads disturbs nobody",
        "B3",
        [group("web", attribute("n", "counter"))],
        """
        time  | user | event | unstruct_event  || web:n | dead letter
        10:00 | ann  | buy   | {"no json       || 1     |
        """,
        core_only="definitions of the other scenarios read the column",
    ),
    Scenario(
        "half of an emoji becomes U+FFFD in its text, and the rest of the event counts",
        "B5",
        [
            group(
                "web",
                attribute("last", "last", ".x", type="string"),
                attribute("sum", "sum", ".n"),
                attribute("shelf", "last", "product.shelf", type="string"),
            )
        ],
        r"""
        time  | user | event | .x                 | .n | product.shelf    || web:last           | web:sum | web:shelf
        10:00 | ann  | buy   | "Sale \ud83d"      | 1  | "\ude00 top"     || "Sale \ufffd"      | 1.0     | "\ufffd top"
        10:01 | ann  | buy   | "\ud83d\ude00"     | 2  | "\ude00\ud83d"   || "\ud83d\ude00"     | 3.0     | "\ufffd\ufffd"
        10:02 | ann  | buy   | "\ud83d and \ud83d" | 3 | "\\\\ud83d"       || "\ufffd and \ufffd" | 6.0     | "\\\\ud83d"
        """,
    ),
    Scenario(
        "a record of more than a megabyte is a dead letter",
        "B4 L2 E8",
        [group("web", attribute("n", "counter"))],
        """
        time  | user | event | page_url || web:n | dead letter
        10:00 | ann  | buy   | OK       || 1     |
        10:01 | ann  | buy   | LONG     || 1     | too_large
        """.replace("LONG", "u" * 999_900).replace("OK", "u" * 900_000),
        core_only="the producer of the tests does not send such records; see test_bad_input.py",
    ),
]

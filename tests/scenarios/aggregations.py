# ruff: noqa: E501 - a table is as wide as what it shows
"""Aggregations and types."""

from tests.scenarios.scenario import Scenario
from tests.scenarios.writing import all_of, attribute, group, rule

HOUR = {"period": "1h"}


def both(name: str, aggregation: str, of="", **more):
    """The aggregation over a lifetime, and over an hour as `NAME_1h`."""
    return (
        attribute(name, aggregation, of, **more),
        attribute(f"{name}_1h", aggregation, of, **HOUR, **more),
    )


SCENARIOS = [
    Scenario(
        "a type that the aggregation never has, a property too few or too many is refused",
        "A1",
        [],
        """
        > publish counter -> aggregation_type
        > publish mean -> aggregation_type
        > publish first -> aggregation_type
        > publish list -> aggregation_type
        > publish moments -> choice
        > publish map -> aggregation_type
        > publish times -> aggregation_type
        > publish without -> property_missing
        > publish unread -> property_unused
        """,
        later={
            "counter": [group("w", attribute("a", "counter", type="double"))],
            "mean": [group("w", attribute("a", "mean", ".x", type="int32"))],
            "first": [group("w", attribute("a", "first", ".x", type="string_list"))],
            "list": [group("w", attribute("a", "unique_list", ".x", type="string"))],
            "moments": [group("w", attribute("a", "unique_list", ".x", type="timestamp_list"))],
            "map": [group("w", attribute("a", "category_count", ".x", type="string"))],
            "times": [group("w", attribute("a", "time_since_last", type="int32", time_unit="s"))],
            "without": [group("w", attribute("a", "sum"))],
            "unread": [group("w", attribute("a", "counter", ".x"))],
        },
    ),
    Scenario(
        "a counter counts events",
        "A2",
        [group("web", *both("n", "counter"))],
        """
        time  | user | event || web:n | web:n_1h
        10:00 | ann  | buy   || 1     | 1
        10:30 | ann  | sell  || 2     | 2
        11:00 | ann  |       || 2     | 1
        """,
    ),
    Scenario(
        "a sum is exact, an integer of int32 and int64, a float of double",
        "A3 A15",
        [
            group(
                "web",
                *both("float", "sum", ".x"),
                attribute("whole", "sum", ".x", type="int32"),
                attribute("long", "sum", ".x", type="int64"),
            )
        ],
        """
        time  | user | event   | .x                  || web:float | web:float_1h | web:whole           | web:long
        10:00 | ann  | buy x10 | 0.1                 || 1.0       |              | null                | null
        11:00:04.5 | ann  | buy | 3.0               || 4.0       | 3.5          | 3                   | 3
        12:00 | bob  | buy x2  | 9223372036854775807 || 1.8446744073709552e19 | | 18446744073709551614 | 18446744073709551614
        12:01 | cid  | buy     | 1e16                ||           |              |                     |
        12:02 | cid  | buy     | 1.0                 ||           |              |                     |
        12:03 | cid  | buy     | -1e16               || 1.0       | 1.0          | 1                   | 1
        """,
    ),
    Scenario(
        "prices add up as they are written, and rules and messages have the sum that people see",
        "A3 I1 M1 M2",
        [
            group("web", *both("sum", "sum", ".x")),
            rule("hundred", "web:sum >= 100"),
            rule("recent", "web:sum_1h >= 100"),
            rule("over", "web:sum > 100"),
        ],
        """
        time  | user | event | .x    || web:sum | web:sum_1h | fires
        10:00 | ann  | buy   | 26.9  || 26.9    | 26.9       |
        10:10 | ann  | buy   | 5.78  || 32.68   | 32.68      |
        10:20 | ann  | buy   | 67.32 || 100.0   | 100.0      | hundred>ann, recent>ann
        10:00 | bob  | buy   | 16.8  || 16.8    | 16.8       |
        10:01 | bob  | buy   | 34.3  || 51.1    | 51.1       |
        """,
        told={"web:sum": 100.0, "web:sum_1h": 100.0},
        because={
            "hundred": [("web:sum", 32.68, 100.0)],
            "recent": [("web:sum_1h", 32.68, 100.0)],
        },
    ),
    Scenario(
        "what is paid and paid back leaves nothing, in any order",
        "A3 I1",
        [
            group(
                "web",
                *both("sum", "sum", ".x"),
                *both("n", "counter"),
                attribute("mean", "mean", ".x"),
            ),
            rule("square", all_of("web:n >= 2", "web:sum = 0")),
            rule("square_1h", all_of("web:n_1h >= 2", "web:sum_1h = 0")),
        ],
        """
        time  | user | event  | .x     || web:sum | web:sum_1h | web:mean | fires
        10:00 | ann  | buy x3 | 29.95  || 89.85   |            | 29.95    |
        10:10 | ann  | buy    | -89.85 || 0.0     | 0.0        | 0.0      | square>ann, square_1h>ann
        10:20 | ann  | buy    | 0.1    || 0.1     | 0.1        | 0.02     |
        10:21 | ann  | buy    | -0.1   || 0.0     | 0.0        | 0.0      | square>ann, square_1h>ann
        10:00 | bob  | buy    | 0.1    || 0.1     | 0.1        | 0.1      |
        10:01 | bob  | buy    | 0.2    || 0.3     | 0.3        | 0.15     |
        10:02 | bob  | buy    | -0.3   || 0.0     | 0.0        | 0.0      | square>bob, square_1h>bob
        10:00 | cid  | buy    | 19.99  || 19.99   | 19.99      | 19.99    |
        10:01 | cid  | buy    | 5.01   || 25.0    | 25.0       | 12.5     |
        10:02 | cid  | buy    | -25    || 0.0     | 0.0        | 0.0      | square>cid, square_1h>cid
        10:00 | dan  | buy    | -0.7   || -0.7    | -0.7       | -0.7     |
        10:01 | dan  | buy    | 0.6    || -0.1    | -0.1       | -0.05    |
        10:02 | dan  | buy    | 0.1    || 0.0     | 0.0        | 0.0      | square>dan, square_1h>dan
        """,
    ),
    Scenario(
        "a window's sum is exact, whatever has left it",
        "A3 A4 W1",
        [
            group(
                "web",
                attribute("sum_1h", "sum", ".x", **HOUR),
                attribute("mean_1h", "mean", ".x", **HOUR),
                attribute("sum_10min", "sum", ".x", period="10min"),
            )
        ],
        """
        time     | user | event    | .x    || web:sum_1h | web:mean_1h | web:sum_10min
        10:00    | ann  | buy      | 26.9  || 26.9       | 26.9        | 26.9
        10:09    | ann  | buy      | 5.78  || 32.68      | 16.34       | 32.68
        10:18    | ann  | buy      | 67.32 || 100.0      |             | 73.1
        11:00    | ann  |          |       || 73.1       | 36.55       | null
        11:09    | ann  |          |       || 67.32      | 67.32       | null
        10:00    | bob  | buy x400 | 4.35  ||            |             |
        10:10:39 | bob  | buy      | 0.1   || 1740.1     |             | 1566.1
        11:03:19 | bob  |          |       || 870.1      |             |
        11:06:38 | bob  | buy      | -4.45 || 0.0        | 0.0         | -4.45
        """,
    ),
    Scenario(
        "the smallest amount stays beside the greatest, and integers beside floats",
        "A3 A15",
        [group("web", *both("sum", "sum", ".x"))],
        """
        time  | user | event | .x                    || web:sum              | web:sum_1h
        10:00 | ann  | buy   | 1e308                 || 1e308                | 1e308
        10:01 | ann  | buy   | 0.1                   || 1e308                | 1e308
        10:02 | ann  | buy   | 1e308                 || null                 | null
        10:03 | ann  | buy   | -1e308                || 1e308                | 1e308
        10:04 | ann  | buy   | -1e308                || 0.1                  | 0.1
        10:00 | bob  | buy   | 9007199254740993      || 9007199254740992.0   | 9007199254740992.0
        10:01 | bob  | buy   | 0.5                   || 9007199254740994.0   | 9007199254740994.0
        10:02 | bob  | buy   | -9007199254740992     || 1.5                  | 1.5
        10:00 | cid  | buy   | 0.30000000000000004   || 0.30000000000000004  | 0.30000000000000004
        10:01 | cid  | buy   | -0.3                  || 4e-17                | 4e-17
        10:02 | cid  | buy   | -4e-17                || 0.0                  | 0.0
        """,
    ),
    Scenario(
        "a mean is the exact sum over the count",
        "A4",
        [group("web", *both("mean", "mean", ".x"))],
        """
        time  | user | event  | .x   || web:mean            | web:mean_1h
        10:00 | ann  | buy    | 1    || 1.0                 | 1.0
        10:10 | ann  | buy    | 2    || 1.5                 | 1.5
        10:20 | ann  | buy    | 2    || 1.6666666666666667  | 1.6666666666666667
        11:00 | ann  |        |      || 1.6666666666666667  | 2.0
        12:00 | bob  | buy x3 | 0.1  || 0.1                 |
        12:00 | cid  | buy    | 0.1  || 0.1                 | 0.1
        12:01 | cid  | buy    | 0.2  || 0.15                | 0.15
        12:02 | cid  | buy    | 0.3  || 0.2                 | 0.2
        12:03 | cid  | buy    | 0.4  || 0.25                | 0.25
        """,
    ),
    Scenario(
        "the least and the greatest value",
        "A5",
        [
            group(
                "web",
                *both("min", "min", ".x"),
                *both("max", "max", ".x"),
                attribute("whole", "max", ".x", type="int64"),
                attribute("moment", "min", ".x", type="unix_timestamp"),
            )
        ],
        """
        time  | user | event | .x  || web:min | web:min_1h | web:max | web:max_1h | web:whole | web:moment
        10:00 | ann  | buy   | 5   || 5       | 5          | 5       | 5          | 5         | 5
        10:10 | ann  | buy   | 1.5 || 1.5     | 1.5        | 5       | 5          | 5         | 1.5
        10:20 | ann  | buy   | 9   || 1.5     | 1.5        | 9       | 9          | 9         | 1.5
        11:10 | ann  |       |     || 1.5     | 9          | 9       | 9          | 9         | 1.5
        """,
    ),
    Scenario(
        "first and last go by event time, and by arrival where times are equal",
        "A6 D3",
        [
            group(
                "web",
                *both("first", "first", ".x", type="string"),
                *both("last", "last", ".x", type="string"),
                attribute("yes", "last", ".yes", type="bool"),
            )
        ],
        """
        time  | user | event | .x   | .yes  || web:first | web:first_1h | web:last | web:last_1h | web:yes
        10:00 | ann  | buy   | b    | false || b         | b            | b        | b           | false
        09:50 | ann  | buy   | a    | true  || a         | a            | b        | a           | false
        10:00 | ann  | buy   | c    |       || a         | a            | c        | c           | false
        09:50 | ann  | buy   | z    |       || a         | a            | c        | z           | false
        10:55 | ann  | buy   | null | true  || a         | b            | c        | c           | true
        """,
    ),
    Scenario(
        "a unique list goes by when each value was last seen",
        "A7",
        [group("web", *both("pages", "unique_list", ".x"))],
        """
        time  | user | event | .x        || web:pages                      | web:pages_1h
        10:00 | ann  | buy   | /home     || ["/home"]                      | ["/home"]
        10:10 | ann  | buy   | /products || ["/home", "/products"]         | ["/home", "/products"]
        10:20 | ann  | buy   | /home     || ["/products", "/home"]         | ["/products", "/home"]
        10:05 | ann  | buy   | /cart     || ["/cart", "/products", "/home"] | ["/home", "/cart"]
        10:30 | ann  |       |           || ["/cart", "/products", "/home"] | ["/cart", "/products", "/home"]
        11:10 | ann  |       |           || ["/cart", "/products", "/home"] | ["/home"]
        """,
    ),
    Scenario(
        "the value seen most and the one seen least, of equals the one seen last",
        "A8",
        [
            group(
                "web",
                *both("most", "most_frequent", ".x", type="string"),
                *both("least", "least_frequent", ".x", type="string"),
            )
        ],
        """
        time  | user | event | .x || web:most | web:most_1h | web:least | web:least_1h
        10:00 | ann  | buy   | a  || a        | a           | a         | a
        10:10 | ann  | buy   | b  || b        | b           | b         | b
        10:20 | ann  | buy   | a  || a        | a           | b         | b
        10:30 | ann  | buy   | c  || a        | a           | c         | c
        11:05 | ann  |       |    || a        | c           | c         | c
        11:25 | ann  |       |    || a        | c           | c         | c
        """,
    ),
    Scenario(
        "how often each value was seen, the most frequent first",
        "A9",
        [group("web", *both("count", "category_count", ".x"))],
        """
        time  | user | event | .x   || web:count                          | web:count_1h
        10:00 | ann  | buy   | a    || {"a": 1}                           | {"a": 1}
        10:10 | ann  | buy   | b    || {"b": 1, "a": 1}                   | {"b": 1, "a": 1}
        10:20 | ann  | buy   | a    || {"a": 2, "b": 1}                   | {"a": 2, "b": 1}
        10:30 | ann  | buy   | true || {"a": 2, "true": 1, "b": 1}        | {"a": 2, "true": 1, "b": 1}
        10:40 | ann  | buy   | 7    || {"a": 2, "7": 1, "true": 1, "b": 1} | {"a": 2, "7": 1, "true": 1, "b": 1}
        10:45 | ann  | buy   | "7"  || {"7": 2, "a": 2, "true": 1, "b": 1} | {"7": 2, "a": 2, "true": 1, "b": 1}
        10:50 | ann  | buy   | 7.0  || {"7": 3, "a": 2, "true": 1, "b": 1} | {"7": 3, "a": 2, "true": 1, "b": 1}
        11:10 | ann  |       |      || {"7": 3, "a": 2, "true": 1, "b": 1} | {"7": 3, "true": 1, "a": 1}
        """,
    ),
    Scenario(
        "how many distinct values, exact while there are few",
        "A10",
        [group("web", *both("n", "approx_count_distinct", ".x"))],
        """
        time  | user | event    | .x  || web:n  | web:n_1h
        10:00 | ann  | buy x200 | p#  ||        |
        10:05 | ann  | buy x50  | p#  || 200    | 200
        10:10 | ann  | buy x800 | q#  ||        |
        10:30 | ann  |          |     || ~1000  | ~1000
        11:10 | ann  |          |     || ~1000  | ~800
        12:00 | ann  |          |     || ~1000  | null
        """,
    ),
    Scenario(
        "the time since the last and the first event grows while nothing happens, and is never below 0",
        "A11 W2",
        [
            group(
                "web",
                attribute("last", "time_since_last", time_unit="min"),
                attribute("first", "time_since_first", time_unit="h"),
                attribute("recent", "time_since_last", time_unit="s", period="1h"),
                attribute("since", "time_since_first", time_unit="d", type="float"),
            )
        ],
        """
        time      | user | event || web:last | web:first | web:recent | web:since
        10:00     | ann  | buy   || 0.0      | 0.0       | 0.0        | 0.0
        10:00:30  | ann  |       || 0.5      |           | 30.0       |
        10:30     | ann  | buy   || 0.0      | 0.5       | 0.0        |
        11:15     | ann  |       || 45.0     | 1.25      | 2700.0     |
        11:30     | ann  |       || 60.0     | 1.5       | null       |
        10:15     | ann  |       || 0.0      | 0.25      | 900.0      |
        Tue 22:00 | ann  |       || 2130.0   | 36.0      | null       | 1.5
        10:00     | bob  |       || null     | null      | null       | null
        """,
    ),
    Scenario(
        "the unit belongs to the times since, and is required there",
        "A11",
        [],
        """
        > publish without -> time_unit
        > publish beside -> time_unit
        """,
        later={
            "without": [group("w", attribute("a", "time_since_last"))],
            "beside": [group("w", attribute("a", "counter", time_unit="s"))],
        },
    ),
    Scenario(
        "values of another type contribute nothing, and are counted as rejected",
        "A12 B1",
        [
            group(
                "web",
                attribute("text", "last", ".x", type="string"),
                attribute("yes", "last", ".x", type="bool"),
                attribute("whole", "last", ".x", type="int32"),
                attribute("number", "last", ".x", type="double"),
                attribute("numbers", "unique_list", ".x", type="double_list"),
                attribute("any", "approx_count_distinct", ".x"),
                attribute("events", "counter"),
            )
        ],
        """
        time  | user | event | .x   || web:text | web:yes | web:whole | web:number | web:numbers | web:any | web:events
        10:00 | ann  | buy   | "7"  || "7"      | null    | null      | null       | null        | 1       | 1
        10:01 | ann  | buy   | true || "7"      | true    | null      | null       | null        | 2       | 2
        10:02 | ann  | buy   | 3.0  || "7"      | true    | 3         | 3          | [3]         | 3       | 3
        10:03 | ann  | buy   | 2.5  || "7"      | true    | 3         | 2.5        | [3, 2.5]    | 4       | 4
        10:04 | ann  | buy   | 4    || "7"      | true    | 4         | 4          | [3, 2.5, 4] | 5       | 5
        """,
        rejected={
            ("web_v1:text", "wrong_type"): 4,
            ("web_v1:yes", "wrong_type"): 4,
            ("web_v1:whole", "wrong_type"): 3,
            ("web_v1:number", "wrong_type"): 2,
            ("web_v1:numbers", "wrong_type"): 2,
        },
    ),
    Scenario(
        "1 and 1.0 are one value, true and the text 1 are others",
        "A13",
        [
            group(
                "web",
                attribute("n", "approx_count_distinct", ".x"),
                attribute("numbers", "unique_list", ".x", type="double_list"),
                attribute("most", "most_frequent", ".x", type="double"),
            )
        ],
        """
        time  | user | event | .x   || web:n | web:numbers | web:most
        10:00 | ann  | buy   | 1    || 1     | [1]         | 1
        10:01 | ann  | buy   | 1.0  || 1     | [1]         | 1
        10:02 | ann  | buy   | true || 2     | [1]         | 1
        10:03 | ann  | buy   | "1"  || 3     | [1]         | 1
        10:04 | ann  | buy   | 2    || 4     | [1, 2]      | 1
        10:05 | ann  | buy   | 1e0  || 4     | [2, 1]      | 1
        10:06 | ann  | buy   | -0.0 || 5     | [2, 1, 0]   | 1
        10:07 | ann  | buy   | 0    || 5     | [2, 1, 0]   | 1
        """,
    ),
    Scenario(
        "where nothing counted there is the default, and null without one",
        "A14 V15",
        [
            group(
                "web",
                attribute("none", "counter"),
                attribute("zero", "counter", default_value=0),
                attribute("empty", "last", ".x", type="string", default_value=""),
                attribute("no", "last", ".y", type="bool", default_value=False),
                attribute("list", "unique_list", ".x", default_value=[]),
                attribute("recent", "sum", ".n", period="1h", default_value=0.0),
            )
        ],
        """
        time  | user | event | .n || web:none | web:zero | web:empty | web:no | web:list | web:recent
        10:00 | bob  |       |    || null     | 0        | ""        | false  | []       | 0.0
        10:00 | ann  | buy   | 5  || 1        | 1        | ""        | false  | []       | 5
        11:00 | ann  |       |    || 1        | 1        | ""        | false  | []       | 0.0
        """,
    ),
    Scenario(
        "a default of another type is refused",
        "A14 L7",
        [],
        """
        > publish text -> default_value
        > publish large -> default_value
        > publish item -> default_value
        > publish map -> default_value
        > publish long -> default_value
        """,
        later={
            "text": [group("w", attribute("a", "counter", default_value="0"))],
            "large": [group("w", attribute("a", "counter", default_value=2**31))],
            "item": [group("w", attribute("a", "unique_list", ".x", default_value=[1]))],
            "map": [group("w", attribute("a", "category_count", ".x", default_value="a"))],
            "long": [group("w", attribute("a", "unique_list", ".x", default_value=["a"] * 101))],
        },
    ),
    Scenario(
        "a sum that no float holds is no result, and comes back when it fits again",
        "A15",
        [
            group(
                "web",
                *both("sum", "sum", ".x", default_value=-1.0),
                attribute("mean", "mean", ".x"),
            )
        ],
        """
        time  | user | event | .x     || web:sum | web:sum_1h | web:mean
        10:00 | ann  | buy   | 1e308  || 1e308   | 1e308      | 1e308
        10:30 | ann  | buy   | 1e308  || -1.0    | -1.0       | 1e308
        11:00 | ann  |       |        || -1.0    | 1e308      | 1e308
        11:01 | ann  | buy   | -1e308 || 1e308   | 0.0        |
        """,
    ),
    Scenario(
        "lists and maps give 100 values: the last seen, the most frequent",
        "A16",
        [
            group(
                "web",
                *both("list", "unique_list", ".x", type="int32_list"),
                *both("count", "category_count", ".x"),
            )
        ],
        f"""
        time  | user | event    | .x || web:list | web:list_1h | web:count | web:count_1h
        10:00 | ann  | buy x150 | #  ||          |             |           |
        10:10 | ann  | buy      | 1  || {[*range(52, 151), 1]} | {[*range(52, 151), 1]} | FIRST | FIRST
        """.replace(
            "FIRST", "{" + '"1": 2, ' + ", ".join(f'"{n}": 1' for n in range(150, 51, -1)) + "}"
        ),
    ),
    Scenario(
        "over a lifetime frequencies are kept of 1,000 values",
        "A16",
        [
            group(
                "web",
                attribute("most", "most_frequent", ".x", type="int32"),
                attribute("most_1h", "most_frequent", ".x", type="int32", period="1h"),
            )
        ],
        """
        time  | user | event     | .x || web:most | web:most_1h
        10:00 | ann  | buy x3    | 0  ||          |
        10:01 | ann  | buy x999  | #  ||          |
        10:20 | ann  |           |    || 0        | 0
        10:30 | ann  | buy x2    | 10 ||          |
        10:31 | ann  | buy       | -1 || 10       | 10
        """,
    ),
]

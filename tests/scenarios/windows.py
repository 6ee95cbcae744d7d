# ruff: noqa: E501 - a table is as wide as what it shows
"""Windows and time, time to live, duplicates and late events."""

from tests.scenarios.scenario import Scenario
from tests.scenarios.writing import attribute, events, group, key, registered

WINDOW = attribute("recent", "counter", period="15min")
VIEWS = attribute("views", "counter")

SCENARIOS = [
    Scenario(
        "a window counts what is later than its start and not later than now",
        "W1 W2",
        [group("web", WINDOW, attribute("short", "sum", ".x", period="1s"))],
        """
        time         | user | event | .x || web:recent | web:short
        10:00:00     | ann  | buy   | 1  || 1          | 1
        09:59:59.999 | ann  |       |    || null       | null
        10:00:00.999 | ann  |       |    || 1          | 1
        10:00:01     | ann  |       |    || 1          | null
        10:10        | ann  | buy   | 2  || 2          | 2
        10:14:59.999 | ann  |       |    || 2          | null
        10:15        | ann  |       |    || 1          | null
        10:25        | ann  |       |    || null       | null
        """,
    ),
    Scenario(
        "without a period everything counts, for as long as there is a profile",
        "W3",
        [group("web", VIEWS, attribute("first", "first", ".x", type="int32"))],
        """
        time             | user | event | .x || web:views | web:first
        10:00            | ann  | buy   | 1  || 1         | 1
        2026-06-01 10:00 | ann  | buy   | 2  || 2         | 1
        2026-02-01 10:00 | ann  | buy   | 3  || 3         | 3
        """,
    ),
    Scenario(
        "an attribute counts from when it is published, and one with the same meaning goes on",
        "W4 W5 V2 V5",
        [group("web", VIEWS)],
        """
        time  | user | event | .x || web:views | web_v2:views | web_v2:spent
        10:00 | ann  | buy   | 5  || 1         |              |
        10:01 | ann  | buy   | 5  || 2         |              |
        > publish second
        10:02 | ann  |       |    || 2         | 2            | null
        10:03 | ann  | buy   | 5  || 3         | 3            | 5
        """,
        later={"second": [group("web", VIEWS, attribute("spent", "sum", ".x"), version=2)]},
    ),
    Scenario(
        "attributes of the same events share their window, whatever their periods",
        "W5",
        [
            group("a", attribute("n", "counter", period="1h", events=events("buy", "sell"))),
            group("b", attribute("m", "counter", period="10min", events=events("sell", "buy"))),
        ],
        """
        time  | user | event || a:n | b:m
        10:00 | ann  | buy   || 1   | 1
        10:10 | ann  | sell  || 2   | 1
        10:11 | ann  | page_view || 2 | 1
        """,
    ),
    Scenario(
        "a clock that is behind the events sees the window as it was",
        "W6",
        [group("web", WINDOW)],
        """
        time  | user | event  || web:recent
        10:00 | ann  | buy x3 ||
        10:10 | ann  | buy    ||
        10:30 | ann  | buy    || 1
        10:15 | ann  |        || 3
        10:29 | ann  |        || null
        10:24 | ann  |        || 1
        """,
    ),
    Scenario(
        "durations are positive, whole milliseconds and at most ten years",
        "W7",
        [],
        """
        > publish zero -> duration
        > publish fine -> duration
        > publish long -> duration
        """,
        later={
            name: [group("w", attribute("a", "counter", period=period))]
            for name, period in (("zero", "PT0S"), ("fine", "PT0.0005S"), ("long", "P3651D"))
        },
    ),
    # --- time to live -----------------------------------------------------------------------------
    Scenario(
        "a window has no time to live",
        "T1",
        [],
        """
        > publish wrong -> period_and_ttl
        """,
        later={"wrong": [group("w", attribute("a", "counter", period="1h", ttl="1d"))]},
    ),
    Scenario(
        "an attribute ends when nothing contributed to it for its ttl, and starts anew",
        "T2 T5",
        [
            group(
                "web",
                attribute("n", "counter", ttl="1h", default_value=0),
                attribute("spent", "sum", ".x", ttl="1h"),
            )
        ],
        """
        time         | user | event | .x || web:n | web:spent
        10:00        | ann  | buy   | 5  || 1     | 5
        10:30        | ann  | buy   |    || 2     | 5
        10:59:59.999 | ann  |       |    || 2     | 5
        11:00        | ann  |       |    || 2     | null
        11:20        | ann  | buy   | 7  || 3     | 7
        12:20        | ann  |       |    || 0     | null
        12:20        | ann  | buy   | 1  || 1     | 1
        """,
    ),
    Scenario(
        "a group ends as a whole, and any of its attributes keeps it alive",
        "T3",
        [
            group(
                "web",
                attribute("bought", "counter", events=events("buy")),
                attribute("sold", "counter", events=events("sell")),
                attribute("seen", "counter", events=events("look"), period="10min"),
                attribute("own", "counter", events=events("buy"), ttl="10min"),
                ttl="1h",
            )
        ],
        """
        time  | user | event || web:bought | web:sold | web:seen | web:own
        10:00 | ann  | buy   || 1          | null     | null     | 1
        10:50 | ann  | sell  || 1          | 1        | null     | null
        11:40 | ann  | look  || 1          | 1        | 1        | null
        12:30 | ann  |       || 1          | 1        | null     | null
        12:40 | ann  |       || null       | null     | null     | null
        12:50 | ann  | sell  || null       | 1        | null     | null
        """,
    ),
    Scenario(
        "the ttl of the attribute goes before the group's, and that before the key's",
        "T4",
        [
            registered(key("shelf", ".shelf", ttl="1h", is_published=True)),
            group(
                "a", attribute("own", "counter", ttl="10min"), VIEWS, of=key("shelf"), ttl="30min"
            ),
            group("b", VIEWS, of=key("shelf")),
            group("c", VIEWS),
        ],
        """
        time             | user | event | .shelf | id of shelf || a:own | a:views | b:views | c:views
        10:00            | ann  | buy   | top    | top         || 1     | 1       | 1       | 1
        10:10            | ann  |       |        | top         || null  | 1       | 1       | 1
        10:30            | ann  |       |        | top         || null  | null    | 1       | 1
        11:00            | ann  |       |        | top         || null  | null    | null    | 1
        2035-01-01 00:00 | ann  |       |        | top         || null  | null    | null    | 1
        """,
    ),
    Scenario(
        "a late event neither shortens nor restarts a time to live",
        "T6 D3",
        [group("web", attribute("n", "counter", ttl="1h"))],
        """
        time         | user | event || web:n
        10:00        | ann  | buy   || 1
        09:00        | ann  | buy   || 2
        10:59        | ann  |       || 2
        11:00        | ann  |       || null
        10:30        | ann  |       || 2
        """,
    ),
    # --- duplicates and late events ---------------------------------------------------------------
    Scenario(
        "an event counts once for a profile, whatever its other columns say",
        "D1",
        [group("web", VIEWS), group("visit", VIEWS, of="session")],
        """
        time  | user | session | event | id || web:views | visit:views
        10:00 | ann  | s1      | buy   | a  || 1         | 1
        10:01 | ann  | s2      | buy   | a  || 1         | 1
        10:02 | bob  | s1      | sell  | a  || 1         | 1
        10:03 | ann  | s1      | buy   | b  || 2         | 2
        """,
    ),
    Scenario(
        "an event is recognised whatever its time says and however many came between",
        "D2",
        [group("web", VIEWS)],
        """
        time  | user | event    | id || web:views
        10:00 | ann  | buy      | a  || 1
        10:01 | ann  | buy x100 |    || 101
        10:02 | bob  | buy x100 |    || 100
        10:05 | ann  | buy      | a  || 101
        23:00 | ann  | buy      | a  || 101
        09:00 | ann  | buy      | a  || 101
        09:00 | bob  | buy      | a  || 101
        """,
    ),
    Scenario(
        "nothing is remembered where the setting is 0",
        "D2",
        [group("web", VIEWS)],
        """
        time  | user | event | id || web:views
        10:00 | ann  | buy   | a  || 1
        10:00 | ann  | buy   | a  || 2
        """,
        settings={"deduplication_horizon_ms": 0},
    ),
    Scenario(
        "a late event counts where it belongs",
        "D3 W1",
        [group("web", WINDOW, VIEWS, attribute("list", "unique_list", ".x"))],
        """
        time         | user | event | .x || web:recent | web:views | web:list
        10:30        | ann  | buy   | c  || 1          | 1         | ["c"]
        10:15:00.001 | ann  | buy   | b  ||            |           |
        10:15        | ann  | buy   | a  ||            |           |
        09:00        | ann  | buy   | z  ||            |           |
        10:30        | ann  |       |    || 2          | 4         | ["z", "a", "b", "c"]
        10:20        | ann  |       |    || 2          | 4         | ["z", "a", "b", "c"]
        """,
    ),
]

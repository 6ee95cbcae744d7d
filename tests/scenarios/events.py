# ruff: noqa: E501 - a table is as wide as what it shows
"""Events and identity."""

from tests.scenarios.scenario import Scenario
from tests.scenarios.writing import attribute, events, group, key, prop, registered, rule

VIEWS = attribute("views", "counter")
LONG = "x" * 256
SPECIFIED = (
    '{"schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0", "data": [{"schema":'
    ' "iglu:com.snowplowanalytics.snowplow/event_specification/jsonschema/1-0-0",'
    ' "data": {"id": "%s"}}]}'
)

SCENARIOS = [
    Scenario(
        "an event happens at the earlier of its two times",
        "E1",
        [group("web", attribute("recent", "counter", period="10min"))],
        """
        time  | user | event | derived | collector || web:recent
        10:00 | ann  | buy   | 09:55   | 10:00     || 1
        10:05 | ann  |       |         |           || null
        10:06 | ann  | buy   | 18:00   | 10:06     || 1
        10:15 | ann  |       |         |           || 1
        10:16 | ann  |       |         |           || null
        10:20 | ann  | buy   | -       | 10:20     || 1
        """,
    ),
    Scenario(
        "a derived_tstamp that is no time is as an empty one, and one in another spelling is read",
        "E1",
        [group("web", attribute("recent", "counter", period="10min"))],
        """
        time  | user | event | derived_tstamp                | collector || web:recent
        10:00 | ann  | buy   | 0026-01-01 15:00:59.993       | 10:00     || 1
        10:01 | ann  | buy   | 10013-12-10 01:09:46.708      | 10:01     || 2
        10:02 | ann  | buy   | 2016-12-31 23:60:00.000       | 10:02     || 3
        10:03 | ann  | buy   | soon                          | 10:03     || 4
        10:04 | ann  | buy   | 2026-03-02 09:53:59.999999    | 10:04     || 4
        10:05 | ann  | buy   | 2026-03-02T09:57:00Z          | 10:05     || 5
        10:06 | ann  | buy   | 2026-03-02T11:06:00.000+01:00 | 10:06     || 6
        10:07 | ann  | buy   | 2016-12-31 23:59:60.000       | 10:07     || 5
        10:09 | ann  |       |                               |           || 5
        10:10 | ann  |       |                               |           || 4
        10:13 | ann  |       |                               |           || 1
        """,
    ),
    Scenario(
        "a line end behind the record is no part of its last column",
        "E8",
        [
            group(
                "web", attribute("days", "unique_list", prop("true_tstamp", date_part="active_day"))
            )
        ],
        """
        time  | user | event | true_tstamp               || web:days
        10:00 | ann  | buy   | 2026-03-04 05:06:07.000␊ || ["2026-03-04"]
        10:01 | ann  | buy   | 2026-03-05 05:06:07␍␊    || ["2026-03-04", "2026-03-05"]
        """,
    ),
    Scenario(
        "only events of the app_ids in the settings count",
        "E2",
        [group("web", VIEWS)],
        """
        time  | user | event | app_id || web:views
        10:00 | ann  | buy   | shop   || 1
        10:01 | ann  | buy   | blog   || 1
        10:02 | ann  | buy   |        || 1
        10:03 | ann  | buy   | shop   || 2
        """,
        settings={"app_ids": "shop"},
    ),
    Scenario(
        "a group keeps a profile for each id of its key, and one event feeds all keys that it has",
        "E3 E6",
        [
            group("web", VIEWS),
            group("visit", VIEWS, of="session"),
            group("member", VIEWS, of="account"),
            group("device", VIEWS, of="network_userid"),
            group("older", VIEWS, of=key("user")),
        ],
        """
        time  | user | session | account | network_userid | event || web:views | visit:views | member:views | device:views
        10:00 | ann  | s1      |         |                | buy   || 1         | 1           |              |
        10:01 | ann  | s2      | ann@x   |                | buy   || 2         | 1           | 1            |
        10:02 | bob  | s3      | ann@x   | n1             | buy   || 1         | 1           | 2            | 1
        10:03 | ann  | s1      |         |                | buy   || 3         | 2           |              |
        """,
    ),
    Scenario(
        "the older names of the keys read the same columns",
        "E3",
        [group("older", VIEWS, of={"name": "user", "key": "domain_userid"})],
        """
        time  | user | event || older:views
        10:00 | ann  | buy   || 1
        10:01 | ann  | buy   || 2
        """,
    ),
    Scenario(
        "a key of one's own is read from an entity, and numbers and booleans are their text",
        "E4",
        [
            group("shelf", VIEWS, of=key("shelf", "product.shelf")),
            group("price", VIEWS, of=key("price", ".price")),
            group("gift", VIEWS, of=key("gift", ".gift")),
            group("region", VIEWS, of=key("region", "geo_region")),
        ],
        """
        time  | event | product.shelf | .price | .gift | geo_region | id of shelf | id of price | id of gift | id of region || shelf:views | price:views | gift:views | region:views
        10:00 | buy   | "7"           | 7      | true  | BE-1       | 7           | 7           | true       | BE-1         || 1           | 1           | 1          | 1
        10:01 | buy   | 7             | 2.5    | false | BE-1       | 7           | 2.5         | false      | BE-1         || 2           | 1           | 1          | 2
        10:02 | buy   | 7.0           | 7.00   | true  | BE-1       | 7           | 7           | true       | BE-1         || 3           | 2           | 2          | 3
        10:03 | buy   | 7e0           | 25e-1  | true  | BE-1       | 7           | 2.5         | true       | BE-1         || 4           | 2           | 3          | 4
        10:04 | buy   | "7.0"         | 1      | true  | BE-1       | 7.0         | 1           | true       | BE-1         || 1           | 1           | 4          | 5
        """,
    ),
    Scenario(
        "a key registered by itself may be named by a link",
        "E4",
        [
            registered(key("shelf", "product.shelf", is_published=True)),
            group("shelf", VIEWS, of=key("shelf")),
        ],
        """
        time  | event | product.shelf | id of shelf || shelf:views
        10:00 | buy   | top           | top         || 1
        """,
    ),
    Scenario(
        "an event without a usable id changes nothing for that key, and counts for the others",
        "E5 E6",
        [group("shelf", VIEWS, of=key("shelf", ".shelf")), group("web", VIEWS)],
        """
        time  | user | event | .shelf    | id of shelf || shelf:views | web:views
        10:00 | ann  | buy   |           |             ||             | 1
        10:01 | ann  | buy   | null      | null        || null        | 2
        10:02 | ann  | buy   | ""        |             ||             | 3
        10:03 | ann  | buy   | {"a": 1}  |             ||             | 4
        10:04 | ann  | buy   | LONG      | LONG        || 1           | 5
        10:05 | ann  | buy   | LONGx     |             ||             | 6
        10:06 |      | buy   | top       | top         || 1           |
        """.replace("LONG", LONG),
    ),
    Scenario(
        "one selector that matches is enough, and all parts that it gives must be equal",
        "E7",
        [
            group(
                "web",
                attribute("either", "counter", events=events("page_view", "buy")),
                attribute("vendor", "counter", events=[{"vendor": "com.example"}]),
                attribute("name", "counter", events=[{"name": "buy"}]),
                attribute("exact", "counter", events=[{"name": "buy", "version": "1-0-1"}]),
                attribute("every", "counter"),
            )
        ],
        """
        time  | user | event             || web:either | web:vendor | web:name | web:exact | web:every
        10:00 | ann  | page_view         || 1          | null       | null     | null      | 1
        10:01 | ann  | buy               || 2          | 1          | 1        | null      | 2
        10:02 | ann  | buy/1-0-1         || 2          | 2          | 2        | 1         | 3
        10:03 | ann  | com.other/buy/1-0-1 || 2        | 2          | 3        | 2         | 4
        10:04 | ann  | brand_new         || 2          | 3          | 3        | 2         | 5
        10:05 | ann  | page_ping         || 2          | 3          | 3        | 2         | 6
        """,
    ),
    Scenario(
        "a selector may name an event specification, which the event's entities carry",
        "E7",
        [
            group(
                "web", attribute("n", "counter", events=[{"event_specification_id": "abc"}]), VIEWS
            )
        ],
        """
        > publish both -> event_selector
        time  | user | event | contexts || web:n | web:views
        10:00 | ann  | buy   | NONE     || null  | 1
        10:01 | ann  | buy   | THIS     || 1     | 2
        10:02 | ann  | sell  | THIS     || 2     | 3
        """.replace("THIS", SPECIFIED % "abc").replace("NONE", SPECIFIED % "abd"),
        later={
            "both": [
                group(
                    "w",
                    attribute(
                        "a", "counter", events=[{"name": "buy", "event_specification_id": "abc"}]
                    ),
                )
            ]
        },
    ),
    Scenario(
        "a UUID of a browser's cookie is one id in any case, ids of other keys are not",
        "E9",
        [
            group("web", VIEWS),
            group("visit", VIEWS, of="session"),
            group("device", VIEWS, of="network_userid"),
            group("older", VIEWS, of={"name": "user", "key": "domain_userid"}),
            group("member", VIEWS, of="account"),
            group("shelf", VIEWS, of=key("shelf", "product.shelf")),
            rule("thrice", "web:views >= 3"),
        ],
        """
        time  | user | session | network_userid | account | event | product.shelf | id of shelf || web:views | visit:views | device:views | older:views | member:views | shelf:views | fires
        10:00 | AA0  | aa1     | aA2            | AA3     | buy   | AA4           | AA4         || 1         | 1           | 1            | 1           | 1            | 1           |
        10:01 | aa0  | AA1     | Aa2            | aa3     | buy   | aa4           | aa4         || 2         | 2           | 2            | 2           | 1            | 1           |
        10:02 | aA0  | Aa1     | AA2            | AA3     | buy   | AA4           | AA4         || 3         | 3           | 3            | 3           | 2            | 2           | thrice>aa0
        10:03 | ANN  |         |                |         | buy   |               |             || 1         |             |              | 1           |              |             |
        10:04 | ann  |         |                |         | buy   |               |             || 1         |             |              | 1           |              |             |
        """.replace("AA", "8B1E51B9-9A4F-4C0E-8F4F-6F6F3A1C2D3")
        .replace("aa", "8b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3")
        .replace("aA", "8b1e51b9-9a4f-4c0e-8F4F-6F6F3A1C2D3")
        .replace("Aa", "8B1E51B9-9A4F-4C0E-8f4f-6f6f3a1c2d3"),
    ),
    Scenario(
        "nobody has no profile under any key, and no rule fires for nobody",
        "E10 K2",
        [
            group("web", VIEWS),
            group("device", VIEWS, of="network_userid"),
            group("member", VIEWS, of="account"),
            group("shelf", VIEWS, of=key("shelf", "product.shelf")),
            rule("once", "device:views >= 1"),
            rule("told", "web:views >= 1", targets=["account", "network_userid"]),
        ],
        """
        time  | user | network_userid | account   | event | product.shelf | id of shelf || web:views | device:views | member:views | shelf:views | fires
        10:00 | ann  | NIL            | null      | buy   | NIL           | NIL         || 1         | null         | null         | null        |
        10:01 | ann  | NIL            | undefined | buy   | "BARE"        | BARE        || 2         | null         | null         | null        |
        10:02 | NIL  | NIL            | NIL       | buy   | NIL           | NIL         || null      | null         | null         | null        |
        10:03 | BARE | BARE           | BARE      | buy   | undefined     | undefined   || null      | null         | null         | null        |
        10:04 | null | n1             | Null      | buy   | top           | top         || null      | 1            | 1            | 1           | once>n1
        10:05 | bob  | n1             | Null      | buy   | top           | top         || 1         | 2            | 2            | 2           | told>Null, told>n1
        """.replace("NIL", "00000000-0000-0000-0000-000000000000").replace("BARE", "0" * 32),
        settings={"nobody_ids": "null,undefined"},
    ),
    Scenario(
        "a record that is no event is a dead letter, and those around it count",
        "E8",
        [group("web", VIEWS)],
        """
        time  | user | event | id | collector           || web:views | dead letter
        10:00 | ann  | buy   | a  |                     || 1         |
        10:01 | ann  | buy   | b  | -                   || 1         | timestamp
        10:02 | ann  | buy   | c  |                     || 2         |
        """,
    ),
]

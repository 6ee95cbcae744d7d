# ruff: noqa: E501 - a table is as wide as what it shows
"""Life cycle: draft, published, unpublished, deleted; versions, services, warehouse groups."""

from tests.scenarios.scenario import Scenario
from tests.scenarios.writing import attribute, group, key, prop, registered, rule, service

VIEWS = attribute("views", "counter")
WEB = group("web", VIEWS)
SOURCE = {"name": "s", "timestamp_field": "T", "database": "D", "schema": "S", "table": "X"}

SCENARIOS = [
    Scenario(
        "a draft has no effect until it is published",
        "V1 V2 W4",
        [],
        """
        > draft web
        time  | user | event || web:views
        10:00 | ann  | buy   || absent
        > publish web
        10:01 | ann  | buy   || 1
        > draft web -> published
        """,
        later={"web": [WEB]},
    ),
    Scenario(
        "a file with one mistake publishes nothing of it",
        "V2 V12",
        [],
        """
        > publish good bad -> aggregation_type,property_missing
        time  | user | event || web:views
        10:00 | ann  | buy   || absent
        """,
        later={
            "good": [WEB],
            "bad": [group("w", attribute("a", "sum"), attribute("b", "counter", type="string"))],
        },
    ),
    Scenario(
        "the same again changes nothing, and what is no content changes in place",
        "V3 V9",
        [WEB],
        """
        time  | user | event || web:views
        10:00 | ann  | buy   || 1
        > publish given
        10:01 | ann  | buy   || 2
        > publish described
        10:02 | ann  | buy   || 3
        > publish off
        10:03 | ann  | buy   || absent
        > publish given
        10:04 | ann  | buy   || 1
        """,
        later={
            "described": [
                group(
                    "web",
                    {**VIEWS, "description": "all"},
                    description="the web",
                    owner="b@example.com",
                )
            ],
            "off": [group("web", VIEWS, online=False)],
        },
    ),
    Scenario(
        "other content under a published version is refused, and free under another",
        "V4 V5",
        [WEB, rule("third", "web:views >= 3")],
        """
        > publish group -> published_content
        > publish rule -> published_content
        > publish ttl -> published_content
        > publish second
        time  | user | event || web:views | web_v2:views | fires
        10:00 | ann  | buy   || 1         | 1            |
        > unpublish attribute_group/web/2
        10:01 | ann  | buy   || 2         | absent       |
        > publish other
        10:02 | ann  | buy   || 3         | 1            |
        10:03 | ann  | buy   || 4         | 2            |
        """,
        later={
            "group": [group("web", attribute("views", "counter", type="int64"))],
            "ttl": [group("web", VIEWS, ttl="1d")],
            "rule": [rule("third", "web:views >= 4")],
            "second": [group("web", VIEWS, version=2)],
            "other": [
                group("web", attribute("views", "counter", events=[{"name": "buy"}]), version=2)
            ],
        },
    ),
    Scenario(
        "a service pins versions, and gives the groups of the key that is asked for",
        "V6 V15",
        [
            WEB,
            group("web", VIEWS, attribute("more", "counter"), version=2),
            group("visit", VIEWS, of="session"),
            service("pages", "web", "visit"),
        ],
        """
        time  | user | session | event || @pages                           | @pages domain_sessionid
        10:00 | ann  | s1      | buy   || {"web_v1:views": 1}              | {"visit_v1:views": 1}
        10:01 | ann  | s2      | buy   || {"web_v1:views": 2}              | {"visit_v1:views": 1}
        10:01 | bob  | s9      |       || {"web_v1:views": null}           | {"visit_v1:views": null}
        > publish changed
        10:02 | ann  | s1      | buy   || {"web_v2:views": 3, "web_v2:more": 3} | {}
        """,
        later={"changed": [service("pages", "web/2")]},
    ),
    Scenario(
        "a service names groups that there are, each once, with names of their own",
        "L3 V12",
        [WEB, group("more", VIEWS), group("visit", VIEWS, of="session")],
        """
        > publish unknown -> unknown_group
        > publish version -> unknown_group
        > publish twice -> duplicate_object
        > publish names -> duplicate_attribute
        > publish none -> range
        > publish many -> range
        > publish keys
        """,
        later={
            "unknown": [service("s", "wob")],
            "version": [service("s", "web/7")],
            "twice": [service("s", "web", "web")],
            "names": [service("s", "web", "more")],
            "none": [service("s")],
            "many": [service("s", *(f"g{n}" for n in range(101)))],
            "keys": [service("s", "web", "visit")],
        },
    ),
    Scenario(
        "what needs an unpublished group stops with it, and starts anew when it is there again",
        "V7",
        [
            WEB,
            group("visit", VIEWS, of="session"),
            service("pages", "web"),
            rule("all", "web:views changed"),
        ],
        """
        time  | user | event || web:views | @pages              | fires
        10:00 | ann  | buy   || 1         | {"web_v1:views": 1} | all
        > unpublish attribute_group/web/1
        10:01 | ann  | buy   || absent    | absent              |
        > publish given
        10:02 | ann  | buy   || 1         | {"web_v1:views": 1} | all
        > unpublish intervention/all
        10:03 | ann  | buy   || 2         | {"web_v1:views": 2} |
        > unpublish attribute_group/web/1 service/pages
        10:04 | ann  | buy   || absent    | absent              |
        """,
    ),
    Scenario(
        "a registered key that is not published stops its groups",
        "V7",
        [
            registered(key("shelf", ".shelf", is_published=True)),
            group("shelf", VIEWS, of=key("shelf")),
        ],
        """
        time  | event | .shelf | id of shelf || shelf:views
        10:00 | buy   | top    | top         || 1
        > unpublish attribute_key/shelf
        10:01 | buy   | top    | top         || absent
        """,
    ),
    Scenario(
        "what is published or needed is not deleted",
        "V8",
        [WEB, rule("third", "web:views >= 3"), service("pages", "web")],
        """
        > delete intervention/third -> published
        > unpublish attribute_group/web
        > delete attribute_group/web/1 -> in_use
        > delete attribute_group/none -> unknown_object
        > unpublish intervention/third service/pages
        > delete attribute_group/web/1 -> in_use
        > delete intervention/third service/pages attribute_group/web
        time  | user | event || web:views | fires
        10:00 | ann  | buy   || absent    |
        > publish other
        10:01 | ann  | buy   || 1         |
        """,
        later={"other": [group("web", attribute("views", "counter", type="int64"))]},
    ),
    Scenario(
        "warehouse groups are stored and read as null, and no rule reads them",
        "V10",
        [
            group("batch", VIEWS, offline=True),
            group(
                "columns",
                offline=True,
                attributes=None,
                fields=[{"name": "total", "type": "int32"}],
                batch_source=SOURCE,
            ),
            service("all", "batch", "columns"),
        ],
        """
        time  | user | event || batch:views | columns:total | @all
        10:00 | ann  | buy   || null        | null          | {"batch_v1:views": null, "columns_v1:total": null}
        > publish rule -> unsupported
        """,
        later={"rule": [rule("third", "batch:views >= 3")]},
    ),
    Scenario(
        "the property of a key in use does not change",
        "V11",
        [
            registered(key("shelf", ".shelf", is_published=True)),
            group("shelf", VIEWS, of=key("shelf")),
        ],
        """
        > publish moved -> key_in_use
        > publish beside -> attribute_key_conflict
        > publish more
        """,
        later={
            "moved": [registered(key("shelf", ".rack"))],
            "beside": [group("other", VIEWS, of=key("shelf", ".rack"))],
            "more": [group("other", VIEWS, of=key("shelf", prop(".shelf")))],
        },
    ),
    # --- limits -----------------------------------------------------------------------------------
    Scenario(
        "names, versions and owners",
        "L1",
        [group("x" * 90, VIEWS)],
        """
        > publish empty -> name
        > publish long -> name
        > publish dash -> name
        > publish version -> range
        > publish negative -> range
        > publish owner -> owner
        > publish zero
        """,
        later={
            "empty": [group("", VIEWS)],
            "long": [group("x" * 129, VIEWS)],
            "dash": [group("w-b", VIEWS)],
            "version": [group("web", VIEWS, version=2**31)],
            "negative": [group("web", VIEWS, version=-1)],
            "owner": [group("web", VIEWS, owner="me")],
            "zero": [group("web", VIEWS, version=0)],
        },
    ),
    Scenario(
        "a tree of 20 levels is taken, a deeper one is not",
        "L6",
        [WEB],
        """
        > publish deep -> shape
        > publish deepest
        """,
        later={},
    ),
]


def _nested(depth: int):
    criteria = {"attribute": "web:views", "operator": ">", "value": 1}
    for _ in range(depth):
        criteria = {"all": [criteria]}
    return [rule("w", criteria)]


SCENARIOS[-1].later.update(deep=_nested(20), deepest=_nested(19))

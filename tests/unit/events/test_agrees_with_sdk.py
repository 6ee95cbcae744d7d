"""Our reading of a line against Snowplow's own Python SDK.

Known traps of that SDK are left out of what is generated: it lets an entity of derived_contexts
replace those of contexts with the same schema, keeps se_value a string, and calls refr_dvce_tstamp
refr_device_tstamp.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from snowplow_analytics_sdk.event_transformer import transform

from definitions import AtomicProperty
from processor.events import (
    ATOMIC_COLUMNS,
    COLUMN_TYPES,
    ColumnType,
    compile_property,
    parse_event,
)

Make = Callable[..., bytes]

TEXT = st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"]), max_size=20)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
)
BY_TYPE: dict[ColumnType, st.SearchStrategy[str]] = {
    ColumnType.STRING: TEXT,
    ColumnType.INT: st.integers(-(2**31), 2**63 - 1).map(str),
    ColumnType.DOUBLE: st.floats(allow_nan=False, allow_infinity=False).map(repr),
    ColumnType.BOOL: st.sampled_from("01"),
    ColumnType.TIMESTAMP: MOMENTS,
}
REQUIRED = {
    "event_id": st.uuids().map(str),
    "collector_tstamp": MOMENTS,
    "derived_tstamp": MOMENTS,
}
ATOMIC_LINES = st.fixed_dictionaries(
    REQUIRED,
    optional={
        name: BY_TYPE[kind]
        for name, kind in COLUMN_TYPES.items()
        if kind is not ColumnType.JSON and name not in REQUIRED
    },
)
READERS = {
    name: compile_property(AtomicProperty(name=name))
    for name, kind in COLUMN_TYPES.items()
    if kind is not ColumnType.JSON
}
VENDORS = st.sampled_from(["com.acme", "com.snowplowanalytics.snowplow", "nl.basjes"])
NAMES = st.sampled_from(["product", "web_page", "link_click"])
SCHEMAS = st.tuples(VENDORS, NAMES, st.integers(1, 3), st.integers(0, 9))
DATA = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT)


def their_name(name: str) -> str:
    return "refr_device_tstamp" if name == "refr_dvce_tstamp" else name


@settings(max_examples=60)
@given(ATOMIC_LINES)
def test_every_column_has_the_value_that_the_sdk_gives_it(
    line: Make, columns: dict[str, str]
) -> None:
    value = line(**columns)
    event = parse_event(value)
    theirs = transform(value.decode(), add_geolocation_data=False)
    if "se_value" in theirs:
        theirs["se_value"] = float(theirs["se_value"])
    ours = {their_name(name): read(event) for name, read in READERS.items()}
    assert {name: found for name, found in ours.items() if found is not None} == theirs


def sdk_key(prefix: str, schema: tuple[Any, ...]) -> str:
    vendor, name, major, _ = schema
    return f"{prefix}_{re.sub('[.]', '_', vendor)}_{name}_{major}"


@settings(max_examples=60)
@given(st.lists(st.tuples(SCHEMAS, DATA), max_size=6), st.tuples(SCHEMAS, DATA))
def test_every_entity_and_the_event_are_those_of_the_sdk(
    line: Make,
    contexts: Make,
    unstruct: Make,
    entities: list[tuple[tuple[Any, ...], dict[str, Any]]],
    own: tuple[tuple[Any, ...], dict[str, Any]],
) -> None:
    def path(schema: tuple[Any, ...]) -> str:
        vendor, name, major, addition = schema
        return f"{vendor}/{name}/jsonschema/{major}-0-{addition}"

    value = line(
        contexts=contexts(*((path(schema), data) for schema, data in entities)),
        unstruct_event=unstruct(path(own[0]), own[1]),
    )
    event = parse_event(value)
    theirs = transform(value.decode(), add_geolocation_data=False)
    expected = {name: found for name, found in theirs.items() if name not in ATOMIC_COLUMNS}
    ours: dict[str, Any] = {}
    for schema, _ in entities:
        key = "/".join(map(str, schema[:3]))
        count = sum(other[:3] == schema[:3] for other, _ in entities)
        ours[sdk_key("contexts", schema)] = [event.entity_data(key, n) for n in range(count)]
        assert event.entity_data(key, count) is None
    own_key = "/".join(map(str, own[0][:3]))
    ours[sdk_key("unstruct_event", own[0])] = event.unstruct_data(own_key)
    assert ours == expected

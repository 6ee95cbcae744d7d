import json

import pytest

from definitions import Event
from processor.criteria import carried_specifications, compile_selectors
from processor.errors import MalformedEventError
from processor.events import ATOMIC_COLUMNS, parse_event

SPECIFICATION = "com.snowplowanalytics.snowplow/event_specification/jsonschema"


def carrying(*entities, column="contexts"):
    data = [{"schema": f"iglu:{schema}", "data": value} for schema, value in entities]
    columns = {
        "event_id": "e",
        "collector_tstamp": "2026-11-22 10:00:00.123",
        column: json.dumps({"schema": "", "data": data}),
    }
    line = "\t".join(columns.get(name, "") for name in ATOMIC_COLUMNS)
    return carried_specifications(parse_event(line.encode()))


def test_no_selector_matches_every_event():
    assert compile_selectors([]).match("v", "n", "1-0-0", ())


def test_the_parts_of_a_selector_must_all_be_equal():
    selectors = compile_selectors([Event(vendor="com.a", name="n", version="1-0-0")])
    assert selectors.match("com.a", "n", "1-0-0", ())
    assert not selectors.match("com.b", "n", "1-0-0", ())
    assert not selectors.match("com.a", "m", "1-0-0", ())
    assert not selectors.match("com.a", "n", "1-0-1", ())


def test_one_of_several_selectors_is_enough():
    selectors = compile_selectors([Event(name="a"), Event(vendor="com.b")])
    assert selectors.match("com.x", "a", "1-0-0", ())
    assert selectors.match("com.b", "x", "1-0-0", ())
    assert not selectors.match("com.x", "x", "1-0-0", ())


def test_an_empty_selector_matches_every_event():
    assert compile_selectors([Event()]).match("v", "n", "1-0-0", ())


def test_an_event_specification_matches_the_events_that_carry_it():
    selectors = compile_selectors([Event(event_specification_id="a")])
    assert selectors.match("v", "n", "1-0-0", {"a"})
    assert selectors.match("v", "n", "1-0-0", {"b", "a"})
    assert not selectors.match("v", "n", "1-0-0", {"b"})
    assert not selectors.match("v", "n", "1-0-0", ())


def test_an_event_specification_beside_a_schema_is_one_of_several_selectors():
    selectors = compile_selectors([Event(event_specification_id="a"), Event(name="n")])
    assert selectors.match("v", "n", "1-0-0", ())
    assert selectors.match("v", "m", "1-0-0", {"a"})
    assert not selectors.match("v", "m", "1-0-0", {"b"})


@pytest.mark.parametrize("column", ["contexts", "derived_contexts"])
def test_an_event_carries_the_ids_of_all_its_specifications(column):
    entities = [
        (f"{SPECIFICATION}/1-0-0", {"id": "a"}),
        ("com.acme/other/jsonschema/1-0-0", {"id": "c"}),
        (f"{SPECIFICATION}/1-0-3", {"id": "b", "name": "B"}),
    ]
    assert carrying(*entities, column=column) == {"a", "b"}


@pytest.mark.parametrize("data", [None, [], "a", {}, {"id": None}, {"id": 7}, {"ID": "a"}])
def test_a_specification_without_a_text_as_id_is_none(data):
    wrong = (f"{SPECIFICATION}/1-0-0", data)
    assert carrying(wrong) == frozenset()
    assert carrying(wrong, (f"{SPECIFICATION}/1-0-0", {"id": "a"})) == {"a"}


def test_another_major_version_is_another_schema():
    assert carrying((f"{SPECIFICATION}/2-0-0", {"id": "a"})) == frozenset()


def test_entities_that_are_no_json_make_the_event_malformed():
    columns = {"event_id": "e", "collector_tstamp": "2026-11-22 10:00:00.123", "contexts": "{"}
    line = "\t".join(columns.get(name, "") for name in ATOMIC_COLUMNS)
    with pytest.raises(MalformedEventError):
        carried_specifications(parse_event(line.encode()))

"""Agentic contexts: what they may hold, and that they are records like the others."""

import json

import pytest

from definitions import (
    AttributeKey,
    EventLog,
    EventLogAtomicProperty,
    EventLogEntityProperty,
    EventLogEvent,
    EventLogEventProperty,
    EventSelection,
    domain_sessionid,
)
from definitions.catalog import Catalog
from definitions.life_cycle import delete, publish, unpublish
from definitions.records import RecordError, from_record, from_registry, record_key, to_record

URL = EventLogAtomicProperty(name="page_url")
PRICE = EventLogEntityProperty(
    vendor="com.example", name="product", major_version=1, path="a.price"
)
TERM = EventLogEventProperty(vendor="com.example", name="search", major_version=1, path="term")


def event_log(*properties, **fields):
    given = {
        "name": "ctx",
        "attribute_key": domain_sessionid,
        "events": [
            EventSelection(event=EventLogEvent(name="page_view"), properties=properties or [URL])
        ],
        "max_events": 20,
        "max_age_seconds": 600,
    }
    return EventLog(**{**given, **fields})


def problems(*objects):
    return [(one.code, one.place) for one in Catalog.empty().with_objects(objects).problems()]


def test_its_record_is_read_back():
    one = event_log(URL, PRICE, TERM, prompt="be brief", is_published=True)
    assert record_key(one) == "event_log/ctx"
    assert from_record("event_log/ctx", to_record(one)) == one
    assert problems(one) == []


def test_it_is_published_unpublished_and_deleted_as_others_are():
    published = publish(Catalog.empty(), [event_log()])
    assert published.problems == []
    assert [record_key(one) for one in published.catalog.published()] == ["event_log/ctx"]
    away = unpublish(published.catalog, ["event_log/ctx"]).catalog
    assert list(away.published()) == []
    assert list(delete(away, ["event_log/ctx"]).catalog) == []


def test_a_registered_key_is_not_deleted_while_it_is_kept_by_it():
    key = AttributeKey(name="domain_sessionid", key="domain_sessionid")
    step = delete(Catalog.empty().with_objects([key, event_log()]), [record_key(key)])
    assert [problem.code for problem in step.problems] == ["in_use"]


def test_it_is_kept_by_session():
    other = event_log(attribute_key=AttributeKey(name="user_id"))
    assert problems(other) == [("unsupported", "event_log ctx / attribute_key")]


def test_two_values_of_one_name_need_an_output_name():
    named = PRICE.model_copy(update={"path": "b.price"})
    assert problems(event_log(PRICE, named)) == [
        ("duplicate_attribute", "event_log ctx / event 1 / properties")
    ]
    other = named.model_copy(update={"output_name": "b"})
    assert problems(event_log(PRICE, other)) == []


def test_a_path_is_checked_as_that_of_an_attribute():
    wild = PRICE.model_copy(update={"path": "a[*]"})
    assert problems(event_log(wild)) == [("path", "event_log ctx / event 1 / property 1 / path")]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"max_events": 101}, "range"),
        ({"max_age_seconds": 3601}, "range"),
        ({"events": []}, "range"),
        ({"prompt": "p" * 3801}, "text"),
        ({"description": "d" * 1025}, "text"),
        ({"attribute_key": None}, "type"),
        ({"events": [{"event": {"version": "1-0-0", "major_version": 1}, "properties": []}]}, None),
    ],
)
def test_its_bounds_are_those_of_the_product(change, code):
    raw = {**json.loads(to_record(event_log())), **change}
    with pytest.raises(RecordError) as caught:
        from_registry("event_log", json.dumps(raw).encode())
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ([code] if code else ["shape", "range"])

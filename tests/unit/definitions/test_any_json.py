"""Registry JSON with anything in any place: read, or refused with problems; never an exception."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from definitions.catalog import Catalog
from definitions.life_cycle import create, publish, replace
from definitions.records import RecordError, from_record, from_registry, record_key, to_record

ATOMIC = {"type": "atomic", "name": "page_url"}
ENTITY = {
    "type": "entity", "vendor": "com.a", "name": "p", "major_version": 1, "path": "a[0].b",
    "index": 0,
}  # fmt: skip
ATTRIBUTE = {
    "name": "a",
    "type": "string",
    "aggregation": "last",
    "period": "PT5M",
    "default_value": "x",
    "events": [{"name": "page_view", "vendor": "com.a", "version": "1-0-0"}],
    "property": {"type": "calculated", "operation": "concat", "properties": [ATOMIC, ENTITY]},
    "criteria": {
        "all": [{"property": ATOMIC, "operator": "like", "value": "%a%"}],
        "any": [{"property": ENTITY, "operator": "in", "value": [1, "b"]}],
    },
}
GROUP = {
    "name": "g",
    "version": 1,
    "owner": "a@example.com",
    "attribute_key": {"name": "user_id", "property": ATOMIC | {"name": "user_id"}, "ttl": "P1D"},
    "ttl": "P7D",
    "is_published": True,
    "attributes": [
        ATTRIBUTE,
        {"name": "n", "type": "int32", "aggregation": "counter", "events": []},
    ],
}
WAREHOUSE = {
    "name": "w",
    "owner": "a@example.com",
    "offline": True,
    "attribute_key": {"name": "C", "external_column": "C"},
    "fields": [{"name": "F", "type": "int32"}],
    "batch_source": {
        "name": "s", "timestamp_field": "T", "database": "D", "schema": "S", "table": "B",
    },
    "refresh_rate": "PT1H",
}  # fmt: skip
LEAF = {"attribute": "g:n", "operator": ">", "value": 1}
RULE = {
    "name": "r",
    "version": 1,
    "owner": "a@example.com",
    "is_published": True,
    "cooldown": "PT1H",
    "criteria": {
        "all": [LEAF, {"any": [LEAF]}, {"none": [{"attribute": "g:a", "operator": "is null"}]}]
    },
    "target_attribute_keys": [{"name": "user_id"}],
    "payload_attribute_groups": [{"name": "g", "version": 1}],
}
LOG = {
    "name": "l",
    "attribute_key": {"name": "domain_sessionid"},
    "events": [
        {"event": {"name": "v", "major_version": 1}, "properties": [ATOMIC, ENTITY, ATOMIC]}
    ],
    "max_events": 5,
    "max_age_seconds": 60,
}
OBJECTS = {
    "attribute_key": {"name": "k", "property": ENTITY, "ttl": "P1D", "owner": "me"},
    "attribute_group": GROUP,
    "warehouse": WAREHOUSE,
    "service": {
        "name": "s",
        "owner": "a@example.com",
        "is_published": True,
        "attribute_groups": [{"name": "g", "version": 1}],
    },
    "intervention": RULE,
    "event_log": LOG,
}
KNOWN = publish(
    Catalog.empty(), [from_registry("attribute_group", json.dumps(GROUP).encode())]
).catalog

PARTS = [ATOMIC, ENTITY, ATTRIBUTE, LEAF, {"all": [LEAF]}, {"all": 5}, {"any": [{}]}, {"none": {}}]
ANY = st.sampled_from(PARTS) | st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["P1D", "g:n", "changed", "is null", "in", "like", "a@b.com", "%", "1e400"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))
        else:
            yield (*path, key)


@st.composite
def changed(draw, kind):
    """An object of a kind in which up to three places hold something else, or nothing."""
    found = copy.deepcopy(OBJECTS[kind])
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(found))[1:]))
        holder = found
        for part in path[:-1]:
            holder = holder[part]
        if draw(st.booleans()) and isinstance(holder, dict):
            del holder[path[-1]]
        else:
            holder[path[-1]] = copy.deepcopy(draw(ANY))
        if not found:
            break
    return found


@pytest.mark.filterwarnings("ignore::definitions.UnknownFieldWarning")
@pytest.mark.parametrize("kind", OBJECTS)
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_is_read_or_refused_with_problems(kind, data):
    raw = data.draw(changed(kind))
    content = json.dumps(raw).encode()
    name = "attribute_group" if kind == "warehouse" else kind
    try:
        definition = from_registry(name, content)
    except RecordError as error:
        refused = error.problems
    else:
        assert from_record(record_key(definition), to_record(definition)) == definition
        for step in (create(KNOWN, definition), replace(KNOWN, definition)):
            assert all(problem.hint for problem in step.problems)
        return
    assert refused
    assert all(problem.hint and problem.message for problem in refused)
    with pytest.raises(RecordError):
        from_record(f"{name}/{raw.get('name')}", content)

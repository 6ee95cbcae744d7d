"""The good definitions, as records of the topic go by."""

import json
from typing import Any

import pytest

from processor.streaming.definitions.catalog_log import CatalogLog, DefinitionRecord


def group(version: int = 1, *, attribute: str = "views", **changed: Any) -> dict[str, Any]:
    return {
        "name": "g",
        "version": version,
        "attribute_key": {"name": "domain_userid"},
        "owner": "a@example.com",
        "is_published": True,
        "attributes": [
            {"name": attribute, "type": "int32", "aggregation": "counter", "events": []}
        ],
        **changed,
    }


def rule(attribute: str) -> dict[str, Any]:
    return {
        "name": "r",
        "version": 1,
        "owner": "a@example.com",
        "is_published": True,
        "criteria": {"attribute": attribute, "operator": ">", "value": 3},
        "target_attribute_keys": [{"name": "domain_userid"}],
    }


def service() -> dict[str, Any]:
    return {
        "name": "s",
        "owner": "a@example.com",
        "is_published": True,
        "attribute_groups": [{"name": "g", "version": 1}],
    }


def record(offset: int, key: str, value: Any) -> DefinitionRecord:
    return DefinitionRecord(offset, key, None if value is None else json.dumps(value).encode())


def test_records_are_judged_together_whatever_their_order() -> None:
    log = CatalogLog()
    refused = log.take(
        [record(0, "intervention/r/1", rule("g:views")), record(1, "attribute_group/g/1", group())]
    )
    assert refused == []
    assert log.offset == 1
    assert set(log.values) == {"intervention/r/1", "attribute_group/g/1"}


def test_the_last_record_of_a_key_counts() -> None:
    log = CatalogLog()
    broken = DefinitionRecord(0, "attribute_group/g/1", b"{")
    assert log.take([broken, record(1, "attribute_group/g/1", group())]) == []


def test_a_record_that_cannot_be_right_is_refused_and_the_good_one_stays() -> None:
    log = CatalogLog()
    log.take([record(0, "attribute_group/g/1", group())])
    good = log.values["attribute_group/g/1"]
    for number, bad in enumerate((b"{", b"[]", json.dumps({**group(), "attributes": []}).encode())):
        (refusal,) = log.take([DefinitionRecord(number + 1, "attribute_group/g/1", bad)])
        assert refusal.good == good
        assert refusal.problems
    assert log.catalog.attribute_groups["g", 1].attributes[0].name == "views"
    assert log.offset == 3


def test_a_rule_on_an_attribute_that_does_not_exist_is_refused() -> None:
    log = CatalogLog()
    log.take([record(0, "attribute_group/g/1", group())])
    (refusal,) = log.take([record(1, "intervention/r/1", rule("g:unknown"))])
    assert refusal.record.key == "intervention/r/1"
    assert refusal.good is None
    assert log.catalog.interventions == {}


def test_a_key_that_is_not_of_a_definition_is_refused() -> None:
    (refusal,) = CatalogLog().take([record(0, "nonsense", {"a": 1})])
    assert refusal.problems[0].code == "record_key"


def test_an_unpublished_group_puts_its_service_out_of_force_only() -> None:
    log = CatalogLog()
    log.take([record(0, "attribute_group/g/1", group()), record(1, "service/s", service())])
    assert log.take([record(2, "attribute_group/g/1", group(is_published=False))]) == []
    assert set(log.catalog.services) == {"s"}
    assert log.catalog.published().services == {}
    log.take([record(3, "attribute_group/g/1", group())])
    assert set(log.catalog.published().services) == {"s"}


def test_a_tombstone_deletes() -> None:
    log = CatalogLog()
    log.take([record(0, "attribute_group/g/1", group())])
    assert log.take([record(1, "attribute_group/g/1", None)]) == []
    assert log.values == {}
    assert log.catalog.attribute_groups == {}


def test_a_refused_rule_is_in_force_once_its_group_is_there() -> None:
    log = CatalogLog()
    (refusal,) = log.take([record(0, "intervention/r/1", rule("g:views"))])
    assert refusal.record.offset == 0
    assert log.take([record(1, "attribute_group/g/1", group())]) == []
    assert set(log.catalog.published().interventions) == {("r", 1)}


def test_a_record_is_refused_once() -> None:
    log = CatalogLog()
    assert len(log.take([record(0, "intervention/r/1", rule("g:views"))])) == 1
    assert log.take([record(1, "attribute_group/h/1", {**group(), "name": "h"})]) == []
    assert len(log.take([record(2, "intervention/r/1", rule("g:other"))])) == 1


def test_what_is_in_force_does_not_depend_on_how_records_came_together() -> None:
    records = [
        record(0, "intervention/r/1", rule("g:views")),
        record(1, "attribute_group/g/1", group()),
        record(2, "attribute_group/g/1", None),
        record(3, "service/s", service()),
        record(4, "attribute_group/g/1", group()),
        DefinitionRecord(5, "service/s", b"{"),
    ]
    together, apart = CatalogLog(), CatalogLog()
    together.take(records[:5])
    together.take(records[5:])
    for one in records:
        apart.take([one])
    assert set(together.values) == set(apart.values)
    assert list(together.catalog) == list(apart.catalog)


KEYS = (
    "", "/", "attribute_group", "attribute_group/", "attribute_group/g/1", "attribute_group/g/1/2",
    "attribute_key/k", "service/s", "intervention/r/1", "event_log/l", "none/n", "\ufffd", "\0",
    "service/" + "s" * 100_000,
)  # fmt: skip
VALUES = (
    b"", b"{", b"null", b"[]", b"1e999", b"\xff", b"\0", b"[" * 100_000, b'{"name":[]}',
    b'{"name":{"a":1},"version":[],"offline":[1],"fields":{}}', b'{"name":"\\ud800"}',
    b'{"name":"g","attributes":[[]],"attribute_key":[],"owner":{}}',
    b'{"name":"r","criteria":{"all":[[[]]]},"version":1e400}',
    b'{"name":"s","attribute_groups":[null,[],{"name":[]}],"is_published":[]}',
    b'{"version":' + b"9" * 5_000 + b"}",
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::definitions.UnknownFieldWarning")
def test_no_record_ends_the_feed() -> None:
    log = CatalogLog()
    log.take([record(0, "attribute_group/g/1", group())])
    offset = 0
    for key in KEYS:
        for value in VALUES:
            offset += 1
            (refused,) = log.take([DefinitionRecord(offset, key, value)])
            assert refused.record.offset == offset
            assert refused.problems
    assert set(log.values) == {"attribute_group/g/1"}

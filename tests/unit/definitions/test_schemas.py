"""The JSON Schemas in schemas/ are those of the code, and the messages of the contract fit them."""

import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from definitions.schemas import schema_files, write_schemas

SCHEMAS = Path(__file__).parents[3] / "schemas"

INTERVENTION = {
    "schema": "iglu:io.processor/intervention/jsonschema/1-0-0",
    "data": {
        "intervention_id": "8b1a9953-c461-5296-a827-abf8c47804d7",
        "name": "cart_nudge",
        "version": 1,
        "origin": "rule",
        "target_attribute_key": {"name": "domain_userid", "id": "8b1"},
        "attributes": {
            "ecommerce:total_cart_value": 129.5,
            "ecommerce:seen": ["a", "b"],
            "ecommerce:categories": {"shoes": 2},
            "ecommerce:coupon": None,
        },
        "fired_at": "2026-11-22T10:00:00.123Z",
        "trigger": {
            "event_id": "e1",
            "event_name": "page_view",
            "derived_tstamp": None,
            "topic": "enriched",
            "partition": 3,
            "offset": 1234,
        },
        "because": [
            {
                "attribute": "ecommerce:total_cart_value",
                "group_version": 2,
                "operator": ">",
                "value": 100,
                "before": 80.0,
                "after": 129.5,
            }
        ],
        "definitions_offset": 42,
    },
}
DEAD_LETTER = {
    "reason": "column_count",
    "detail": "12 columns, not 131",
    "topic": "enriched",
    "partition": 0,
    "offset": 7,
    "timestamp": 1763805600000,
    "value_base64": "YWJj",
    "worker_version": "0.1.0",
}


def message_schema(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / "messages" / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_files_are_those_of_the_code():
    written = {
        str(path.relative_to(SCHEMAS)): path.read_text()
        for path in (SCHEMAS / "definitions").glob("*.json")
    }
    assert written == schema_files()


def test_the_files_are_written_below_the_directory(tmp_path):
    write_schemas(tmp_path)
    assert (tmp_path / "definitions" / "service.json").read_text() == schema_files()[
        "definitions/service.json"
    ]


@pytest.mark.parametrize("name", ["intervention", "dead_letter"])
def test_message_schemas_describe_themselves(name):
    schema = json.loads((SCHEMAS / "messages" / f"{name}.json").read_text())
    assert schema["self"] == {
        "vendor": "io.processor",
        "name": name,
        "format": "jsonschema",
        "version": "1-0-0",
    }


def test_the_intervention_of_a_rule_fits():
    message_schema("intervention").validate(INTERVENTION)


def test_a_pushed_intervention_has_no_trigger():
    pushed = copy.deepcopy(INTERVENTION)
    pushed["data"]["origin"] = "push"
    assert not message_schema("intervention").is_valid(pushed)
    del pushed["data"]["trigger"], pushed["data"]["because"]
    message_schema("intervention").validate(pushed)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("extra", 1),
        ("fired_at", "2026-11-22 10:00:00"),
        ("intervention_id", "x"),
        ("attributes", {"no colon": 1}),
        ("attributes", {"g:a": [[1]]}),
        ("origin", "other"),
    ],
)
def test_an_intervention_of_another_form_does_not_fit(field, value):
    wrong = copy.deepcopy(INTERVENTION)
    wrong["data"][field] = value
    assert not message_schema("intervention").is_valid(wrong)


def test_a_dead_letter_fits_and_its_reasons_are_closed():
    schema = message_schema("dead_letter")
    schema.validate(DEAD_LETTER)
    assert not schema.is_valid({**DEAD_LETTER, "reason": "other"})
    assert not schema.is_valid({**DEAD_LETTER, "more": 1})
    assert not schema.is_valid({**DEAD_LETTER, "value_base64": "a"})

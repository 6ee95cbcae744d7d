import dataclasses
import json

import pytest
from msgspec.structs import replace

from processor.events import Source, Trigger
from processor.interventions import Because, Fired, encode_message
from processor.limits import (
    INTERVENTION_BYTES_MAX,
    LONG_TEXT_CHARS,
    RESULT_VALUES_MAX,
    VALUE_CHARS_MAX,
)

FIRED = Fired(
    name="cart_nudge",
    version=1,
    intervention_id="2f1b3c4d-0000-5000-8000-000000000000",
    target_key="domain_userid",
    target_id="8b1",
    attributes={"ecommerce:total_cart_value": 129.5, "ecommerce:last_page": None},
    trigger=Trigger(
        "e1", "page_view", "2026-11-22 10:00:00.1", Source("enriched", 3), 1234, 1_795_341_600_123
    ),
    because=[Because("ecommerce:total_cart_value", 2, ">", 100, 80.0, 129.5)],
    definitions_offset=42,
)


def decoded(fired):
    return json.loads(encode_message(fired))


def test_the_message_has_the_public_form():
    assert decoded(FIRED) == {
        "schema": "iglu:io.processor/intervention/jsonschema/1-0-0",
        "data": {
            "intervention_id": "2f1b3c4d-0000-5000-8000-000000000000",
            "name": "cart_nudge",
            "version": 1,
            "origin": "rule",
            "target_attribute_key": {"name": "domain_userid", "id": "8b1"},
            "attributes": {"ecommerce:total_cart_value": 129.5, "ecommerce:last_page": None},
            "fired_at": "2026-11-22T10:00:00.123Z",
            "trigger": {
                "event_id": "e1",
                "event_name": "page_view",
                "derived_tstamp": "2026-11-22T10:00:00.100Z",
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


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("2026-11-22 10:00:00", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22 10:00:00.12", "2026-11-22T10:00:00.120Z"),
        ("2026-11-22 10:00:00.123", "2026-11-22T10:00:00.123Z"),
        ("", None),
    ],
)
def test_the_timestamp_of_the_trigger_has_milliseconds_or_is_null(column, expected):
    trigger = replace(FIRED.trigger, derived_tstamp=column)
    message = decoded(dataclasses.replace(FIRED, trigger=trigger))
    assert message["data"]["trigger"]["derived_tstamp"] == expected


def test_whole_seconds_keep_their_milliseconds():
    trigger = replace(FIRED.trigger, time_ms=1_795_341_600_000)
    fired = dataclasses.replace(FIRED, trigger=trigger)
    assert decoded(fired)["data"]["fired_at"] == "2026-11-22T10:00:00.000Z"


def test_a_sum_beyond_64_bits_is_written_in_full():
    fired = dataclasses.replace(FIRED, attributes={"g:é": 2**70})
    assert decoded(fired)["data"]["attributes"] == {"g:é": 2**70}


def test_lists_and_maps_are_told_as_json():
    attributes = {"g:list": ["a", 1, True], "g:map": {"x": 2}}
    because = [Because("g:list", 1, "changed", None, None, ["a", 1, True])]
    found = decoded(dataclasses.replace(FIRED, attributes=attributes, because=because))["data"]
    assert found["attributes"] == attributes
    assert found["because"][0]["after"] == ["a", 1, True]
    assert "left_out" not in found


def test_a_list_of_a_criterion_is_told():
    because = [Because("g:a", 1, "in", ("x", "y"), None, "x")]
    found = decoded(dataclasses.replace(FIRED, because=because))["data"]
    assert found["because"][0]["value"] == ["x", "y"]


def test_a_message_that_is_too_large_says_which_lists_and_maps_it_leaves_out():
    longest = ["x" * VALUE_CHARS_MAX] * RESULT_VALUES_MAX
    attributes = {f"g:list{number}": longest for number in range(20)}
    because = [Because("g:other", 1, "changed", None, {"a": 1}, {"a": 2})]
    fired = dataclasses.replace(FIRED, attributes={**attributes, "g:a": 5}, because=because)
    assert len(encode_message(fired)) < INTERVENTION_BYTES_MAX
    found = decoded(fired)["data"]
    assert found["left_out"] == sorted([*attributes, "g:other"])
    assert found["attributes"] == {**dict.fromkeys(attributes), "g:a": 5}
    assert (found["because"][0]["before"], found["because"][0]["after"]) == (None, None)


def test_a_message_of_long_texts_alone_that_is_too_large_says_which_it_leaves_out():
    longest, short = "\1" * VALUE_CHARS_MAX, "\1" * LONG_TEXT_CHARS
    attributes = {f"g:text{number:03}": longest for number in range(200)}
    because = [Because("g:text000", 1, "!=", "x", short, longest)]
    fired = dataclasses.replace(
        FIRED, attributes={**attributes, "g:short": short, "g:list": ["a"]}, because=because
    )
    assert len(encode_message(fired)) < INTERVENTION_BYTES_MAX
    found = decoded(fired)["data"]
    assert found["left_out"] == sorted([*attributes, "g:list"])
    assert found["attributes"]["g:short"] == short
    assert (found["because"][0]["before"], found["because"][0]["after"]) == (short, None)

import dataclasses

import pytest

from definitions.catalog import Catalog
from processor.clock import wall_ms
from processor.engine import compile_plan, new_coverage

PATH = "/api/v1/profiles"
KEY = "domain_userid"
ALL = {
    "ecom_attributes_v1:count_product_views",
    "ecom_attributes_v1:count_add_to_cart",
    "ecom_attributes_v1:total_cart_value",
    "ecom_recent_v1:product_views_15m",
    "ecom_recent_v1:last_product_15m",
}
LIFETIME = {name for name in ALL if name.startswith("ecom_attributes")}


async def test_without_a_choice_every_attribute_of_the_key_is_read(client, busiest):
    answer = (await client.post(PATH, json={"key": KEY, "ids": [busiest, "nobody"]})).json()
    assert abs(answer["now_ms"] - wall_ms()) < 60_000
    assert set(answer["profiles"]) == {busiest, "nobody"}
    assert set(answer["profiles"][busiest]) == ALL


async def test_a_group_is_read_in_its_latest_version(client, busiest):
    body = {"key": KEY, "ids": [busiest], "group": "ecom_recent"}
    values = (await client.post(PATH, json=body)).json()["profiles"][busiest]
    assert set(values) == {one for one in ALL if one.startswith("ecom_recent")}


async def test_a_service_is_read_by_its_name(client, busiest):
    body = {"key": KEY, "ids": [busiest], "service": "ecom_attributes"}
    assert set((await client.post(PATH, json=body)).json()["profiles"][busiest]) == ALL


async def test_no_ids_give_no_profiles(client):
    answer = await client.post(PATH, json={"key": KEY, "ids": []})
    assert answer.json()["profiles"] == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"key": "nokey", "ids": ["a"]}, 404),
        ({"key": KEY, "ids": ["a"], "group": "ecom_attributes", "version": 9}, 404),
        ({"key": "user_id", "ids": ["a"], "group": "ecom_attributes"}, 404),
        ({"key": KEY, "ids": ["a"] * 1001}, 422),
        ({"key": KEY, "ids": ["a"], "version": 1}, 422),
        ({"key": KEY, "ids": ["a"], "group": "g", "service": "s"}, 422),
        ({"ids": ["a"]}, 422),
    ],
)
async def test_a_wrong_request_is_refused(client, body, status):
    answer = await client.post(PATH, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


async def test_what_is_not_complete_says_since_when(client, worker, busiest):
    answer = await client.post(PATH, json={"key": KEY, "ids": [busiest]})
    assert "since" not in answer.json()
    worker.kept = new_coverage()
    worker.kept.note(compile_plan(Catalog.empty()), 0)
    worker.kept.note(dataclasses.replace(worker.plan, definitions_offset=7), 1_700_000_000_000)
    wanted = ["ecom_recent_v1:product_views_15m", *sorted(LIFETIME)]
    body = {"key": KEY, "ids": [busiest, "nobody"], "attributes": wanted}
    since = (await client.post(PATH, json=body)).json()["since"]
    assert set(since) == {busiest, "nobody"}
    assert since[busiest] == dict.fromkeys(LIFETIME, "2023-11-14T22:13:20.000Z")

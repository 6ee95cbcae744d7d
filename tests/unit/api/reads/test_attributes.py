import httpx
import pytest

from processor.engine import Plan

PATH = "/api/v1/get-online-attributes"
KEY = "domain_userid"
VIEWS = "ecom_attributes_v1:count_product_views"


async def test_a_service_is_read_in_columns_in_the_order_of_the_ids(client, busiest):
    body = {"attribute_keys": {KEY: ["nobody", busiest]}, "service": "ecom_attributes"}
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 200
    columns = answer.json()
    assert columns[KEY] == ["nobody", busiest]
    assert columns["count_product_views"][0] == 0
    assert columns["count_product_views"][1] > 3
    assert columns["last_product_15m"] == [None, None]


async def test_attributes_are_read_by_their_full_names(client, busiest):
    body = {"attribute_keys": {KEY: [busiest]}, "attributes": [VIEWS]}
    columns = (await client.post(PATH, json=body)).json()
    assert set(columns) == {KEY, "count_product_views"}


async def test_full_attribute_names_name_group_and_version(client, busiest):
    body = {
        "attribute_keys": {KEY: [busiest]},
        "attributes": [VIEWS],
        "full_attribute_names": True,
    }
    columns = (await client.post(PATH, json=body)).json()
    assert set(columns) == {KEY, VIEWS}


async def test_values_are_those_of_the_profile(client, worker, busiest):
    plan: Plan = worker.plan
    body = {"attribute_keys": {KEY: [busiest]}, "service": "ecom_attributes"}
    columns = (await client.post(PATH, json=body)).json()
    profile = worker.profiles[KEY, busiest]
    for attribute in plan.group_attributes("ecom_attributes"):
        assert columns[attribute.name] == [attribute.read(profile, 0)]


async def test_an_id_given_twice_has_two_places(client, busiest):
    body = {"attribute_keys": {KEY: [busiest, busiest]}, "attributes": [VIEWS]}
    columns = (await client.post(PATH, json=body)).json()
    assert columns[KEY] == [busiest, busiest]
    assert len(columns["count_product_views"]) == 2


async def test_a_key_that_the_service_does_not_have_is_a_column_of_its_ids_alone(client):
    body = {"attribute_keys": {"user_id": ["u"]}, "service": "ecom_attributes"}
    assert (await client.post(PATH, json=body)).json() == {"user_id": ["u"]}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"attribute_keys": {KEY: ["a"]}, "service": "nope"}, 404, "no live service 'nope'"),
        ({"attribute_keys": {KEY: ["a"]}, "attributes": ["nope_v1:a"]}, 404, "'nope'"),
        ({"attribute_keys": {KEY: ["a"]}, "attributes": ["ecom_attributes_v1:x"]}, 404, "x"),
        ({"attribute_keys": {KEY: ["a"]}, "attributes": ["no full name"]}, 422, "is not group_vN"),
        ({"attribute_keys": {KEY: ["a"]}, "attributes": ["web:views"]}, 422, "such as web_v1:"),
        ({"attribute_keys": {KEY: ["a"]}}, 422, "either a service or a list"),
        ({"attribute_keys": {KEY: ["a"]}, "service": "s", "attributes": [VIEWS]}, 422, "either"),
        ({"attribute_keys": {}, "service": "ecom_attributes"}, 422, "attribute_keys"),
        ({"attribute_keys": {KEY: [""]}, "service": "ecom_attributes"}, 422, "1 to 256"),
        ({"attribute_keys": {KEY: ["a" * 257]}, "service": "ecom_attributes"}, 422, "1 to 256"),
        ({"attribute_keys": {KEY: ["a"] * 1001}, "service": "ecom_attributes"}, 422, "1001 ids"),
        ({"attribute_keys": {"user_id": ["a"]}, "attributes": [VIEWS]}, 422, "kept by"),
        (["not an object"], 422, "body"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(client, body, status, says):
    answer: httpx.Response = await client.post(PATH, json=body)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert says in answer.json()["error"]


async def test_broken_json_is_a_wrong_request(client):
    headers = {"content-type": "application/json"}
    answer = await client.post(PATH, content=b'{"attribute_keys":', headers=headers)
    assert answer.status_code == 422
    assert "JSON" in answer.json()["error"]


async def test_half_a_character_as_an_id_is_a_wrong_request(client):
    headers = {"content-type": "application/json"}
    body = b'{"attribute_keys":{"domain_userid":["\\ud800"]},"service":"ecom_attributes"}'
    answer = await client.post(PATH, content=body, headers=headers)
    assert answer.status_code == 422

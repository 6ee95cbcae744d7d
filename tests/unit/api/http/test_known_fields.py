import pytest

KEY = "domain_userid"
VIEWS = "ecom_attributes_v1:count_product_views"
ONLINE = {"attribute_keys": {KEY: ["a"]}, "attributes": [VIEWS]}
PROFILES = {"key": KEY, "ids": ["a"]}
GROUPS = {"attribute_groups": [{"name": "ecom_attributes", "version": 1}]}


@pytest.mark.parametrize(
    ("path", "body", "misspelt", "meant"),
    [
        ("get-online-attributes", ONLINE, "servce", "service"),
        ("get-online-attributes", ONLINE, "full_attribute_name", "full_attribute_names"),
        ("profiles", PROFILES, "atributes", "attributes"),
        ("interventions?user_id=a", {"name": "n", "version": 1}, "atributes", "attributes"),
        ("engines/publish", GROUPS, "service", "services"),
        ("testing/attribute_groups/", {}, "attribute_grup", "attribute_group"),
    ],
)
async def test_a_misspelt_field_is_refused_with_the_one_that_was_meant(
    client, path, body, misspelt, meant
):
    answer = await client.post(f"/api/v1/{path}", json={**body, misspelt: 1})
    assert answer.status_code == 422
    assert f"there is no field '{misspelt}' - did you mean '{meant}'?" in answer.text


async def test_what_a_newer_client_sends_is_ignored(client):
    extra = {f"extra{number}": 1 for number in range(2_000)}
    body = {**ONLINE, **extra, "x" * 10_000: 1, "consistency": "strong"}
    answer = await client.post("/api/v1/get-online-attributes", json=body)
    assert answer.status_code == 200

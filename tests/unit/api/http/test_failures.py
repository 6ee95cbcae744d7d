import pytest

from processor.errors import StateError

PATH = "/api/v1/profiles"
BODY = {"key": "domain_userid", "ids": ["a"]}


async def test_an_unexpected_error_shows_no_trace(client, worker, monkeypatch):
    def break_down(key, identifier):
        message = "secret detail"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(worker, "committed_profile", break_down)
    answer = await client.post(PATH, json=BODY)
    assert answer.status_code == 500
    assert set(answer.json()) == {"error"}
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


async def test_an_error_of_the_state_is_told(client, worker, monkeypatch):
    def break_down(key, identifier):
        message = "a window chunk is missing"
        raise StateError(message)

    monkeypatch.setattr(worker, "committed_profile", break_down)
    answer = await client.post(PATH, json=BODY)
    assert answer.status_code == 500
    assert answer.json()["error"] == "a window chunk is missing"


async def test_an_unknown_path_is_told_in_the_same_form(client):
    answer = await client.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"error": "nothing exists at this path - /docs lists all paths"}


async def test_a_method_that_a_path_does_not_take_is_told_with_those_that_it_takes(client):
    answer = await client.delete("/api/v1/registry/services/")
    assert answer.status_code == 405
    assert answer.headers["allow"]
    (mistake,) = answer.json()["detail"]
    assert mistake["type"] == "method_not_allowed"
    assert "/docs" in mistake["msg"]


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("POST", "/api/v1/registry/services", "/api/v1/registry/services/"),
        ("PUT", "/api/v1/registry/services/a/", "/api/v1/registry/services/a"),
        ("POST", "/api/v1/get-online-attributes/", "/api/v1/get-online-attributes"),
    ],
)
async def test_a_slash_too_few_or_too_many_is_told_and_not_redirected(client, method, path, right):
    """Clients that follow no redirect would have an answer without a text."""
    answer = await client.request(method, path, json={})
    assert answer.status_code == 404
    assert answer.text.count(f"nothing exists at this path - use {right}") == 1


async def test_the_page_of_the_api_is_also_where_the_product_has_it(client):
    answer = await client.get("/docs/")
    assert (answer.status_code, answer.headers["location"]) == (307, "../docs")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "Expecting property name enclosed in double quotes - correct the JSON"),
        (b"[]", "send a JSON object"),
    ],
)
async def test_a_body_of_the_right_type_is_told_what_is_wrong_in_it(client, body, says):
    headers = {"Content-Type": "application/json"}
    answer = await client.post(PATH, content=body, headers=headers)
    assert answer.status_code == 422
    assert says in answer.json()["error"]
    assert "Content-Type" not in answer.json()["error"]

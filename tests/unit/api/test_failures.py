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
    assert answer.json() == {"error": "nothing is at this path - /docs lists what there is"}


async def test_a_method_that_a_path_does_not_take_is_told_with_those_that_it_takes(client):
    answer = await client.delete("/api/v1/registry/services/")
    assert answer.status_code == 405
    assert answer.headers["allow"]
    (mistake,) = answer.json()["detail"]
    assert mistake["type"] == "method_not_allowed"
    assert "/docs" in mistake["msg"]

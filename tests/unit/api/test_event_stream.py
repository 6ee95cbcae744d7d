import pytest

PATH = "/api/v1/interventions?user_id=a"
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def refusing(client, worker):
    """A client of a worker that admits nobody."""
    worker.subscriptions.close()
    return client


@pytest.mark.parametrize("page", [{"Origin": "https://shop.example"}, {"Sec-Fetch-Mode": "cors"}])
async def test_a_page_that_is_refused_is_told_to_come_back(refusing, page):
    # After any status but 200 an EventSource never asks again.
    answer = await refusing.get(PATH, headers=STREAM | page)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    retry, comment, *rest = answer.text.split("\n\n")
    assert 4_000 <= int(retry.removeprefix("retry: ")) <= 8_000
    assert comment == (": this worker does not read interventions now - try again in a moment")
    assert rest == [""]


@pytest.mark.parametrize("headers", [STREAM, {"Origin": "https://shop.example"}])
async def test_another_client_that_is_refused_gets_the_status(refusing, headers):
    assert (await refusing.get(PATH, headers=headers)).status_code == 503


async def test_a_page_that_asks_wrongly_gets_the_status(client):
    page = STREAM | {"Origin": "https://shop.example"}
    assert (await client.get("/api/v1/interventions", headers=page)).status_code == 422

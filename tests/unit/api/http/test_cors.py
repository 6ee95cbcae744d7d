import pytest
from pydantic import ValidationError

from processor.api import create_api
from processor.settings import Settings

PATH = "/api/v1/interventions"
SHOP = "https://shop.example"
ASKS = {"Access-Control-Request-Method": "GET"}
ALLOWED = "access-control-allow-origin"


@pytest.fixture
def api_of(second, settings, client_of):
    second.subscriptions.close()  # a subscription is answered, and goes on no further

    def make(origins, **more):
        chosen = settings.model_copy(update={"cors_origins": origins, **more})
        return client_of(create_api(second, chosen))

    return make


@pytest.mark.parametrize(
    ("origins", "origin", "told"),
    [
        ("*", SHOP, "*"),
        (SHOP, SHOP, SHOP),
        (f" https://a.example, {SHOP} ,", SHOP, SHOP),
        (SHOP, "https://other.example", None),
        (SHOP, "http://shop.example", None),
        ("", SHOP, None),
    ],
)
async def test_a_page_of_an_origin_of_the_setting_may_ask_and_read(api_of, origins, origin, told):
    api = api_of(origins)
    headers = {"Origin": origin}
    asked = await api.options(PATH, headers=headers | ASKS)
    assert asked.headers.get(ALLOWED) == told
    assert asked.status_code == (400 if told is None else 200)
    for query, status in (("?user_id=a", 503), ("", 422)):
        answer = await api.get(PATH + query, headers=headers)
        assert (answer.status_code, answer.headers.get(ALLOWED)) == (status, told)


@pytest.mark.parametrize(("credentials", "told"), [(False, None), (True, "true")])
async def test_a_page_may_send_cookies_where_the_setting_says_so(api_of, credentials, told):
    """EventSource with withCredentials; the browser needs both headers, and no `*`."""
    api = api_of(f"https://a.example,{SHOP}", cors_credentials=credentials)
    for asked in (
        await api.options(PATH, headers={"Origin": SHOP} | ASKS),
        await api.get(f"{PATH}?user_id=a", headers={"Origin": SHOP, "Cookie": "a=b"}),
        await api.get(f"{PATH}?user_id=a", headers={"Origin": SHOP}),
    ):
        assert asked.headers.get("access-control-allow-credentials") == told
        assert asked.headers[ALLOWED] == SHOP
    other = await api.get(f"{PATH}?user_id=a", headers={"Origin": "https://b.example"})
    assert ALLOWED not in other.headers


@pytest.mark.parametrize("origins", ["*", f"{SHOP}, *"])
def test_cookies_of_any_page_are_a_wrong_setting(origins):
    with pytest.raises(ValidationError, match="PROCESSOR_CORS_ORIGINS"):
        Settings(_env_file=None, cors_origins=origins, cors_credentials=True)
    assert Settings(_env_file=None, cors_origins=SHOP, cors_credentials=True).cors_credentials


async def test_a_page_may_send_what_subscribing_needs(api_of):
    for header in ("Authorization", "Last-Event-ID", "Cache-Control"):
        headers = {"Origin": SHOP, "Access-Control-Request-Headers": header.lower(), **ASKS}
        assert (await api_of("*").options(PATH, headers=headers)).status_code == 200


async def test_a_page_may_not_push(api_of):
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
    assert (await api_of("*").options(PATH, headers=headers)).status_code == 400


@pytest.mark.parametrize("path", ["/api/v1/interventions/tokens", "/api/v1/registry/services/"])
async def test_nothing_else_is_shared_with_pages(api_of, path):
    answer = await api_of("*").options(path, headers={"Origin": SHOP} | ASKS)
    assert ALLOWED not in answer.headers
    assert answer.status_code == 405

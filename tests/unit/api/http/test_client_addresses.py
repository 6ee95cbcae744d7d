import pytest
from pydantic import ValidationError
from starlette.requests import Request

from processor.api.http.client_addresses import ClientAddresses
from processor.settings import Settings


def found(proxies: str, peer: str, *headers: str) -> str:
    scope = {
        "type": "http",
        "client": (peer, 1),
        "headers": [(b"x-forwarded-for", header.encode("latin-1")) for header in headers],
    }
    settings = Settings(_env_file=None, trusted_proxies=proxies)
    return ClientAddresses(settings).of(Request(scope))


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.7", "203.0.113.9", "::1"])
@pytest.mark.parametrize("proxies", ["", "192.0.2.1", "192.0.2.0/24, 2001:db8::/32"])
def test_without_a_proxy_that_is_named_the_header_says_nothing(proxies: str, peer: str) -> None:
    assert found(proxies, peer, "198.51.100.1") == peer


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ((), "10.0.0.7"),
        (("198.51.100.1",), "198.51.100.1"),
        (("198.51.100.1:51234",), "198.51.100.1"),
        (("2001:db8::5",), "2001:db8::5"),
        (("[2001:db8::5]:443",), "2001:db8::5"),
        (("::ffff:198.51.100.1",), "198.51.100.1"),
        (("1.1.1.1, 198.51.100.1",), "198.51.100.1"),  # what the client wrote itself does not count
        (("1.1.1.1", "198.51.100.1"), "198.51.100.1"),
        (("198.51.100.1, 10.0.0.8",), "198.51.100.1"),  # two proxies
        (("10.0.0.9, 10.0.0.8",), "10.0.0.9"),
        (("198.51.100.1, nonsense",), "10.0.0.7"),
        (("\x1b[2J",), "10.0.0.7"),
        ((",,,",), "10.0.0.7"),
    ],
)
def test_a_proxy_that_is_named_says_who_asks(headers: tuple[str, ...], client: str) -> None:
    assert found("10.0.0.0/24", "10.0.0.7", *headers) == client


@pytest.mark.parametrize("proxies", ["proxy.example", "10.0.0.0/33", "10.0.0", "*"])
def test_a_proxy_that_is_no_address_is_refused(proxies: str) -> None:
    with pytest.raises(ValidationError, match="not an address or network"):
        Settings(_env_file=None, trusted_proxies=proxies)

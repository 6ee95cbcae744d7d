"""Addresses of pages and what their queries say."""

import pytest

from processor.collector.addresses import query_columns, take_apart

PARTS = [
    (
        "https://user:pw@www.example.com:8443/a/b?x=1&y=%20#top?z",
        ("https", "www.example.com", "8443", "/a/b", "x=1&y=%20", "top?z"),
    ),
    ("http://Example.com", ("http", "Example.com", "80", "", "", "")),
    ("https://example.com/", ("https", "example.com", "443", "/", "", "")),
    ("http://[::1]:80/x", ("http", "[::1]", "80", "/x", "", "")),
    ("app:screen", ("app", "", "80", "screen", "", "")),
    ("/only/a/path?q", ("", "", "80", "/only/a/path", "q", "")),
    ("file:///tmp/a", ("file", "", "80", "/tmp/a", "", "")),
    ("https://exämple.com/ü", ("https", "exämple.com", "443", "/ü", "", "")),
]


@pytest.mark.parametrize(("url", "expected"), PARTS)
def test_an_address_is_taken_apart_as_it_stands(url, expected) -> None:
    assert take_apart(url)[1:] == expected


def test_spaces_are_encoded_and_controls_are_gone() -> None:
    assert take_apart("http://a.example/b c\n?d e").url == "http://a.example/b%20c?d%20e"


@pytest.mark.parametrize("url", ["http://[::1", "http://a:b/", "http://a:123456/", "http://a:1:2/"])
def test_an_address_without_a_host_where_one_must_stand_is_refused(url) -> None:
    with pytest.raises(ValueError, match="has no host"):
        take_apart(url)


def test_a_campaign_is_read_from_the_query() -> None:
    query = "utm_source=s%C3%BC&utm_medium=m+m&utm_term=t&utm_content=c&utm_campaign=x&utm_source=2"
    assert query_columns(query) == {
        "mkt_source": "2",
        "mkt_medium": "m m",
        "mkt_term": "t",
        "mkt_content": "c",
        "mkt_campaign": "x",
    }


@pytest.mark.parametrize(
    ("query", "network"),
    [("gclid=1", "Google"), ("msclkid=1", "Microsoft"), ("dclid=1", "DoubleClick"),
     ("dclid=2&gclid=1", "Google")],
)  # fmt: skip
def test_a_click_id_tells_its_network(query, network) -> None:
    assert query_columns(query) == {"mkt_clickid": "1", "mkt_network": network}


def test_a_decorated_link_tells_who_sent_the_visitor() -> None:
    columns = {"refr_domain_userid": "u1", "refr_dvce_tstamp": "2013-02-22 17:22:13.000"}
    assert query_columns("_sp=u1.1361553733000.more") == columns
    assert query_columns("_sp=u1") == {"refr_domain_userid": "u1"}
    assert query_columns("_sp=") == {}
    with pytest.raises(ValueError, match="_sp whose second part is not a time"):
        query_columns("_sp=u1.x")


def test_half_a_character_in_a_query_is_replaced() -> None:
    found = query_columns("utm_campaign=Sale%20%ED%A0%BD&utm_term=%ED%A0%BD%ED%B8%80")
    assert found == {"mkt_campaign": "Sale \ufffd", "mkt_term": "\U0001f600"}


def test_a_query_of_very_many_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="fields"):
        query_columns("a=1&" * 2_000)

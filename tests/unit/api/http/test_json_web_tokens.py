import base64

import jwt
import pytest

from processor.api.http.json_web_tokens import TokenKind
from processor.request_limits import CLOCKS_APART_S

KEY = b"k" * 32
NOW_S = 1_800_000_000
KIND = TokenKind(KEY, "us", 3600)
CLAIMS = {"sub": "app", "aud": "us", "iat": NOW_S, "exp": NOW_S + 60}
DEEP = base64.urlsafe_b64encode(b'{"a":' * 700 + b"}" * 700).rstrip(b"=").decode()


def signed(kind=KIND, **claims):
    return kind.sign({"sub": "app"} | claims, now_s=NOW_S, lifetime_s=60)


def forged(**changes):
    """A token with other claims, signed with the right key."""
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.api_jws.encode(str(claims).replace("'", '"').encode(), KEY, algorithm="HS256")


def said(token, now_s=NOW_S):
    return KIND.claims(token, now_s=now_s)


@pytest.mark.parametrize("now_s", [NOW_S, NOW_S + 59, NOW_S + 10_000, NOW_S - CLOCKS_APART_S])
def test_a_token_says_what_was_signed(now_s):
    """Whether it has ended is not looked at, and clocks may differ."""
    assert said(signed(), now_s) == CLAIMS


def test_a_token_is_what_any_library_reads():
    options = {"verify_exp": False, "verify_iat": False}
    found = jwt.decode(signed(), KEY, algorithms=["HS256"], audience="us", options=options)
    assert found == CLAIMS


def test_a_changed_token_says_nothing():
    header, _, signature = signed().split(".")
    other = signed(sub="admin").split(".")[1]
    assert said(f"{header}.{other}.{signature}") is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "opaque",
        "\u00e9.\u00e9.\u00e9",
        "\ud800.a.b",
        f"{DEEP}.{DEEP}.x",
        signed(TokenKind(b"o" * 32, "us", 3600)),
        signed(TokenKind(KEY, "others", 3600)),
        jwt.encode(CLAIMS, None, algorithm="none"),
        jwt.encode(CLAIMS, KEY * 2, algorithm="HS512"),
        forged(exp=None),
        forged(iat=None),
        forged(aud=None),
        forged(exp="soon"),
        forged(exp=NOW_S + 0.5),
        forged(iat="now"),
        forged(exp=NOW_S),
        forged(exp=NOW_S + 3601),
        forged(exp=2**63),
        forged(iat=NOW_S + CLOCKS_APART_S + 1, exp=NOW_S + CLOCKS_APART_S + 2),
        forged(aud=["us"]),
        signed().replace(".", ".!", 1),
        signed().split(".")[0] + "." + "W" * 4000 + ".x",
        signed(more="m" * 5000),
    ],
)
def test_what_is_no_token_of_the_kind_says_nothing(token):
    assert said(token) is None


def test_a_token_of_the_longest_time_is_one():
    assert said(forged(exp=NOW_S + 3600))

import base64

import jwt
import pytest

from processor.api.json_web_tokens import sign, signed_claims

KEY = b"k" * 32
OTHER_KEY = b"o" * 32
CLAIMS = {"sub": "app", "exp": 4_000_000_000}
ENDED = {"sub": "app", "exp": 1}
DEEP = base64.urlsafe_b64encode(b'{"a":' * 700 + b"}" * 700).rstrip(b"=").decode()


@pytest.mark.parametrize("claims", [CLAIMS, ENDED])
def test_a_token_says_what_was_signed(claims):
    assert signed_claims(KEY, sign(KEY, claims)) == claims


def test_a_token_is_what_any_library_reads():
    assert jwt.decode(sign(KEY, CLAIMS), KEY, algorithms=["HS256"]) == CLAIMS


def test_a_changed_token_says_nothing():
    header, _, signature = sign(KEY, CLAIMS).split(".")
    other = sign(KEY, {**CLAIMS, "sub": "admin"}).split(".")[1]
    assert signed_claims(KEY, f"{header}.{other}.{signature}") is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "opaque",
        "\u00e9.\u00e9.\u00e9",
        "\ud800.a.b",
        f"{DEEP}.{DEEP}.x",
        sign(OTHER_KEY, CLAIMS),
        jwt.encode(CLAIMS, None, algorithm="none"),
        jwt.encode(CLAIMS, KEY * 2, algorithm="HS512"),
        jwt.encode({"sub": "app"}, KEY, algorithm="HS256"),
        jwt.encode({"exp": "soon"}, KEY, algorithm="HS256"),
        sign(KEY, CLAIMS).replace(".", ".!", 1),
        sign(KEY, CLAIMS).split(".")[0] + "." + "W" * 4000 + ".x",
        sign(KEY, {**CLAIMS, "more": "m" * 5000}),
    ],
)
def test_what_is_no_token_of_the_key_says_nothing(token):
    assert signed_claims(KEY, token) is None

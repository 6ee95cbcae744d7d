import jwt
import pytest

from processor.api.json_web_tokens import claims_of, is_signed, sign

KEY = b"k" * 32
CLAIMS = {"sub": "app", "exp": 4_000_000_000}


def test_a_token_is_what_other_libraries_sign_and_read():
    token = sign(KEY, CLAIMS)
    assert jwt.decode(token, KEY, algorithms=["HS256"]) == CLAIMS
    assert claims_of(token) == CLAIMS
    assert is_signed(KEY, token)
    assert not is_signed(b"o" * 32, token)


def test_a_changed_token_is_not_signed():
    header, _, signature = sign(KEY, CLAIMS).split(".")
    other = sign(b"o" * 32, {**CLAIMS, "sub": "admin"}).split(".")[1]
    assert not is_signed(KEY, f"{header}.{other}.{signature}")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "opaque",
        "é.é.é",
        jwt.encode(CLAIMS, None, algorithm="none"),
        jwt.encode(CLAIMS, KEY * 2, algorithm="HS512"),
        jwt.encode({"sub": "app"}, KEY, algorithm="HS256"),
        jwt.encode({"exp": "soon"}, KEY, algorithm="HS256", headers={}),
        sign(KEY, CLAIMS).replace(".", ".!", 1),
        sign(KEY, CLAIMS).split(".")[0] + "." + "W" * 4000 + ".x",
        sign(KEY, CLAIMS).split(".")[0] + ".W1tb.x",
        sign(KEY, {**CLAIMS, "more": "m" * 5000}),
    ],
)
def test_what_is_no_token_of_this_kind_says_nothing(token):
    assert claims_of(token) is None

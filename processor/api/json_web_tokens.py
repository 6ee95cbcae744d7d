"""JSON Web Tokens of one kind: signed with HMAC-SHA256, with an end (`exp`)."""

from collections.abc import Mapping
from typing import Any, Final

import jwt

from processor.limits import TOKEN_CHARS_MAX

_ALGORITHM: Final = "HS256"


def sign(key: bytes, claims: Mapping[str, Any]) -> str:  # JSON values
    """Return a token. `claims` must hold `exp`, in seconds."""
    assert "exp" in claims, "a token without an end is never made"
    return jwt.encode(dict(claims), key, algorithm=_ALGORITHM)


def signed_claims(key: bytes, token: str) -> dict[str, Any] | None:  # JSON values
    """Return what a token says that was signed with the key; None for any other text.

    Whether it has ended is for the caller to see.
    """
    if len(token) > TOKEN_CHARS_MAX:
        return None
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            options={"require": ["exp"], "verify_exp": False, "verify_iat": False},
        )
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return None
    return claims if isinstance(claims["exp"], int) else None

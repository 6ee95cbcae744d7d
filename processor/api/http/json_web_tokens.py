"""JSON Web Tokens of one kind: signed with HMAC-SHA256, for one audience, from `iat` to `exp`.

All tokens are checked in the same way. The key of another kind, or a token for another audience, is
worthless, and no token is valid for longer than its kind allows, whatever it claims.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt

from processor.request_limits import CLOCKS_APART_S, TOKEN_CHARS_MAX

_ALGORITHM: Final = "HS256"
_CLAIMS: Final = ("aud", "iat", "exp")


@dataclass(frozen=True, slots=True)
class TokenKind:
    """The signing key, the audience, and the maximum lifetime of tokens in seconds."""

    key: bytes
    audience: str
    lifetime_s: int

    def sign(self, claims: Mapping[str, Any], *, now_s: int, lifetime_s: int) -> str:
        """Return a token that is valid from now on. `claims` are JSON values."""
        assert 0 < lifetime_s <= self.lifetime_s, "a token of this kind is never good for longer"
        times = {"aud": self.audience, "iat": now_s, "exp": now_s + lifetime_s}
        return jwt.encode({**claims, **times}, self.key, algorithm=_ALGORITHM)

    def claims(self, token: str, *, now_s: int) -> dict[str, Any] | None:  # JSON values
        """Return the claims of a token of this kind; None for any other text.

        The caller must check whether it has expired: `exp` is a time in seconds.
        """
        if len(token) > TOKEN_CHARS_MAX:
            return None
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self.key,
                algorithms=[_ALGORITHM],
                audience=self.audience,
                options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            return None
        given, ends = claims["iat"], claims["exp"]
        if type(given) is not int or type(ends) is not int or claims["aud"] != self.audience:
            return None
        right = given <= now_s + CLOCKS_APART_S and given < ends <= given + self.lifetime_s
        return claims if right else None

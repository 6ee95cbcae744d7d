"""JSON Web Tokens of one kind: signed with HMAC-SHA256, with an end (`exp`)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from processor.limits import TOKEN_CHARS_MAX

# Every token of ours begins with this; others are not looked at further.
_HEADER: Final = b'{"alg":"HS256","typ":"JWT"}'
_PARTS = 3


def sign(key: bytes, claims: Mapping[str, Any]) -> str:  # JSON values
    """Return a token. `claims` must hold `exp`, in seconds."""
    assert "exp" in claims, "a token without an end is never made"
    payload = json.dumps(claims, separators=(",", ":")).encode()
    signed = f"{_encode(_HEADER)}.{_encode(payload)}"
    return f"{signed}.{_encode(_mac(key, signed))}"


def claims_of(token: str) -> dict[str, Any] | None:  # JSON values
    """Return what a token says, whoever signed it; None where it is no token of this kind."""
    parts = token.split(".")
    if len(parts) != _PARTS or len(token) > TOKEN_CHARS_MAX or parts[0] != _encode(_HEADER):
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) and isinstance(claims.get("exp"), int) else None


def is_signed(key: bytes, token: str) -> bool:
    """Return whether a token of this kind was signed with the key."""
    signed, _, signature = token.rpartition(".")
    expected = _encode(_mac(key, signed))
    return hmac.compare_digest(expected.encode(), signature.encode())


def _mac(key: bytes, signed: str) -> bytes:
    return hmac.new(key, signed.encode(), hashlib.sha256).digest()


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

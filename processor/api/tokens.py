"""Who may do what: bearer tokens, known by their SHA-256 alone.

PROCESSOR_API_TOKENS is a comma-separated list of `name:scopes:sha256`: a name for people, scopes of
`read`, `write` and `push` joined with `+`, and the hex SHA-256 of the token.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.exceptions import HTTPException

from processor.errors import UsageError

SCOPES: Final = frozenset({"read", "write", "push"})
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_FIELDS = 3
_SHA256_HEX_CHARS = 64
_HINT = "write name:scopes:sha256, scopes of read, write, push joined with +, sha256 in hex"


@dataclass(frozen=True, slots=True)
class _Token:
    scopes: frozenset[str]
    digest: bytes


class Tokens:
    """The tokens of the setting; without any the API is open.

    Raises:
        UsageError: an entry is not `name:scopes:sha256`. The message has its name, not its hash.
    """

    def __init__(self, setting: str) -> None:
        entries = [entry.strip() for entry in setting.split(",") if entry.strip()]
        self._tokens = [_parse(entry) for entry in entries]

    def requires(self, scope: str) -> Callable[[Request], None]:
        """Return a dependency that refuses requests whose token does not have `scope`."""

        def check(request: Request) -> None:
            self._check(request.headers.get("authorization", ""), scope)

        return check

    def _check(self, authorization: str, scope: str) -> None:
        if not self._tokens:
            return
        kind, _, given = authorization.partition(" ")
        digest = hashlib.sha256(given.strip().encode()).digest()
        # Every token is compared, so that the time taken does not tell which one is near.
        found = [token for token in self._tokens if hmac.compare_digest(token.digest, digest)]
        if kind.lower() != "bearer" or not found:
            challenge = {"WWW-Authenticate": "Bearer"}
            raise HTTPException(_UNAUTHORIZED, "a valid bearer token is needed", challenge)
        if not any(scope in token.scopes for token in found):
            raise HTTPException(_FORBIDDEN, f"this token does not have the scope {scope!r}")


def _parse(entry: str) -> _Token:
    fields = entry.split(":")
    if len(fields) != _FIELDS:
        message = f"PROCESSOR_API_TOKENS: an entry has {len(fields)} fields where 3 are needed"
        raise UsageError(message, hint=_HINT)
    name, scopes_text, digest = fields
    scopes = frozenset(scopes_text.split("+"))
    if not scopes <= SCOPES:
        unknown = ", ".join(sorted(scopes - SCOPES))
        message = f"PROCESSOR_API_TOKENS: {name!r} has unknown scopes: {unknown!r}"
        raise UsageError(message, hint=_HINT)
    if len(digest) != _SHA256_HEX_CHARS or any(c not in "0123456789abcdefABCDEF" for c in digest):
        message = f"PROCESSOR_API_TOKENS: the hash of {name!r} is not 64 hex digits"
        raise UsageError(message, hint=_HINT)
    return _Token(scopes, bytes.fromhex(digest))

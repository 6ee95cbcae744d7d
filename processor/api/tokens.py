"""Who may do what: bearer tokens, known by their SHA-256 alone, and access tokens got for them.

PROCESSOR_API_TOKENS is a comma-separated list of `name:scopes:sha256`: a name for people, scopes of
`read`, `write` and `push` joined with `+`, and the hex SHA-256 of the token. A request carries the
token itself, or an access token: a JSON Web Token that every worker of the same settings gives for
name and token, and that is good for a day, as long as its entry stands in the setting.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from processor.api.json_web_tokens import sign, signed_claims
from processor.clock import wall_ms
from processor.errors import UsageError
from processor.limits import ACCESS_TOKEN_S
from processor.settings import Settings

SCOPES: Final = frozenset({"read", "write", "push"})
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_FIELDS = 3
_SHA256_HEX_CHARS = 64
_HINT = "write name:scopes:sha256, scopes of read, write, push joined with +, sha256 in hex"
# Shows in the API's document that a bearer token is taken; the check itself is ours.
_BEARER = HTTPBearer(
    scheme_name="token",
    description="A token of PROCESSOR_API_TOKENS, or an access token got for it.",
    auto_error=False,
)


@dataclass(frozen=True, slots=True)
class _Token:
    name: str
    scopes: frozenset[str]
    digest: bytes


# Who has no token where none is needed.
_ANYONE = _Token("anyone", SCOPES, b"")


class Tokens:
    """The tokens of the settings; without any the API is open.

    Raises:
        UsageError: an entry is not `name:scopes:sha256`. The message has its name, not its hash.
    """

    def __init__(self, settings: Settings) -> None:
        entries = [entry.strip() for entry in settings.api_tokens.split(",") if entry.strip()]
        self._tokens = [_parse(entry) for entry in entries]
        self._secret = settings.token_secret.encode()

    def requires(self, *scopes: str) -> Callable[..., Awaitable[None]]:
        """Return a dependency that refuses requests whose token has none of the scopes."""

        # Not a plain function: it would run in a thread, and wait for Python's lock there and back.
        async def check(
            request: Request,
            _: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None,
        ) -> None:
            self.check(request, *scopes)

        return check

    def access_token(self, name: str, token: str) -> str:
        """Return an access token with the scopes of a token.

        Raises:
            HTTPException: there is no such token of that name.
        """
        found = [one for one in self._given(token) if _same(one.name, name)]
        if self._tokens and not found:
            message = "X-API-Key-Id and X-API-Key must be name and token of PROCESSOR_API_TOKENS"
            raise HTTPException(_UNAUTHORIZED, message)
        entry = found[0] if found else _ANYONE
        now_s = wall_ms() // 1000
        claims = {"sub": entry.name, "iat": now_s, "exp": now_s + ACCESS_TOKEN_S}
        return sign(self._key(entry), claims)

    def check(self, request: Request, *scopes: str) -> None:
        """Refuse a request whose token has none of the scopes."""
        if not self._tokens:
            return
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        token = given.strip()
        found = self._given(token) or self._accessing(token)
        if kind.lower() != "bearer" or not found:
            challenge = {"WWW-Authenticate": "Bearer"}
            message = "a valid bearer token is needed - send Authorization: Bearer TOKEN"
            raise HTTPException(_UNAUTHORIZED, message, challenge)
        if not any(scope in one.scopes for one in found for scope in scopes):
            wanted = " or ".join(scopes)
            message = f"this token does not have the scope {wanted} - use one that has it"
            raise HTTPException(_FORBIDDEN, message)

    def _given(self, token: str) -> list[_Token]:
        """Return the entries of a token. All are compared: the time taken tells nothing."""
        digest = hashlib.sha256(token.encode()).digest()
        return [one for one in self._tokens if hmac.compare_digest(one.digest, digest)]

    def _accessing(self, token: str) -> list[_Token]:
        """Return the entries that an access token stands for."""
        signed = [(one, signed_claims(self._key(one), token)) for one in self._tokens]
        now_ms = wall_ms()
        return [one for one, claims in signed if claims and claims["exp"] * 1000 > now_ms]

    def _key(self, entry: _Token) -> bytes:
        """Return the key that signs what is given for an entry: a new token makes another key."""
        text = b"access token\0" + entry.name.encode() + b"\0" + entry.digest
        return hmac.new(self._secret, text, hashlib.sha256).digest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


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
    return _Token(name, scopes, bytes.fromhex(digest))

"""Permissions: bearer tokens, stored only as SHA-256, and access tokens issued for them.

PROCESSOR_API_TOKENS is a comma-separated list of `name:scopes:sha256`: a name for people, scopes of
SCOPES joined with `+`, and the hex SHA-256 of the token. A request contains the token itself, or an
access token: a JSON Web Token that every worker with the same settings issues for a name and its
token. It is valid for a day, as long as the setting has its entry. It is signed with the secret of
the workers; the hashes alone, which many people may see, cannot sign anything.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from processor.api.http.guarded_routes import Need
from processor.api.http.json_web_tokens import TokenKind
from processor.api.http.own_hosts import OwnHosts
from processor.api.http.token_secret import NEEDED, TokenSecret
from processor.api.http.worker_tokens import WorkerTokens, bearer
from processor.clock import wall_ms
from processor.errors import UsageError
from processor.request_limits import ACCESS_TOKEN_S
from processor.settings import Settings, listed

# What a token may do: read attributes and definitions, change definitions, push interventions, get
# subscribe tokens for any ids, and start what-if runs, which can show any column of any event.
SCOPES: Final = frozenset({"read", "write", "push", "subscribe", "test"})
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_FIELDS = 3
_SHA256_HEX_CHARS = 64
_HINT = (
    "write name:scopes:sha256, scopes of read, write, push, subscribe, test joined with +, sha256 "
    "in hex"
)
# Hashes of an empty variable, by `printf %s "$TOKEN" | sha256sum` and with `echo "$TOKEN"`.
_OF_NOTHING: Final = frozenset(hashlib.sha256(text).digest() for text in (b"", b"\n"))
# States in the API's document that a bearer token is accepted; the check itself is ours.
_BEARER = HTTPBearer(
    scheme_name="token",
    description="A token of PROCESSOR_API_TOKENS, or an access token issued for it.",
    auto_error=False,
)


@dataclass(frozen=True, slots=True)
class _Token:
    name: str
    scopes: frozenset[str]
    digest: bytes


# A client without a token if none is needed.
_ANYONE = _Token("anyone", SCOPES, b"")


class Tokens:
    """The tokens of the settings; without any the API is open.

    `workers` are the tokens that workers send to each other; `hosts` is a further need of all
    routes.

    Raises:
        UsageError: an entry is not `name:scopes:sha256`, or the setting has no entry. The message
            contains the name of an entry, not its hash.
    """

    def __init__(self, settings: Settings) -> None:
        self._tokens = [_parse(entry) for entry in listed(settings.api_tokens)]
        if settings.api_tokens and not self._tokens:
            message = "PROCESSOR_API_TOKENS is set but has no entry, which would leave the API open"
            raise UsageError(message, hint=_HINT)
        self._secret = TokenSecret(settings)
        self._audience = f"{settings.app_id}/api"
        self.hosts = OwnHosts(settings)
        self.workers = WorkerTokens(settings, self._secret)

    def requires(self, *scopes: str, workers: bool = False) -> Any:  # a dependency of FastAPI
        """Return a dependency that refuses requests whose token has none of the scopes.

        With `workers`, other workers need no scope.
        """
        return Depends(_TokenNeed(self, scopes, workers=workers))

    def access_token(self, name: str, token: str) -> str:
        """Return an access token with the scopes of a token.

        Raises:
            HTTPException: no entry has that name and token.
            UsageError: there is no secret to sign it with.
        """
        found = [one for one in self._given(token) if _same(one.name, name)]
        if self._tokens and not found:
            message = (
                "X-API-Key-Id and X-API-Key must be a name and its token in PROCESSOR_API_TOKENS"
            )
            raise HTTPException(_UNAUTHORIZED, message)
        if not self._secret:
            message = "this worker issues no access tokens"
            raise UsageError(message, hint=NEEDED)
        entry = found[0] if found else _ANYONE
        now_s = wall_ms() // 1000
        return self._kind(entry).sign({"sub": entry.name}, now_s=now_s, lifetime_s=ACCESS_TOKEN_S)

    def check(self, request: Request, *scopes: str) -> None:
        """Refuse a request whose token has none of the scopes."""
        if not self._tokens:
            return
        token = bearer(request.headers)
        found = self._given(token) or self._accessing(token)
        if not found:
            challenge = {"WWW-Authenticate": "Bearer"}
            message = "a valid bearer token is needed - send Authorization: Bearer TOKEN"
            raise HTTPException(_UNAUTHORIZED, message, challenge)
        if not any(scope in one.scopes for one in found for scope in scopes):
            wanted = " or ".join(scopes)
            message = f"this token does not have the scope {wanted} - use one that has it"
            raise HTTPException(_FORBIDDEN, message)

    def _given(self, token: str) -> list[_Token]:
        """Return the entries of a token. All are compared, so the time reveals nothing."""
        digest = hashlib.sha256(token.encode()).digest()
        return [one for one in self._tokens if hmac.compare_digest(one.digest, digest)]

    def _accessing(self, token: str) -> list[_Token]:
        """Return the entries for which an access token was issued."""
        if not self._secret:
            return []
        now_s = wall_ms() // 1000
        said = [(one, self._kind(one).claims(token, now_s=now_s)) for one in self._tokens]
        return [one for one, claims in said if claims and claims["exp"] > now_s]

    def _kind(self, entry: _Token) -> TokenKind:
        """Return the kind of an entry's access tokens: a new token or secret changes the key."""
        key = self._secret.key("access token", entry.name.encode(), entry.digest)
        return TokenKind(key, self._audience, ACCESS_TOKEN_S)


class _TokenNeed(Need):
    """The need of a token with one of some scopes; for FastAPI it is documentation only."""

    def __init__(self, tokens: Tokens, scopes: Sequence[str], *, workers: bool) -> None:
        self._tokens = tokens
        self._scopes = scopes
        self._workers = workers

    # Not a plain function: FastAPI would run it in a thread, and wait for Python's lock twice.
    async def __call__(
        self, _: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None
    ) -> None:
        """State in the API's document that a token is accepted."""

    def check(self, request: Request) -> None:
        if not (self._workers and self._tokens.workers.are_shown(request)):
            self._tokens.check(request, *self._scopes)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _parse(entry: str) -> _Token:
    fields = entry.split(":")
    if len(fields) != _FIELDS:
        message = f"PROCESSOR_API_TOKENS: an entry has {len(fields)} fields, needs 3"
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
    if bytes.fromhex(digest) in _OF_NOTHING:
        message = f"PROCESSOR_API_TOKENS: the hash of {name!r} is that of an empty token"
        raise UsageError(message, hint='is the variable set? printf %s "$TOKEN" | sha256sum')
    return _Token(name, scopes, bytes.fromhex(digest))

"""Short-lived tokens that name what their bearer may subscribe to.

They are for browsers, which must not hold an API token: a server of the site asks for one and gives
it to the page.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from fastapi import Request
from starlette.exceptions import HTTPException

from processor.api.json_web_tokens import sign, signed_claims
from processor.api.subscription import Target
from processor.api.targets import SUBSCRIBE_TOKEN
from processor.api.tokens import Tokens
from processor.clock import wall_ms
from processor.errors import UsageError
from processor.settings import Settings

_UNAUTHORIZED = 401
_FORBIDDEN = 403
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
# Enough of a hash that nobody finds another target with the same.
_MARK_BYTES = 12
_HINT: Final = "POST /api/v1/interventions/tokens gives one"


class SubscribeTokens:
    """Gives and checks subscribe tokens.

    Raises:
        UsageError: they are needed by the settings, and there is no secret to sign them with.
    """

    def __init__(self, settings: Settings, tokens: Tokens) -> None:
        secret = settings.token_secret.encode()
        if settings.subscribe_tokens and not secret:
            message = "PROCESSOR_SUBSCRIBE_TOKENS needs PROCESSOR_TOKEN_SECRET"
            raise UsageError(message, hint="give all workers the same secret of 32 bytes")
        self._needed = settings.subscribe_tokens
        self._key = hmac.new(secret, b"subscribe token", hashlib.sha256).digest() if secret else b""
        # An API without tokens lets everybody read; that must not open what needs a token.
        self._api_tokens = tokens if settings.api_tokens else None

    def give(self, targets: Iterable[Target], ends_s: int) -> str:
        """Return a token for these targets that ends at a time in seconds.

        Raises:
            UsageError: there is no secret to sign it with.
        """
        if not self._key:
            message = "this worker gives no subscribe tokens"
            raise UsageError(message, hint="set PROCESSOR_TOKEN_SECRET")
        marks = sorted(_mark(target) for target in targets)
        return sign(self._key, {"exp": ends_s, "targets": marks})

    def check(self, request: Request, targets: Iterable[Target]) -> None:
        """Refuse a subscription where the settings need a token and it has none for its targets.

        A token of the API that may read is as good.
        """
        if not self._needed:
            return
        token = request.query_params.get(SUBSCRIBE_TOKEN) or _bearer(request)
        claims = signed_claims(self._key, token)
        if claims is None:
            if self._api_tokens is not None:
                self._api_tokens.check(request, "read")
                return
            message = f"a valid subscribe token is needed - {_HINT}"
            raise HTTPException(_UNAUTHORIZED, message, _CHALLENGE)
        if claims["exp"] * 1000 <= wall_ms():
            message = f"the subscribe token has ended - {_HINT}"
            raise HTTPException(_UNAUTHORIZED, message, _CHALLENGE)
        if not {_mark(target) for target in targets} <= set(claims["targets"]):
            message = f"the subscribe token is not for all of these ids - {_HINT}"
            raise HTTPException(_FORBIDDEN, message)


def _bearer(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _mark(target: Target) -> str:
    """Return what stands for a target in a token: short, and it tells nobody the id."""
    digest = hashlib.sha256("\0".join(target).encode()).digest()
    return base64.urlsafe_b64encode(digest[:_MARK_BYTES]).decode()

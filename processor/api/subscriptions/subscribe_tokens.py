"""Short-lived tokens that name what their bearer may subscribe to.

They are for browsers, which must not have an API token: a server of the site requests one and
passes it to the page.
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import Final

from fastapi import Request
from starlette.exceptions import HTTPException

from processor.api.http.json_web_tokens import TokenKind
from processor.api.http.token_secret import NEEDED, TokenSecret
from processor.api.http.tokens import Tokens
from processor.api.http.worker_tokens import bearer
from processor.api.subscriptions.subscription import Target
from processor.api.subscriptions.targets import SUBSCRIBE_TOKEN
from processor.clock import wall_ms
from processor.errors import UsageError
from processor.request_limits import SUBSCRIBE_TOKEN_S_MAX
from processor.settings import Settings

_UNAUTHORIZED = 401
_FORBIDDEN = 403
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
# Enough bytes of a hash that nobody can find another target with the same ones.
_MARK_BYTES = 12
# An answer with a token must not be cached on the way.
NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_HINT: Final = "POST /api/v1/interventions/tokens gives one"


class SubscribeTokens:
    """Issues and checks subscribe tokens.

    Raises:
        UsageError: the settings require them, and there is no secret to sign them with.
    """

    def __init__(self, settings: Settings, tokens: Tokens) -> None:
        secret = TokenSecret(settings)
        if settings.subscribe_tokens and not secret:
            message = "PROCESSOR_SUBSCRIBE_TOKENS needs PROCESSOR_TOKEN_SECRET"
            raise UsageError(message, hint=NEEDED)
        self._needed = settings.subscribe_tokens
        key = secret.key("subscribe token") if secret else b""
        audience = f"{settings.app_id}/subscriptions"
        self._kind = TokenKind(key, audience, SUBSCRIBE_TOKEN_S_MAX)
        # Without API tokens, anyone may read; that must not open subscriptions that need a token.
        self._api_tokens = tokens if settings.api_tokens else None

    def give(self, targets: Iterable[Target], *, now_s: int, lifetime_s: int) -> str:
        """Return a token for these targets.

        Raises:
            UsageError: there is no secret to sign it with.
        """
        if not self._kind.key:
            message = "this worker issues no subscribe tokens"
            raise UsageError(message, hint=NEEDED)
        marks = sorted(_mark(target) for target in targets)
        return self._kind.sign({"targets": marks}, now_s=now_s, lifetime_s=lifetime_s)

    def check(self, request: Request, targets: Iterable[Target]) -> None:
        """Refuse a subscription without a token for its targets if the settings require one.

        An API token with the scope `read` is accepted, too.
        """
        if not self._needed:
            return
        token = request.query_params.get(SUBSCRIBE_TOKEN) or bearer(request.headers)
        claims = self._kind.claims(token, now_s=wall_ms() // 1000)
        if claims is None:
            if self._api_tokens is not None:
                self._api_tokens.check(request, "read")
                return
            message = f"a valid subscribe token is needed - {_HINT}"
            raise HTTPException(_UNAUTHORIZED, message, _CHALLENGE)
        if claims["exp"] * 1000 <= wall_ms():
            message = f"the subscribe token has expired - {_HINT}"
            raise HTTPException(_UNAUTHORIZED, message, _CHALLENGE)
        if not {_mark(target) for target in targets} <= set(claims["targets"]):
            message = f"the subscribe token does not cover all of these ids - {_HINT}"
            raise HTTPException(_FORBIDDEN, message)


def _mark(target: Target) -> str:
    """Return a short mark of a target for a token, which does not reveal the id."""
    digest = hashlib.sha256("\0".join(target).encode()).digest()
    return base64.urlsafe_b64encode(digest[:_MARK_BYTES]).decode()

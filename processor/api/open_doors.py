"""What the settings leave open: refused unless a setting allows it, logged if one does."""

import structlog

from processor.api.http.own_hosts import is_loopback
from processor.api.http.token_secret import NEEDED
from processor.api.http.tokens import Tokens
from processor.api.subscriptions.subscribe_tokens import SubscribeTokens
from processor.errors import UsageError
from processor.settings import Settings

log = structlog.get_logger(__name__)


def check_access(settings: Settings) -> None:
    """Refuse settings with which an API must not start.

    Raises:
        UsageError: tokens or their secret are invalid, or the API would be open to other machines
            and no setting allows that.
    """
    SubscribeTokens(settings, Tokens(settings))
    if settings.api_tokens or settings.allow_open_api or is_loopback(settings.http_host):
        return
    message = f"the API would be open to anyone who can reach {settings.http}"
    hint = "set PROCESSOR_API_TOKENS, or PROCESSOR_ALLOW_OPEN_API=true if that is intended"
    raise UsageError(message, hint=hint)


def tell_open_doors(settings: Settings) -> None:
    """Log a warning for everything that is open, and for everything that cannot work."""
    if not settings.api_tokens:
        log.warning("api_is_open", hint="set PROCESSOR_API_TOKENS")
        return
    if not settings.subscribe_tokens:
        hint = "anyone who knows an id can follow it: set PROCESSOR_SUBSCRIBE_TOKENS=true"
        log.warning("subscriptions_are_open", hint=hint)
    if not settings.token_secret:
        log.warning("no_token_secret", lost="access tokens, several workers", hint=NEEDED)

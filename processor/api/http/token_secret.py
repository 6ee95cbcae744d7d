"""The secret of the workers, and the keys derived from it: one for each kind of token."""

import hashlib
import hmac
from typing import Final

from processor.errors import UsageError
from processor.request_limits import TOKEN_SECRET_BYTES_MIN
from processor.settings import Settings

NEEDED: Final = (
    f"set PROCESSOR_TOKEN_SECRET to {TOKEN_SECRET_BYTES_MIN} random bytes or more, the same on all "
    "workers: openssl rand -hex 32"
)


class TokenSecret:
    """The secret of the settings. Without one there are no keys.

    Raises:
        UsageError: it is so short that it could be guessed.
    """

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.token_secret.encode()
        if self._secret and len(self._secret) < TOKEN_SECRET_BYTES_MIN:
            message = f"PROCESSOR_TOKEN_SECRET has {len(self._secret)} bytes"
            raise UsageError(message, hint=NEEDED)

    def __bool__(self) -> bool:
        """Whether there is a secret."""
        return bool(self._secret)

    def key(self, purpose: str, *parts: bytes) -> bytes:
        """Return the key for a purpose and the given parts."""
        assert self._secret, "nothing is signed without a secret"
        text = b"\0".join([purpose.encode(), *parts])
        return hmac.new(self._secret, text, hashlib.sha256).digest()

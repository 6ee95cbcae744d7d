"""Hands runs to agents as they are: no codec, no copy."""

from collections.abc import Awaitable, Callable
from typing import Any

import faust


class RunSchema(faust.Schema):
    """A schema whose values are runs."""

    def compile(
        self,
        app: Any,
        *,
        on_key_decode_error: Any = None,
        on_value_decode_error: Any = None,
        default_propagate: bool = False,
    ) -> Callable[..., Awaitable[Any]]:
        """Return a function that makes Faust's event of a message whose value is a run."""
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = default_propagate) -> Any:
            return create_event(None, message.value, message.headers, message)

        return decode

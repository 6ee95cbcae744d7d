"""The metrics as text, created at most once a second, however often they are requested.

Creating the text takes milliseconds of the event loop: with two scrapers, or one that scrapes every
tenth of a second, that would be part of the load.
"""

from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, generate_latest

from processor import request_limits
from processor.clock import monotonic_s


class Exposition:
    """The metrics of a registry in the Prometheus text format.

    `refresh` sets the metrics that are computed only on request.
    """

    def __init__(self, registry: CollectorRegistry, refresh: Callable[[], Awaitable[None]]) -> None:
        self._registry = registry
        self._refresh = refresh
        self._text = b""
        self._made_s = -request_limits.METRICS_AGE_S

    async def text(self) -> bytes:
        """Return the metrics, at most METRICS_AGE_S old."""
        if not self._text or monotonic_s() - self._made_s >= request_limits.METRICS_AGE_S:
            await self._refresh()
            self._made_s = monotonic_s()
            self._text = generate_latest(self._registry)
        return self._text

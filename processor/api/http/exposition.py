"""The metrics as text, created at most once a second, however often they are requested.

Creating the text takes milliseconds of the event loop: with two scrapers, or one that scrapes every
tenth of a second, that would be part of the load.

Every sample has the label `stage` of the process that it comes from. The process of the profile
stage also shows the metrics of the source process beside it.
"""

from collections.abc import Awaitable, Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

from processor import request_limits
from processor.clock import monotonic_s

_HEAD = b"# HELP "


class Exposition:
    """The metrics of a registry in the Prometheus text format.

    Args:
        registry: the metrics of this process.
        stage: the stage of this process.
        refresh: sets the metrics that are computed only on request.
        beside: returns the text of the process beside this one.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        stage: str,
        refresh: Callable[[], Awaitable[None]],
        beside: Callable[[], Awaitable[bytes]],
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_OfStage(registry, stage))
        self._refresh = refresh
        self._beside = beside
        self._text = b""
        self._made_s = -request_limits.METRICS_AGE_S

    async def text(self) -> bytes:
        """Return the metrics, at most METRICS_AGE_S old."""
        if not self._text or monotonic_s() - self._made_s >= request_limits.METRICS_AGE_S:
            await self._refresh()
            beside = await self._beside()
            self._made_s = monotonic_s()
            self._text = merged(generate_latest(self._registry), beside)
        return self._text


class _OfStage:
    """The metrics of a registry, each sample with the stage."""

    def __init__(self, registry: CollectorRegistry, stage: str) -> None:
        self._registry = registry
        self._stage = stage

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [
                one._replace(labels={**one.labels, "stage": self._stage}) for one in metric.samples
            ]
            yield metric


def merged(one: bytes, other: bytes) -> bytes:
    """Return two texts as one, in which each metric has its head once and the samples of both."""
    if not other:
        return one
    blocks = dict(_blocks(one))
    for head, samples in _blocks(other):
        blocks[head] = blocks.get(head, b"") + samples
    return b"".join(head + samples for head, samples in blocks.items())


def _blocks(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the head (HELP and TYPE) and the samples of each metric."""
    for block in text.split(_HEAD)[1:]:
        help_, type_, samples = block.split(b"\n", 2)
        yield _HEAD + help_ + b"\n" + type_ + b"\n", samples

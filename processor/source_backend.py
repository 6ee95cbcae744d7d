"""What the API of a source process needs of it."""

from collections.abc import Mapping

from processor.api import Degraded, Readiness
from processor.streaming.source.native_code import code_in_use
from processor.streaming.source_worker import SourceWorker


class SourceProcess:
    """The source process, as its API sees it."""

    def __init__(self, streaming: SourceWorker) -> None:
        self._streaming = streaming
        self.stage: str = streaming.stage

    async def reach(self, offset: int) -> int:
        """Wait until this process uses the definitions up to `offset`; return what it uses."""
        return await self._streaming.definitions.use_up_to(offset)

    def readiness(self) -> Readiness:
        """Return whether it reads what the group has given to it."""
        reason = self._streaming.not_ready()
        degraded = tuple(Degraded(*one.told) for one in self._streaming.faults())
        offset = self._streaming.definitions.plan.definitions_offset
        return Readiness(not reason, reason, 1.0, degraded, code_in_use(), offset)

    def stages(self) -> Mapping[str, Readiness]:
        """Return the same by stage."""
        return {self.stage: self.readiness()}

    async def metrics_beside(self) -> bytes:
        """Return nothing: the process of the profile stage shows the metrics of both."""
        return b""

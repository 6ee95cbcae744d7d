"""The URLs of the workers of the group, as each announces its own when it joins.

URLs are compared as Faust announces them: without the scheme's default port, the host in lower
case, and here without a slash at the end.
"""

import faust
from faust.types import TP

from processor.errors import NotReadyError
from processor.kafka.partitioner import Partitioner
from processor.settings import Settings


class WorkerUrls:
    """The workers of the group, and which of them owns a profile."""

    def __init__(self, settings: Settings, app: faust.App, partitioner: Partitioner) -> None:
        self._contributions_topic = settings.contributions_topic
        self._assignor = app.assignor
        self._partitioner = partitioner
        self._own = _plain(app.conf.canonical_url)

    def others(self) -> set[str]:
        """Return the URLs of the other workers of the group, including those without partitions."""
        return {_plain(url) for url in self._assignor.external_topic_distribution} - {self._own}

    def owner(self, key: str, identifier: str) -> str | None:
        """Return the URL of the worker that owns a profile; None if it is this one.

        Raises:
            NotReadyError: no worker is known to own it now.
        """
        tp = TP(self._contributions_topic, self._partitioner.partition(key, identifier))
        url = self._assignor._external_tps_url.get(tp)  # noqa: SLF001 - Faust's router reads it, too
        if url is None:
            message = f"no known worker owns {key} {identifier!r}"
            raise NotReadyError(message, hint="try again in a moment")
        found = _plain(url)
        return None if found == self._own else found


def _plain(url: object) -> str:
    return str(url).rstrip("/")

"""Server-sent events, line by line."""

import logging

log = logging.getLogger(__name__)

_MS = 1_000


class EventLines:
    """What the lines of one stream after the other say.

    `last_id` is where the next stream goes on, `retry_s` when to come back; None where unknown.
    """

    def __init__(self) -> None:
        self.last_id = ""
        self.retry_s: float | None = None
        self._id = ""
        self._data: list[str] = []

    def take(self, line: str) -> str | None:
        """The data of an event where the line ends one that has any."""
        if not line:
            return self._end()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self._id = value
        elif field == "retry" and value.isascii() and value.isdecimal():
            self.retry_s = int(value) / _MS
        elif not field and value:
            log.info("the worker says: %s", value)
        return None

    def begin(self) -> None:
        """Forget what an event began that its stream did not end."""
        self._id = self.last_id
        self._data = []

    def _end(self) -> str | None:
        self.last_id = self._id
        data, self._data = "\n".join(self._data), []
        return data or None

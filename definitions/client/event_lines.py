"""Server-sent events, line by line."""

import logging

log = logging.getLogger(__name__)

_MS = 1_000
# The comment with which a worker sends the position of a stream.
_POSITION = "id "


class EventLines:
    """The content of the lines of one stream after another.

    `last_id` is where the next stream continues; `retry_s` is when to reconnect, None if unknown.
    """

    def __init__(self) -> None:
        self.last_id = ""
        self.retry_s: float | None = None
        self._id = ""
        self._data: list[str] = []

    def take(self, line: str) -> str | None:
        """The data of an event, if the line ends an event that has data."""
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
        elif not field and value.startswith(_POSITION):
            self._id = self.last_id = value.removeprefix(_POSITION)
        elif not field and value:
            log.info("the worker says: %s", value)
        return None

    def begin(self) -> None:
        """Forget an event that its stream began and did not end."""
        self._id = self.last_id
        self._data = []

    def _end(self) -> str | None:
        self.last_id = self._id
        data, self._data = "\n".join(self._data), []
        return data or None

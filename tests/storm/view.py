"""What a storm shows while it goes on: on a terminal a line that moves, elsewhere lines."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from tests.storm.director import Director
from tests.storm.feed import Sending

LINE_EVERY_S = 10.0


class View:
    """Tells what happens, and keeps it in a file."""

    def __init__(self, log: Path, length: int) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._file = log.open("a", encoding="utf-8")
        self._length = length
        self._begun = time.monotonic()
        self._shown_at = self._begun

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()
        self._file.close()

    def tell(self, text: str) -> None:
        """Something that happened."""
        line = f"{time.monotonic() - self._begun:7.1f} s  {text}"
        self._console.print(escape(line))
        self._file.write(line + "\n")
        self._file.flush()

    def moves(self, text: str) -> None:
        """How far something is that takes a while."""
        if self._status is not None:
            self._status.update(escape(text))
        elif time.monotonic() - self._shown_at > LINE_EVERY_S:
            self._shown_at = time.monotonic()
            self.tell(text)

    def watch(self, director: Director, sending: Sending) -> None:
        """How far the storm is."""
        workers = list(director.workers.values())
        states = ", ".join(f"{one.name} {one.state.value}" for one in workers)
        self.moves(
            f"{director.progress(self._length)}: {sending.events} events, "
            f"{sending.resent} of them resent, {sum(one.kills for one in workers)} kills, "
            f"{sum(one.zombies for one in workers)} zombies, {director.broker.kills} broker kills; "
            f"{states}"
        )

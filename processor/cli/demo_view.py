"""The demo's output: a live screen on a terminal, plain lines elsewhere."""

from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from processor.cli.interventions import Message, described, local_time, why
from processor.cli.traffic import Traffic
from processor.limits import DEMO_INTERVENTIONS_MAX, DEMO_VISITORS_MAX
from processor.printable import printable

_SHORT_ID = 8
_SHORT_TEXT = 16
# Between two lines of attributes if there is no terminal.
_LINE_S = 5.0
# A visitor whose attributes have not changed for this long makes room for another.
_QUIET_S = 6.0

Values = dict[str, Any]  # JSON values by full name


@dataclass(slots=True)
class Demo:
    """What the demo has seen so far.

    `visitors` are the visitors shown, with their attributes; `moved_s` holds the time at which
    these last changed. `new` are the interventions since the last look. The sending thread writes
    `seen` (the ids of the latest events) and `sent`; the thread that shows the demo writes the
    rest.
    """

    visitors: dict[str, Values] = field(default_factory=dict)
    seen: deque[str] = field(default_factory=lambda: deque(maxlen=DEMO_VISITORS_MAX))
    interventions: deque[Message] = field(
        default_factory=lambda: deque(maxlen=DEMO_INTERVENTIONS_MAX)
    )
    new: list[Message] = field(default_factory=list)
    moved_s: dict[str, float] = field(default_factory=dict)
    fired: int = 0
    seconds: float = 0.0
    sent: Traffic = field(default_factory=Traffic)
    url: str = ""
    servers: str = ""

    def choose_visitors(self) -> None:
        """Replace visitors without activity by visitors of the latest events."""
        quiet = [one for one in self.visitors if self.seconds - self.moved_s[one] > _QUIET_S]
        while self.seen:
            visitor = self.seen.popleft()
            if visitor in self.visitors:
                continue
            if len(self.visitors) == DEMO_VISITORS_MAX:
                if not quiet:
                    continue
                gone = quiet.pop()
                del self.visitors[gone], self.moved_s[gone]
            self.visitors[visitor] = {}
            self.moved_s[visitor] = self.seconds

    def take(self, profiles: dict[str, Values]) -> None:
        """Store the current attributes of the visitors."""
        for visitor, values in profiles.items():
            if values != self.visitors[visitor]:
                self.moved_s[visitor] = self.seconds
                self.visitors[visitor] = values

    def note(self, message: Message) -> None:
        """Add an intervention that was read from the topic."""
        self.fired += 1
        self.new.append(message)
        self.interventions.append(message)

    def summary(self) -> str:
        """Return the last line of the output."""
        return (
            f"{self.sent.events} events sent, {self.fired} interventions read from the topic "
            f"in {self.seconds:.0f} s"
        )


class View(Protocol):
    """A context manager that shows a demo."""

    def show(self, demo: Demo) -> None:
        """Show the current state."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""


class ScreenView:
    """A full screen, redrawn at each look."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._before: dict[str, Values] = {}

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, demo: Demo) -> None:
        """Draw the screen."""
        head = Text.assemble(
            ("processor", "bold"),
            f"   API {demo.url}   Kafka {demo.servers}   {demo.seconds:4.0f} s   ",
            f"{demo.sent.events} events   {demo.fired} interventions   Ctrl-C ends",
        )
        body = Group(head, self._attributes(demo), _interventions(demo), _own_look(demo))
        self._live.update(body, refresh=True)
        self._before = dict(demo.visitors)

    def _attributes(self, demo: Demo) -> Table:
        table = Table(title="attributes of visitors", title_justify="left", expand=True)
        names = next((list(values) for values in demo.visitors.values() if values), [])
        table.add_column("visitor", style="cyan", no_wrap=True)
        for name in names:
            table.add_column(Text(printable(_short(name))), justify="right")
        for visitor, values in demo.visitors.items():
            before = self._before.get(visitor, {})
            cells = [
                _cell(values.get(name), moved=bool(before) and before.get(name) != values.get(name))
                for name in names
            ]
            table.add_row(Text(printable(visitor[:_SHORT_ID])), *cells)
        return table


class LinesView:
    """Lines: each intervention as it arrives, and visitors' attributes every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return

    def show(self, demo: Demo) -> None:
        """Print what is new."""
        for message in demo.new:
            self._line(Text("intervention  ") + described(message))
        if demo.seconds < self._next_s:
            return
        self._next_s = demo.seconds + _LINE_S
        for visitor, values in demo.visitors.items():
            if values:
                shown = [f"{_short(name)} {_text(value)}" for name, value in values.items()]
                self._line(Text(printable(f"attributes    {visitor}  {', '.join(shown)}")))
        self._line(Text(f"so far        {demo.summary()}"))

    def _line(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True, highlight=False)


def _own_look(demo: Demo) -> Text:
    """Return the command that shows one of the visitors in another terminal."""
    visitor = next(iter(demo.visitors), "ID")
    address = urlsplit(demo.url).netloc
    command = f"processor attributes domain_userid {visitor} --http {address}"
    return Text(printable(f"in another terminal: {command}"), style="dim")


def _interventions(demo: Demo) -> Panel:
    lines = []
    for message in reversed(demo.interventions):
        target = message["target_attribute_key"]
        line = Text(f"{local_time(message['fired_at'])}  ", no_wrap=True, overflow="ellipsis")
        line.append(printable(message["name"]), style="bold green")
        line.append("  for ").append(printable(str(target["id"])[:_SHORT_ID]), style="cyan")
        line.append("  because ")
        line.append(", and ".join(_short(why(one)) for one in message.get("because") or ()))
        lines.append(line)
    body = Group(*lines) if lines else Text("none yet")
    return Panel(body, title="interventions from the topic, latest first", title_align="left")


def _short(text: str) -> str:
    """Return `group:attribute …` without the group."""
    return text.partition(":")[2] or text


def _cell(value: object, *, moved: bool) -> Text:
    return Text(printable(_text(value)), style="bold yellow" if moved else "")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return "-" if value is None else str(value)[:_SHORT_TEXT]

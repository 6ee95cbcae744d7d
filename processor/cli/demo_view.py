"""What the demo shows: a screen that moves on a terminal, plain lines elsewhere."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from processor.cli.interventions import Message, described, local_time, why
from processor.cli.traffic import Traffic
from processor.limits import DEMO_INTERVENTIONS_MAX, DEMO_VISITORS_MAX

_SHORT_ID = 8
_SHORT_TEXT = 16
# Between two lines of attributes where there is no terminal.
_LINE_S = 5.0

Values = dict[str, Any]  # JSON values by full name


@dataclass(slots=True)
class Demo:
    """What was seen so far.

    `visitors` are those shown, with their attributes. `seen`, the ids of the last events, and
    `sent` are written by the thread that sends; everything else by the one that shows the demo.
    """

    visitors: OrderedDict[str, Values] = field(default_factory=OrderedDict)
    seen: deque[str] = field(default_factory=lambda: deque(maxlen=DEMO_VISITORS_MAX))
    interventions: deque[Message] = field(
        default_factory=lambda: deque(maxlen=DEMO_INTERVENTIONS_MAX)
    )
    fired: int = 0
    seconds: float = 0.0
    sent: Traffic = field(default_factory=Traffic)
    url: str = ""
    servers: str = ""

    def choose_visitors(self) -> None:
        """Show visitors of the last events; those that were shown longest make room."""
        while self.seen:
            self.visitors.setdefault(self.seen.popleft(), {})
        while len(self.visitors) > DEMO_VISITORS_MAX:
            self.visitors.popitem(last=False)

    def note(self, message: Message) -> None:
        """Take an intervention from the topic."""
        self.fired += 1
        self.interventions.append(message)

    def summary(self) -> str:
        """Return the line at the end."""
        return (
            f"{self.sent.events} events sent, {self.fired} interventions read from the topic "
            f"in {self.seconds:.0f} s"
        )


class View(Protocol):
    """Something that shows a demo while it is entered."""

    def show(self, demo: Demo) -> None:
        """Show what is known now."""

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
    """A screen of its own, drawn again at each look."""

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
        body = Group(head, self._attributes(demo), _interventions(demo))
        self._live.update(body, refresh=True)
        self._before = dict(demo.visitors)

    def _attributes(self, demo: Demo) -> Table:
        table = Table(title="attributes of visitors", title_justify="left", expand=True)
        names = next((list(values) for values in demo.visitors.values() if values), [])
        table.add_column("visitor", style="cyan", no_wrap=True)
        for name in names:
            table.add_column(_short(name), justify="right")
        for visitor, values in demo.visitors.items():
            before = self._before.get(visitor, {})
            cells = [
                _cell(values.get(name), moved=bool(before) and before.get(name) != values.get(name))
                for name in names
            ]
            table.add_row(visitor[:_SHORT_ID], *cells)
        return table


class LinesView:
    """Lines: each intervention as it comes, a visitor's attributes now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = 0
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
        new = min(demo.fired - self._shown, len(demo.interventions))
        for message in list(demo.interventions)[len(demo.interventions) - new :]:
            self._line(Text("intervention  ") + described(message))
        self._shown = demo.fired
        if demo.seconds < self._next_s:
            return
        self._next_s = demo.seconds + _LINE_S
        for visitor, values in demo.visitors.items():
            if values:
                shown = [f"{_short(name)} {_text(value)}" for name, value in values.items()]
                self._line(Text(f"attributes    {visitor}  {', '.join(shown)}"))
        self._line(Text(f"so far        {demo.summary()}"))

    def _line(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True, highlight=False)


def _interventions(demo: Demo) -> Panel:
    lines = []
    for message in reversed(demo.interventions):
        target = message["target_attribute_key"]
        line = Text(f"{local_time(message['fired_at'])}  ", no_wrap=True, overflow="ellipsis")
        line.append(message["name"], style="bold green")
        line.append("  for ").append(str(target["id"])[:_SHORT_ID], style="cyan")
        line.append("  because ")
        line.append(", and ".join(_short(why(one)) for one in message.get("because") or ()))
        lines.append(line)
    body = Group(*lines) if lines else Text("none yet")
    return Panel(body, title="interventions from the topic, the last first", title_align="left")


def _short(text: str) -> str:
    """Return what is left of `group:attribute …` without the group."""
    return text.partition(":")[2] or text


def _cell(value: object, *, moved: bool) -> Text:
    return Text(_text(value), style="bold yellow" if moved else "")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return "-" if value is None else str(value)[:_SHORT_TEXT]

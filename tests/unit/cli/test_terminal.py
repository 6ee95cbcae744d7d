"""What events, ids and errors hold does nothing to the terminal on which it is shown."""

import pytest

from tests.unit.cli.hostile import TEXTS, check, python_on_terminal

BEGIN = """
import json
from collections import OrderedDict
from rich.console import Console
from tests.unit.cli.hostile import TEXTS
texts = list(TEXTS)
because = {
    "attribute": "g:a", "operator": "=", "value": "x", "before": "y", "after": "z",
}
def message(text):
    return {
        "name": text, "version": 1, "fired_at": "2020-01-01T10:00:00Z",
        "target_attribute_key": {"name": "user_id", "id": "u"}, "because": [],
    }
"""
SHOWN = {
    "interventions, in every place": """
from processor.cli.interventions import described, read_message
console = Console(soft_wrap=True, highlight=False)
for text in texts:
    for one in (
        message(text),
        message("n") | {"version": text},
        message("n") | {"target_attribute_key": {"name": "k", "id": text}},
        message("n") | {"target_attribute_key": {"name": text, "id": "i"}},
        *(
            message("n") | {"because": [because | {part: text}]}
            for part in ("attribute", "value", "before", "after")
        ),
    ):
        assert read_message(json.dumps({"data": one}).encode()) == one
        console.print(described(one))
""",
    "attributes": """
from processor.cli.api_client import Reading
from processor.cli.attributes import _show
for text in texts:
    _show(text, Reading(0, {text: {"g:a": text, "g:l": [text]}}, {text: {"g:a": text}}))
""",
    "dead letters": """
from processor.cli.dead_letters import _show_list
from processor.settings import Settings
letters = OrderedDict(
    (text, {"reason": text, "detail": text, "timestamp": timestamp})
    for text, timestamp in zip(texts, [0, -1, None, "x", [], 10**30] * 3)
)
_show_list(letters, Settings(_env_file=None))
""",
    "the demo, lines": """
from processor.cli.demo_view import Demo, LinesView
demo = Demo()
for text in texts:
    demo.note(message(text))
demo.visitors = {text: {"g:" + text: text} for text in texts}
LinesView(Console()).show(demo)
""",
    "a log": """
from processor.logs import configure_logging
from processor.settings import Settings
import logging, structlog
configure_logging(Settings(_env_file=None))
log = structlog.get_logger()
for text in texts:
    log.warning("quoted", text=text, texts=[text], **{"error": ValueError(text)})
    logging.getLogger("library").error("%s", text)
    try:
        raise ValueError(text)
    except ValueError as error:
        log.error("failed", exc_info=error)
    # Lines of a trace stay lines.
    log.info("seen", text=text)
""",
    "an error of a command": """
from processor.cli.door import Door
import typer
app = typer.Typer(cls=Door, pretty_exceptions_enable=False)
from processor.errors import ProcessorError
import click
for text in texts:
    class One(Door):
        def get_command(self, ctx, name):
            raise ProcessorError(text, detail=text + "\\nmore", hint=text)
    try:
        One(name="x").main(["y"])
    except SystemExit:
        pass
""",
}


@pytest.mark.parametrize("what", SHOWN)
def test_nothing_is_done_on_a_terminal(what: str) -> None:
    written = python_on_terminal(BEGIN + SHOWN[what])
    if what == "a log":
        written = written.replace(rb"\\", b"\\")  # a list is quoted as Python quotes it
    check(written)


def test_the_screen_of_the_demo_shows_short_texts_and_does_nothing() -> None:
    code = """
from processor.cli.demo_view import Demo, ScreenView
console = Console()
assert console.is_terminal
demo = Demo()
with ScreenView(console) as view:
    for text in texts:
        demo.visitors = {text: {"g:a": text}}
        demo.note(message(text) | {"target_attribute_key": {"name": "k", "id": text}})
        view.show(demo)
"""
    written = python_on_terminal(BEGIN + code)
    for done, _ in TEXTS.values():
        if done not in {b"\x1b]", b"over\rwritten"}:
            assert done not in written
    assert b"\x1b]0" not in written
    assert rb"\x1b]0;own" in written
    assert b"[bold r" in written

"""The log of a process: structured lines on stderr, its own and those of the libraries.

Every value of a line for people is escaped: it can quote events, clients and errors.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from processor.clock import monotonic_s
from processor.printable import printable_lines
from processor.settings import Settings

_REPEAT_S = 60.0  # minimum time between two log lines with the same message of a library


def configure_logging(settings: Settings) -> None:
    """Write structured log lines, ours and those of the libraries, to stderr."""
    level = getattr(logging, settings.log_level.upper())
    renderers: list[Any] = (
        [structlog.processors.JSONRenderer()]
        if settings.log_json
        else [_printable_values, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(SeldomRepeated())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


def _printable_values(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> Any:
    """Make a log line safe for a terminal: it can quote events, clients and errors."""
    for name, value in line.items():
        if isinstance(value, str):
            line[name] = printable_lines(value)
    return line


class SeldomRepeated(logging.Filter):
    """Passes each message of a library once a minute: they repeat while Kafka is away."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record's message, apart from its values, is new for a minute."""
        text = str(record.msg)
        now = monotonic_s()
        if now - self._told.get(text, -_REPEAT_S) < _REPEAT_S:
            return False
        self._told[text] = now
        return True

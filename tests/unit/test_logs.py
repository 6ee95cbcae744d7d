import logging

import pytest

from processor import logs
from processor.logs import SeldomRepeated


def record(message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("library", logging.WARNING, "file", 1, message, values, None)


def test_a_message_of_a_library_passes_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(logs, "monotonic_s", lambda: now)
    seldom = SeldomRepeated()
    assert seldom.filter(record("node %s is away", 1))
    assert not seldom.filter(record("node %s is away", 2))
    assert seldom.filter(record("another message"))
    now += 59.0
    assert not seldom.filter(record("node %s is away", 1))
    now += 2.0
    assert seldom.filter(record("node %s is away", 1))

"""SIGTERM ends a command as Ctrl-C does; while it cleans up, neither can end it half-way."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_BOTH = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within, SIGTERM raises KeyboardInterrupt as SIGINT does."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in _BOTH}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Within, both signals are ignored."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _BOTH}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

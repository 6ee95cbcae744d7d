"""SIGTERM ends a command as Ctrl-C does; neither interrupts its cleanup."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_BOTH = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Inside this context, SIGTERM raises KeyboardInterrupt as SIGINT does."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in _BOTH}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside this context, both signals are ignored."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _BOTH}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

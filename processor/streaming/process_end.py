"""How a worker ends its own process: at a fault that a person has to look at, or at a long stop.

It ends at once, in the middle of whatever it does: nothing is sent or committed after that, and
another worker continues from what is committed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

import structlog

from processor.errors import ProcessorError

log = structlog.get_logger(__name__)

# Exit status of a worker that met what a person has to look at.
EXIT_FATAL = 70


def end_process(error: BaseException) -> None:
    """Log the error and end the process."""
    told = error if isinstance(error, ProcessorError) else repr(error)
    log.error("worker_stops", error=str(told), exc_info=None if told is error else error)
    os._exit(EXIT_FATAL)


@contextmanager
def stop_deadline(seconds: float) -> Iterator[None]:
    """End the process with status 0 if what is done within takes longer: Kafka does not answer.

    The deadline is kept by a thread: the event loop may wait for a call that blocks, and a task
    that is cancelled may not notice.
    """
    timer = Timer(seconds, _leave)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _leave() -> None:
    log.warning("stopped_without_kafka", hint="nothing is lost: unfinished records are read again")
    os._exit(0)

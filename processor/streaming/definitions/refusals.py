"""What happens to invalid records of the definitions topic."""

import asyncio
import random
from concurrent.futures import Executor

import structlog

from processor.clock import wall_ms
from processor.errors import BrokerError, ConflictError, DeadLetterReason
from processor.metrics import DEFINITIONS_REFUSED
from processor.settings import Settings
from processor.streaming.definitions.catalog_log import RefusedRecord
from processor.streaming.definitions.definitions_topic import DefinitionsWriter
from processor.streaming.messages.dead_letters import DeadLetters, Refused

log = structlog.get_logger(__name__)

# Between two attempts to write a good definition back, at least.
_RETRY_S = 0.3


class Refusals:
    """Logs refused records, sends them to the dead letters, and writes last good values back."""

    def __init__(self, settings: Settings, dead_letters: DeadLetters, executor: Executor) -> None:
        self._settings = settings
        self._dead_letters = dead_letters
        self._executor = executor
        self._to_restore: asyncio.Queue[RefusedRecord] = asyncio.Queue()

    def take(self, refusal: RefusedRecord) -> None:
        """Take a refused record."""
        DEFINITIONS_REFUSED.inc()
        _log_refusal(refusal)
        letter = _dead_letter(self._settings.definitions_topic, refusal)
        self._dead_letters.write(letter, lambda: None)
        if refusal.good is not None:
            self._to_restore.put_nowait(refusal)

    async def restore_forever(self) -> None:
        """Write last good definitions back, so that compaction cannot keep only bad ones.

        They are written one after another, because each write takes the lock of the topic. Every
        worker does this; the second worker finds nothing left to do.
        """
        writer = DefinitionsWriter(self._settings)
        while True:
            refusal = await self._to_restore.get()
            record = refusal.record
            while True:
                try:
                    await asyncio.get_running_loop().run_in_executor(
                        self._executor, writer.restore, record.key, refusal.good, record.value
                    )
                except (ConflictError, BrokerError) as error:
                    log.warning("definition_not_restored_yet", key=record.key, error=str(error))
                    await asyncio.sleep(_RETRY_S * (1 + random.random()))  # noqa: S311 - spread
                else:
                    break


def _log_refusal(refusal: RefusedRecord) -> None:
    """Log what was refused and why."""
    for problem in refusal.problems:
        log.error(
            "definition_refused", key=refusal.record.key, offset=refusal.record.offset,
            code=problem.code, place=problem.place, value=problem.value,
            message=problem.message, hint=problem.hint,
        )  # fmt: skip


def _dead_letter(topic: str, refusal: RefusedRecord) -> Refused:
    """Return the dead letter of a refused definition."""
    detail = "; ".join(f"{p.place}: {p.message}" for p in refusal.problems)
    return Refused(
        topic, 0, refusal.record.offset, wall_ms(), refusal.record.value or b"",
        DeadLetterReason.DEFINITION, detail,
    )  # fmt: skip

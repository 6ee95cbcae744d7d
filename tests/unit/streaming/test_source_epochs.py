"""The epoch of a source partition whose last one no commit tells."""

from typing import Any

import pytest

from processor.errors import BrokerError, StateFormatError
from processor.formats import NEWEST_LEVEL
from processor.settings import Settings
from processor.streaming.fetch.gates import Gate
from processor.streaming.source import source_partitions
from processor.streaming.source.source_partitions import SourcePartitions
from tests.unit.streaming.fakes import FakeDefinitions


@pytest.mark.parametrize("error", [BrokerError("away"), StateFormatError("unknown")])
async def test_what_could_not_be_read_once_is_read_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A restart of the partition must not meet the same failure until the next rebalance."""
    answers: list[Any] = [error, {("id", 0): 7}]

    def newest_epochs(_settings: Settings) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(source_partitions, "newest_epochs", newest_epochs)
    partitions = SourcePartitions(Settings(), FakeDefinitions())
    gate = Gate("source", 0, 1, "m", NEWEST_LEVEL)
    with pytest.raises(type(error)):
        await partitions._last_epoch(gate, "id")
    assert await partitions._last_epoch(gate, "id") == 7
    assert await partitions._last_epoch(gate, "id") == 7, "once in a generation"

"""Definitions come into force beside everything else that the event loop does."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from processor.settings import Settings
from processor.streaming.definitions.catalog_log import DefinitionRecord
from processor.streaming.definitions.definitions_topic import DefinitionsReader


def group(number: int) -> DefinitionRecord:
    value: dict[str, Any] = {
        "name": f"g{number}",
        "version": 1,
        "attribute_key": {"name": "domain_userid"},
        "owner": "a@example.com",
        "is_published": True,
        "attributes": [
            {"name": "views", "type": "int32", "aggregation": "counter", "events": []},
        ],
    }
    key = f"attribute_group/g{number}/1"
    return DefinitionRecord(number, key, json.dumps(value).encode())


@pytest.mark.asyncio
async def test_the_event_loop_goes_around_while_definitions_are_compiled() -> None:
    reader = DefinitionsReader(Settings(), ThreadPoolExecutor(1))
    before = reader.plan
    taking = asyncio.create_task(reader._take([group(number) for number in range(200)]))
    await asyncio.sleep(0)
    rounds = 0
    while not taking.done():
        assert reader.plan is before or reader.plan.definitions_offset == 199
        await asyncio.sleep(0.001)
        rounds += 1
    await taking
    assert rounds > 3
    assert len(reader.plan.group_attributes("g199")) == 1
    assert reader.catalog.published()


@pytest.mark.asyncio
async def test_what_is_refused_is_told_when_the_others_are_in_force() -> None:
    reader = DefinitionsReader(Settings(), ThreadPoolExecutor(1))
    told: list[int] = []
    reader.on_refused = lambda refusal: told.append(
        refusal.record.offset + len(reader.plan.group_attributes("g0"))
    )
    await reader._take([group(0), DefinitionRecord(7, "attribute_group/bad/1", b"{")])
    assert told == [8]
    assert await reader.reach(7)

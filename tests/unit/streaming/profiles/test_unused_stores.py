import asyncio
from pathlib import Path
from typing import Any

import pytest

from processor.clock import wall_ms
from processor.limits import UNUSED_STORE_S
from processor.settings import Settings
from processor.streaming.profiles import unused_stores
from processor.streaming.profiles.takeover import stores_directory
from processor.streaming.profiles.unused_stores import (
    remove_unused_stores_forever,
    stored_partitions,
)


def test_each_partition_with_files_is_found_once(tmp_path: Path) -> None:
    for name in ("0", "0.damaged", "12", "lock", "3.old"):
        (tmp_path / name).mkdir()
    assert stored_partitions(tmp_path) == [0, 3, 12]


def test_where_no_store_was_made_there_is_none(tmp_path: Path) -> None:
    assert stored_partitions(tmp_path / "none") == []


async def test_stores_are_looked_at_again_and_again_whatever_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unused_stores, "_LOOK_S", 0.001)
    settings = Settings(_env_file=None, data_dir=tmp_path)
    for number in (1, 4):
        (stores_directory(settings) / str(number)).mkdir(parents=True)
    looked: list[tuple[int, float]] = []
    enough = asyncio.Event()

    class Partition:
        def __init__(self, number: int) -> None:
            self.number = number

        async def remove_unused(self, before_s: float) -> None:
            looked.append((self.number, before_s))
            if len(looked) > 4:
                enough.set()
            if self.number == 4:
                raise PermissionError

    partition: Any = Partition
    task = asyncio.create_task(remove_unused_stores_forever(settings, partition))
    try:
        await asyncio.wait_for(enough.wait(), 30)
    finally:
        task.cancel()
    assert [number for number, _ in looked[:4]] == [1, 4, 1, 4]
    assert abs(looked[0][1] + UNUSED_STORE_S - wall_ms() / 1000) < 60

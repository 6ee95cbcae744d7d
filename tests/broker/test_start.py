"""Kafka goes away while a worker starts: the worker waits for it, and goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.faust_app import build_faust
from tests.broker.cluster import free_port

pytestmark = pytest.mark.broker

# Longer than an attempt to connect takes where nobody listens.
AWAY_S = 1.5


@asynccontextmanager
async def serving(port: int, servers: str) -> AsyncIterator[None]:
    """Let the port lead to Kafka."""
    host, _, number = servers.rpartition(":")

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kafka_reader, kafka_writer = await asyncio.open_connection(host, int(number))
        await asyncio.gather(pipe(reader, kafka_writer), pipe(kafka_reader, writer))

    server = await asyncio.start_server(lead, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


def settings(port: int, app_id: str, directory: Path) -> Settings:
    return Settings(bootstrap_servers=f"127.0.0.1:{port}", app_id=app_id, data_dir=directory)


async def test_the_producer_waits_for_kafka(
    bootstrap_servers: str, app_id: str, tmp_path: Path
) -> None:
    port = free_port()
    producer: Any = build_faust(settings(port, app_id, tmp_path), Stage.SOURCE).producer
    started = asyncio.create_task(producer.start())
    await asyncio.sleep(AWAY_S)
    assert not started.done(), started.exception()
    async with serving(port, bootstrap_servers):
        await asyncio.wait_for(started, 20)
        await producer.stop()


async def test_the_consumer_waits_for_kafka(
    bootstrap_servers: str, app_id: str, tmp_path: Path
) -> None:
    port = free_port()
    thread: Any = build_faust(settings(port, app_id, tmp_path), Stage.SOURCE).consumer._thread
    started = asyncio.create_task(thread.start())
    await asyncio.sleep(AWAY_S)
    assert not started.done(), started.exception()
    async with serving(port, bootstrap_servers):
        await asyncio.wait_for(started, 20)
        fetching = thread._consumer._fetcher._fetch_task
        await asyncio.wait([fetching], timeout=20)
        assert fetching.done(), "aiokafka fetches nothing"
        await thread.stop()

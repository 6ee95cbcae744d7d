"""What the profile process shows of the source process beside it, over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from processor import source_beside
from processor.api import Degraded, Readiness
from processor.settings import Settings
from processor.source_beside import SourceBeside, _reachable

SETTINGS = Settings(_env_file=None)
READY = Readiness(ready=True, reason="", restored=1.0)
CLOSED = {"partition": "enriched-3", "reason": "a gap", "remedy": "move it"}


@dataclass
class Source:
    """A source process that answers what the test sets."""

    status: str = "starting"
    reason: str = "joining the consumer group"
    degraded: list[dict[str, str]] = field(default_factory=list)
    address: str = ""
    offset: int = 3
    body: bytes = b""
    server: Any = None

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        stage = {
            "status": self.status,
            "reason": self.reason,
            "degraded": self.degraded,
            "definitions_offset": self.offset,
        }
        told = {
            "status": self.status,
            "reason": self.reason,
            "restored": 1.0,
            "source_stage": "native",
            "stages": {"source": stage},
        }
        body = b"a 1\n" if b"/metrics" in request else self.body or json.dumps(told).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)
        await writer.drain()
        writer.close()

    async def start(self) -> None:
        host, _, port = (self.address or "127.0.0.1:0").rpartition(":")
        self.server = await asyncio.start_server(self.answer, host, int(port))
        self.address = "{}:{}".format(*self.server.sockets[0].getsockname())

    async def stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()


@pytest.fixture
async def source(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Source]:
    for name in ("_FIRST_LOOK_S", "_LOOK_S"):
        monkeypatch.setattr(source_beside, name, 0.005)
    made = Source()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def beside(source: Source) -> AsyncIterator[SourceBeside]:
    made = SourceBeside(SETTINGS, source.address)
    following = asyncio.create_task(made.follow_forever())
    yield made
    following.cancel()
    await made.close()


async def until(beside: SourceBeside, reason: str) -> None:
    async with asyncio.timeout(5):
        while beside.found.reason != reason:
            await asyncio.sleep(0.005)


async def test_the_worker_is_ready_when_both_are(source: Source, beside: SourceBeside) -> None:
    assert not beside.joined_with(READY).ready
    await until(beside, "joining the consumer group")
    assert beside.joined_with(READY).reason == "joining the consumer group"
    source.status, source.reason = "ok", ""
    await until(beside, "")
    found = beside.joined_with(READY)
    assert (found.ready, found.reason, found.degraded, found.code) == (True, "", (), "native")
    restoring = Readiness(ready=False, reason="2 of 8 partitions", restored=0.5)
    assert beside.joined_with(restoring).reason == "2 of 8 partitions"
    assert beside.joined_with(restoring).restored == 0.5


async def test_a_source_that_ends_does_not_stop_reads(source: Source, beside: SourceBeside) -> None:
    source.status, source.reason = "ok", ""
    await until(beside, "")
    await source.stop()
    await until(beside, "the source process does not answer")
    found = beside.joined_with(READY)
    assert found.ready
    assert [one.partition for one in found.degraded] == [SETTINGS.enriched_topic]
    assert found.code == "native", "what was known of it"
    assert await beside.metrics() == b""
    await source.start()
    await until(beside, "")
    assert beside.joined_with(READY).degraded == ()


async def test_its_closed_partitions_are_the_workers(source: Source, beside: SourceBeside) -> None:
    source.status, source.reason, source.degraded = "ok", "", [CLOSED]
    await until(beside, "")
    own = Degraded("contributions-1", "a gap", "wait")
    found = beside.joined_with(Readiness(ready=True, reason="", restored=1.0, degraded=(own,)))
    assert found.degraded == (own, Degraded(**CLOSED))


async def test_a_source_that_faults_have_closed_keeps_no_worker_from_serving(
    source: Source, beside: SourceBeside
) -> None:
    source.reason, source.degraded = "faults have closed every partition of it", [CLOSED]
    await until(beside, source.reason)
    assert beside.joined_with(READY).ready
    assert CLOSED["partition"] in {one.partition for one in beside.joined_with(READY).degraded}


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"{}", b'{"stages": {"profiles": {}}}'])
async def test_something_else_at_its_address_is_no_answer(
    source: Source, beside: SourceBeside, body: bytes
) -> None:
    source.body = body
    await until(beside, "the source process does not answer")


async def test_a_change_of_definitions_waits_for_it(source: Source, beside: SourceBeside) -> None:
    assert await beside.uses(3, 1.0)
    assert not await beside.uses(4, 0.1)
    waiting = asyncio.create_task(beside.uses(4, 5.0))
    await asyncio.sleep(0.05)
    source.offset = 4
    assert await waiting


async def test_its_metrics_are_passed_on(source: Source, beside: SourceBeside) -> None:
    assert await beside.metrics() == b"a 1\n"


@pytest.mark.parametrize(
    ("address", "reached"),
    [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("10.0.0.7:1", "10.0.0.7:1")],
)
def test_an_address_of_the_whole_machine_is_reached_at_loopback(address: str, reached: str) -> None:
    assert _reachable(address) == reached

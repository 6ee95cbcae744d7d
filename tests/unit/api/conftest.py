"""Workers with real plans and profiles, and their APIs."""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import definitions.examples
from definitions.catalog import Catalog
from definitions.dependents import stopped
from definitions.life_cycle import LifeCycleStep
from definitions.records import objects_from_file
from processor.api import Readiness, Server, Subscriptions, create_api, serve
from processor.clock import wall_ms
from processor.engine import Coverage, Plan, Profile, compile_plan, new_coverage, step
from processor.errors import (
    BrokerError,
    InvalidDefinitionsError,
    NotReadyError,
    ProcessorError,
)
from processor.events import parse_event
from processor.interventions import InterventionRecord, Pushed
from processor.local.shop import Shop
from processor.settings import Settings
from processor.streaming.definitions.definitions_topic import Written
from processor.streaming.history import PastEvent
from tests.by_hand import SOURCE

EXAMPLE = Path(definitions.examples.__file__).with_name("ecommerce.py")
START_MS = 1_700_000_000_000
KEY = "domain_userid"


class OneRegistry:
    """Definitions in memory, as a worker has them that is alone."""

    def __init__(self) -> None:
        self.now = Catalog.empty()
        self.offset = -1
        self.looks = 0
        self.on_look: Callable[[], None] = lambda: None
        self.failure: ProcessorError | None = None

    async def catalog(self) -> Catalog:
        self.looks += 1
        self.on_look()
        if self.failure is not None:
            raise self.failure
        return self.now

    async def change(self, step: Callable[[Catalog, Collection[str]], LifeCycleStep]) -> Written:
        if self.failure is not None:
            raise self.failure
        before, found = self.now, step(self.now, [])
        if found.problems:
            raise InvalidDefinitionsError(found.problems)
        was, self.now = before.by_record, found.catalog
        now = self.now.by_record
        changed = tuple(one for one in found.records if was.get(one) != now.get(one))
        self.offset += len(changed)
        gone = [one for one in stopped(before, self.now) if one not in found.records]
        return Written(changed, (), tuple(gone), (), self.offset, self.now)


class History:
    """Events of the past, in memory."""

    def __init__(self, values: Sequence[bytes | None]) -> None:
        self.values = values
        self.total = len(values)
        self.closed = False

    def __iter__(self) -> Iterator[PastEvent]:
        for offset, value in enumerate(self.values):
            yield PastEvent(START_MS, 0, offset, value, wall_ms())

    def close(self) -> None:
        self.closed = True


class OneWorker:
    """What the API needs of a worker, over profiles in memory."""

    def __init__(self, plan: Plan, **settings: Any) -> None:
        self.plan = plan
        self.subscriptions = Subscriptions(Settings(_env_file=None, **settings), "topic", 2)
        self.subscriptions.begin([0, 0])
        self.subscriptions.caught_up()
        self.written: list[bytes] = []
        self.broker_away = False
        self.registry = OneRegistry()
        self.others: list[str] = []
        self.past: Sequence[bytes | None] = []
        self.histories: list[History] = []
        self.asked_from: list[int] = []
        self.profiles: dict[tuple[str, str], Profile] = {}
        self.owners: dict[str, str] = {}
        self.moving: dict[str, int] = {}
        self.kept = new_coverage()
        self.kept.note(plan, START_MS)
        self.ready = Readiness(ready=True, reason="", restored=1.0)

    stage = "profiles"

    def other_urls(self) -> list[str]:
        return self.others

    async def users_of_definitions(self) -> list[str]:
        return self.others

    async def beside_uses(self, offset: int, timeout_s: float) -> bool:
        return True

    async def reach(self, offset: int) -> int:
        if offset > self.registry.offset:
            message = f"this worker has not read the definitions up to offset {offset}"
            raise NotReadyError(message, hint="try again in a moment")
        return self.plan.definitions_offset

    def stages(self) -> dict[str, Readiness]:
        return {self.stage: self.ready}

    async def metrics_beside(self) -> bytes:
        return b""

    async def write_interventions(self, messages: Sequence[tuple[Pushed, bytes]]) -> None:
        if self.broker_away:
            message = "not all interventions were written"
            raise BrokerError(message)
        for pushed, value in messages:
            offset = len(self.written)
            self.written.append(value)
            record = InterventionRecord(0, offset, wall_ms(), pushed.target_id.encode(), value)
            self.subscriptions.take(record)

    def past_events(self, start_ms: int) -> History:
        self.histories.append(History(self.past))
        self.asked_from.append(start_ms)
        return self.histories[-1]

    def owner_url(self, key: str, identifier: str) -> str | None:
        return self.owners.get(identifier)

    def committed_profile(self, key: str, identifier: str) -> nullcontext[Profile | None]:
        if self.moving.get(identifier, 0) > 0:
            self.moving[identifier] -= 1
            message = "partition 3 is being taken over"
            raise NotReadyError(message, hint="try again in a moment")
        return nullcontext(self.profiles.get((key, identifier)))

    def coverage(self, key: str, identifier: str) -> Coverage:
        return self.kept

    def readiness(self) -> Readiness:
        return self.ready

    def apply(self, lines: Iterable[bytes]) -> None:
        for offset, line in enumerate(lines):
            for contribution in self.plan.contributions(parse_event(line), SOURCE, offset):
                profile = self.profiles.setdefault((KEY, contribution.id), Profile())
                step(profile, contribution, self.plan)


@pytest.fixture(scope="session")
def plan() -> Plan:
    published = [
        one.model_copy(update={"is_published": True}) for one in objects_from_file(EXAMPLE)
    ]
    return compile_plan(Catalog.empty().with_objects(published))


@pytest.fixture(scope="session")
def lines() -> list[bytes]:
    """Events of a shop."""
    shop = iter(Shop(1, 20, start_ms=START_MS))
    return [next(shop).value for _ in range(600)]


@pytest.fixture
def worker(plan: Plan, lines: list[bytes]) -> OneWorker:
    """A worker that has applied the events."""
    worker = OneWorker(plan)
    worker.apply(lines)
    return worker


@pytest.fixture
def second(plan: Plan) -> OneWorker:
    """A worker of the same group that has no profiles."""
    return OneWorker(plan)


@pytest.fixture
def busiest(worker: OneWorker) -> str:
    """The visitor with the most product views."""
    attributes = worker.plan.group_attributes("ecom_attributes")
    views = next(one for one in attributes if one.name == "count_product_views")
    return max(worker.profiles, key=lambda of: views.read(worker.profiles[of], START_MS))[1]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return Settings(http="127.0.0.1:0", own_hosts="worker")


@pytest.fixture
async def client_of() -> AsyncIterator[Callable[[FastAPI], httpx.AsyncClient]]:
    """Makes clients of APIs in this process."""
    async with AsyncExitStack() as clients:
        made: list[tuple[FastAPI, httpx.AsyncClient]] = []

        def make(api: FastAPI) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(api, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://worker")
            made.append((api, client))
            return client

        yield make
        for api, client in made:
            clients.push_async_callback(client.aclose)
            # Its end closes the connections to other workers.
            await clients.enter_async_context(api.router.lifespan_context(api))


@pytest.fixture
def client(
    worker: OneWorker, settings: Settings, client_of: Callable[[FastAPI], httpx.AsyncClient]
) -> httpx.AsyncClient:
    """A client of the worker's API."""
    return client_of(create_api(worker, settings))


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Makes APIs that listen."""
    servers: list[Server] = []

    async def make(worker: OneWorker, other: Settings | None = None) -> str:
        chosen = other or settings
        server = await serve(
            create_api(worker, chosen), chosen, on_closing=worker.subscriptions.close
        )
        servers.append(server)
        return f"http://127.0.0.1:{server.port}"

    yield make
    for server in servers:
        await server.stop()

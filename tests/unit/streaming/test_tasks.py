import asyncio

import pytest

from processor.streaming.tasks import Tasks


@pytest.fixture
def failures() -> list[BaseException]:
    return []


@pytest.fixture
def tasks(failures: list[BaseException]) -> Tasks:
    return Tasks(failures.append)


async def test_an_exception_of_a_task_is_fatal(tasks: Tasks, failures: list[BaseException]) -> None:
    async def fail() -> None:
        raise KeyError("ours")

    tasks.spawn(fail())
    await asyncio.sleep(0.01)
    assert [type(one) for one in failures] == [KeyError]


async def test_nothing_begins_after_the_stop_has_begun_and_what_runs_goes_on(tasks: Tasks) -> None:
    ran = []

    async def work(name: str, gate: asyncio.Event) -> None:
        await gate.wait()
        ran.append(name)

    gate = asyncio.Event()
    tasks.spawn(work("before", gate))
    tasks.begin_stop()
    tasks.spawn(work("after", gate))
    gate.set()
    await asyncio.sleep(0.01)
    assert ran == ["before"]


async def test_what_is_cancelled_is_not_fatal(tasks: Tasks, failures: list[BaseException]) -> None:
    tasks.spawn(asyncio.sleep(3600))
    await asyncio.sleep(0)
    tasks.cancel()
    await asyncio.sleep(0.01)
    assert failures == []
    assert tasks._running == set()

import asyncio
from itertools import pairwise

from processor.clock import monotonic_s
from processor.limits import SLICE_S
from processor.streaming.slices import Slices

ROUND = "."


async def go_around(seen: list[str]) -> None:
    """Note every round of the event loop."""
    while True:
        seen.append(ROUND)
        await asyncio.sleep(0)


async def work(slices: Slices, seen: list[str], name: str, count: int) -> None:
    for _ in range(count):
        await slices.turn()
        seen.append(name)


async def test_a_slice_begins_at_once_where_nobody_has_work() -> None:
    seen: list[str] = []
    around = asyncio.create_task(go_around(seen))
    await Slices().turn()
    assert seen == []
    around.cancel()


async def test_between_two_slices_the_loop_goes_around_for_others() -> None:
    slices, seen = Slices(), list[str]()
    around = asyncio.create_task(go_around(seen))
    await asyncio.gather(*(work(slices, seen, name, 3) for name in "abc"))
    around.cancel()
    worked = [at for at, one in enumerate(seen) if one != ROUND]
    assert len(worked) == 9
    assert all(later - at > 1 for at, later in pairwise(worked))


async def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    slices, seen = Slices(), list[str]()
    await slices.turn()
    await asyncio.gather(*(work(slices, seen, name, 3) for name in "abc"))
    assert "".join(seen) == "abcabcabc"


async def test_who_is_cancelled_while_waiting_holds_nobody_up() -> None:
    slices, seen = Slices(), list[str]()
    tasks = [asyncio.create_task(work(slices, seen, name, 1)) for name in "abc"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert seen == ["a", "c"]


async def test_a_slice_begins_at_once_again_when_all_work_is_done() -> None:
    slices, seen = Slices(), list[str]()
    await asyncio.gather(*(work(slices, seen, name, 2) for name in "ab"))
    around = asyncio.create_task(go_around(seen))
    while seen.count(ROUND) < 10:
        await asyncio.sleep(0)
    rounds = seen.count(ROUND)
    await slices.turn()
    assert seen.count(ROUND) == rounds
    around.cancel()


async def test_a_slice_is_over_after_its_time_and_not_before() -> None:
    slices = Slices()
    assert slices.over
    begun = monotonic_s()
    await slices.turn()
    while not slices.over:
        assert monotonic_s() < begun + 5
    assert monotonic_s() >= begun + SLICE_S

import asyncio

from processor.api.subscriptions.turns import Turns
from processor.request_limits import SLICE_WOKEN_MAX


async def test_all_have_their_turn_in_order_and_others_come_in_between():
    turns = Turns()
    loop = asyncio.get_running_loop()
    waiters = [loop.create_future() for _ in range(3 * SLICE_WOKEN_MAX + 1)]
    for waiter in waiters:
        turns.add(waiter)
    had = []
    while not waiters[-1].done():
        await asyncio.sleep(0)
        had.append(sum(waiter.done() for waiter in waiters))
    assert had == [min(n * SLICE_WOKEN_MAX, len(waiters)) for n in range(1, len(had) + 1)]
    assert [waiter.done() for waiter in waiters] == [True] * len(waiters)


async def test_who_went_away_is_passed_over():
    turns = Turns()
    gone, waits = (asyncio.get_running_loop().create_future() for _ in range(2))
    turns.add(gone)
    turns.add(waits)
    gone.cancel()
    await asyncio.wait_for(waits, 5)


async def test_who_comes_later_has_a_turn_too():
    turns = Turns()
    for _ in range(3):
        waiter = asyncio.get_running_loop().create_future()
        turns.add(waiter)
        await asyncio.wait_for(waiter, 5)

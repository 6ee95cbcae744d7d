"""The numbers of chunks and nodes do not run out: their record keys grow."""

from processor.aggregates import FAMILIES
from processor.windows import drop_until, empty_window, insert
from processor.windows.parts import Parts

COUNTER = (FAMILIES["counter"],)
ENTRIES = 2_000


def grown(next_number: int) -> tuple[list[bytes], int]:
    """The suffixes of a window's parts, filled with numbers from `next_number` on."""
    window = empty_window(7, next_number)
    parts = Parts(None)
    for number in range(ENTRIES):
        insert(window, parts, (1_000 + number, None), COUNTER)
    suffixes = [suffix for suffix, part in parts.take_changes() if part is not None]
    drop_until(window, parts, 10**9)
    assert all(part is None for _, part in parts.take_changes()), "each is found when it goes"
    return suffixes, window.next_number


def test_numbers_below_2_to_the_32_have_four_bytes() -> None:
    suffixes, last = grown(0)
    assert len(suffixes) > 5
    assert last < 2**32
    assert {len(suffix) for suffix in suffixes} == {12}


def test_numbers_go_on_behind_2_to_the_32() -> None:
    suffixes, last = grown(2**32 - 8)
    assert last > 2**32
    assert {len(suffix) for suffix in suffixes} == {12, 16}
    assert len(set(suffixes)) == len(suffixes)

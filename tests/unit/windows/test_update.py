import msgspec

from processor.limits import WINDOW_INLINE_CHARS_MAX, WINDOW_INLINE_ENTRIES_MAX


def test_few_entries_make_no_chunk(stored):
    one = stored()
    one.fill(WINDOW_INLINE_ENTRIES_MAX)
    one.save()
    assert not one.store


def test_a_long_text_does_not_stay_inline(stored):
    one = stored("last")
    one.insert(1, "x" * (WINDOW_INLINE_CHARS_MAX + 1))
    assert not one.window.times
    assert len(msgspec.msgpack.encode(one.window)) < 100


def test_an_append_changes_one_chunk_and_a_save_writes_it_once(stored):
    one = stored("counter")
    one.fill(2_000)
    one.save()
    for number in range(2_000, 2_000 + WINDOW_INLINE_ENTRIES_MAX):
        one.insert(number, 1)
    assert len(one.parts.take_changes()) <= 2


def test_inline_entries_at_the_limit_are_dropped(stored):
    one = stored("counter")
    one.fill(10)
    assert one.drop(4)
    assert not one.drop(4)
    assert one.window.times == [5, 6, 7, 8, 9]
    assert one.result("counter", -1, 9) == 5

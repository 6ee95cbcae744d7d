import pytest

from processor.limits import CHUNK_ENTRIES_MAX, CHUNK_FILLED_ENTRIES, TOP_CHILDREN_MAX


def check_invariants(one):
    chunks = one.chunks()
    borders = [border for chunk in chunks for border in (chunk.first_ms, chunk.last_ms)]
    assert borders == sorted(borders)
    assert all(0 < chunk.count <= CHUNK_ENTRIES_MAX for chunk in chunks)
    assert len(one.window.children) <= TOP_CHILDREN_MAX
    numbers = one.numbers()
    assert len(set(numbers)) == len(numbers)
    assert set(one.store) == set(map(one.window.suffix, numbers))


def test_chunks_filled_in_order_leave_room_for_late_entries(stored):
    one = stored("counter")
    one.fill(3_000)
    counts = [chunk.count for chunk in one.chunks()]
    assert counts[:-1] == [CHUNK_FILLED_ENTRIES] * (len(counts) - 1)


def test_the_head_grows_no_more_with_the_entries(stored):
    one = stored("counter", "sum")
    for count in (5_000, 50_000):
        one.fill(count)
        one.save()
        check_invariants(one)
    assert one.window.level <= 2


@pytest.mark.parametrize("size", [50, 500, 3_000])
def test_levels_come_and_go_with_the_entries(stored, few, size):
    with few():
        one = stored("counter", "unique_list")
        one.fill(size)
        high = one.window.level
        assert high >= 1
        for limit in range(size):
            one.drop(limit)
            if limit % 50 == 0:
                one.save()
                assert one.result("counter", limit, size) == size - limit - 1
        assert one.window.level == 0


def test_what_ends_at_the_limit_is_dropped_and_its_record_deleted(stored):
    one = stored()
    one.fill(1_000)
    one.save()
    first = one.chunks()[0]
    assert not one.drop(first.last_ms - 1)
    assert one.drop(first.last_ms)
    one.save()
    check_invariants(one)
    assert one.result("counter", -1, 1_000) == 1_000 - first.count
    assert one.drop(1_000)
    one.save()
    assert not one.store
    assert not one.window.times


def test_a_chunk_at_the_left_edge_that_is_cut_in_two_is_dropped_in_time(stored, few):
    with few():
        one = stored("counter")
        for number in range(0, 200, 10):
            one.insert(number, 1)
        one.drop(5)
        for number in range(31, 39):
            one.insert(number, 1)
        one.drop(35)
        assert all(chunk.last_ms > 35 for chunk in one.chunks())


def test_a_family_that_is_read_anew_is_summarised_for_old_chunks_too(stored):
    one = stored("counter")
    one.fill(6_000)
    one.save()
    assert one.result("max", -1, 6_000) == 5_999
    assert len(one.result("unique_list", -1, 6_000)) == 100
    one.aggregates = stored("counter", "max", "unique_list").aggregates
    for number in range(6_000, 6_040):
        one.insert(number, number)
    assert one.window.families == ["counter", "max"]
    assert one.window.large_families == ["unique_list"]
    one.save()
    one.reads = 0
    assert one.result("max", -1, 6_040) == 6_039
    assert one.reads == 0
    assert one.result("unique_list", -1, 6_040) == list(range(5_940, 6_040))


def test_an_append_to_a_large_window_writes_its_chunk_and_the_nodes_above(stored):
    one = stored("counter", "category_count")
    one.fill(20_000, lambda number: number % 9)
    one.save()
    one.writes = 0
    for number in range(20_000, 20_000 + 33):
        one.insert(number, 1)
    one.save()
    assert one.writes <= 3


def test_deleting_a_window_deletes_all_its_parts(stored):
    one = stored()
    one.fill(6_000)
    one.save()
    assert one.window.level == 1
    one.delete()
    one.save()
    assert not one.store

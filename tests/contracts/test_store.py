"""What every state store must do. A new store is added to `STORES` and passes unchanged."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.errors import StateError
from processor.state import RocksDBStore, Store

STORES: dict[str, Callable[[Path], Store]] = {"rocksdb": RocksDBStore}


@pytest.fixture(params=sorted(STORES))
def make(request: pytest.FixtureRequest) -> Callable[[Path], Store]:
    return STORES[request.param]


@pytest.fixture
def store(make: Callable[[Path], Store], tmp_path: Path) -> Iterator[Store]:
    opened = make(tmp_path / "store")
    yield opened
    opened.close()


def test_a_key_never_written_has_no_value(store: Store) -> None:
    assert store.get(b"nothing") is None


def test_what_was_written_last_is_read(store: Store) -> None:
    store.write([(b"a", b"1"), (b"a", b"2")])
    store.write([(b"b", b"")])
    assert store.get(b"a") == b"2"
    assert store.get(b"b") == b""


def test_none_deletes(store: Store) -> None:
    store.write([(b"a", b"1")])
    store.write([(b"a", None), (b"never", None)])
    assert store.get(b"a") is None
    assert list(store.scan()) == []


def test_scan_yields_key_order_from_a_start(store: Store) -> None:
    store.write([(b"b", b"2"), (b"a", b"1"), (b"\xff", b"4"), (b"c", b"3")])
    assert list(store.scan()) == [(b"a", b"1"), (b"b", b"2"), (b"c", b"3"), (b"\xff", b"4")]
    assert [key for key, _ in store.scan(b"b")] == [b"b", b"c", b"\xff"]


def test_scan_does_not_see_later_writes(store: Store) -> None:
    store.write([(b"a", b"1")])
    seen = store.scan()
    store.write([(b"a", b"2"), (b"b", b"2")])
    assert list(seen) == [(b"a", b"1")]


def test_a_snapshot_goes_on_reading_the_store_as_it_was(store: Store) -> None:
    store.write([(b"a", b"1"), (b"b", b"1")])
    get = store.snapshot()
    store.write([(b"a", b"2"), (b"b", None), (b"c", b"3")])
    assert (get(b"a"), get(b"b"), get(b"c")) == (b"1", b"1", None)


def test_clear_removes_every_key_and_the_store_goes_on(store: Store) -> None:
    store.write([(b"a", b"1")])
    store.clear()
    assert list(store.scan()) == []
    store.write([(b"b", b"2")])
    assert list(store.scan()) == [(b"b", b"2")]


def test_what_was_written_is_there_after_a_reopen(
    make: Callable[[Path], Store], tmp_path: Path
) -> None:
    store = make(tmp_path / "store")
    store.write([(b"a", b"1"), (b"b", b"2")])
    store.write([(b"b", None)])
    store.close()
    again = make(tmp_path / "store")
    assert list(again.scan()) == [(b"a", b"1")]
    again.close()


def test_a_second_owner_is_refused_with_the_remedy(
    make: Callable[[Path], Store], tmp_path: Path
) -> None:
    first = make(tmp_path / "store")
    with pytest.raises(StateError, match="PROCESSOR_DATA_DIR"):
        make(tmp_path / "store")
    first.close()


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(StateError, match="closed"):
        store.get(b"a")


def test_destroy_leaves_nothing(make: Callable[[Path], Store], tmp_path: Path) -> None:
    store = make(tmp_path / "store")
    store.write([(b"a", b"1")])
    store.destroy()
    again = make(tmp_path / "store")
    assert list(again.scan()) == []
    again.close()


def test_files_that_are_no_store_are_refused_with_the_remedy(
    make: Callable[[Path], Store], tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "CURRENT").write_text("damaged")
    with pytest.raises(StateError, match="restored from the changelog"):
        make(tmp_path / "store")


batches = st.lists(
    st.lists(
        st.tuples(st.binary(min_size=1, max_size=3), st.none() | st.binary(max_size=3)), max_size=5
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(batches)
@pytest.mark.parametrize("name", sorted(STORES))
def test_a_store_is_a_dictionary(
    name: str,
    tmp_path_factory: pytest.TempPathFactory,
    written: list[list[tuple[bytes, bytes | None]]],
) -> None:
    store = STORES[name](tmp_path_factory.mktemp("store") / "s")
    expected: dict[bytes, bytes] = {}
    for batch in written:
        store.write(batch)
        for key, value in batch:
            expected.pop(key, None)
            if value is not None:
                expected[key] = value
    assert list(store.scan()) == sorted(expected.items())
    store.close()

"""What is read is what a transaction has committed, whatever is kept decoded between two reads."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from definitions import AtomicProperty, Attribute, StreamAttributeGroup, domain_userid
from definitions.catalog import Catalog
from processor.engine import (
    Profile,
    compile_plan,
    decode_profile,
    expire,
    read_attributes,
    step,
)
from processor.engine.expire import Reached
from processor.formats import NEWEST_LEVEL
from processor.limits import READ_PROFILES_MAX
from processor.state import RocksDBStore
from processor.streaming.profiles.positions import Positions
from processor.streaming.profiles.profile_records import CommittedRecords
from processor.streaming.profiles.profile_table import ProfileTable, record_prefix
from tests.by_hand import contribution_of

KEY = "domain_userid"
START_MS = 1_700_000_000_000
MINUTE_MS = 60_000
TYPES = {
    "counter": "int64",
    "sum": "double",
    "unique_list": "double_list",
    "first": "double",
    "most_frequent": "double",
    "category_count": "dict",
}


def attribute(aggregation: str, minutes: int) -> Attribute:
    return Attribute(
        name=f"{aggregation}_{minutes}",
        type=TYPES[aggregation],
        aggregation=aggregation,
        property=None if aggregation == "counter" else AtomicProperty(name="se_value"),
        period=timedelta(minutes=minutes),
        events=[],
    )


PLAN = compile_plan(
    Catalog.empty().with_objects(
        [
            StreamAttributeGroup(
                name="g",
                attribute_key=domain_userid,
                owner="a@example.com",
                attributes=[attribute(name, minutes) for name in TYPES for minutes in (10, 60)],
                is_published=True,
            )
        ]
    )
)
ATTRIBUTES = PLAN.group_attributes("g")
SERIES = sorted({one.series_id for one in ATTRIBUTES})


class Partition:
    """A table with one way to do each thing that happens to it."""

    def __init__(self, directory: Path) -> None:
        self.store = RocksDBStore(directory)
        self.table = ProfileTable(self.store, Positions())
        self.now_ms = START_MS
        self.events = 0

    def apply(self, user: str, events: int) -> None:
        prefix = record_prefix(KEY, user)
        profile = self.table.profile(prefix) or self.table.new_profile(prefix)
        for _ in range(events):
            self.events += 1
            self.now_ms += 1_000
            values: list[Any] = [(series, self.events % 7 + 0.5) for series in SERIES]
            contribution = contribution_of(
                self.events, KEY, user, self.now_ms, f"e{self.events}", "", "", values,
                None, self.now_ms,
            )  # fmt: skip
            step(profile, contribution, PLAN)
        self.table.changed(prefix, profile)

    def expire(self, user: str) -> None:
        """What a sweep does when nothing has come for longer than the longest period."""
        self.now_ms += 300 * MINUTE_MS
        prefix = record_prefix(KEY, user)
        profile = self.table.profile(prefix)
        if profile is not None:
            expiry = expire(profile, PLAN, Reached(self.now_ms, self.now_ms))
            if profile.changed:
                self.table.changed(prefix, profile)
            if expiry.empty:
                self.table.forget(prefix)

    def begin(self) -> None:
        for _ in self.table.begin_flush(NEWEST_LEVEL):
            pass

    def publish(self) -> None:
        self.table.publish()

    def write(self) -> None:
        self.table.write("changelog", self.events, 0)

    def end(self) -> None:
        self.table.end_flush()

    def flush(self) -> None:
        self.begin()
        self.publish()
        self.write()
        self.end()

    def read(self, user: str) -> dict[str, Any]:
        with self.table.committed_profile(KEY, user) as profile:
            return read_attributes(profile, ATTRIBUTES, self.now_ms)

    def stored(self, user: str, below: dict[bytes, bytes | None]) -> dict[str, Any]:
        """The same, decoded from the records alone."""
        prefix = record_prefix(KEY, user)
        records = CommittedRecords(below, self.store.get, prefix)
        head = records.get(b"")
        profile: Profile | None = None if head is None else decode_profile(head, records)
        return read_attributes(profile, ATTRIBUTES, self.now_ms)

    def counts_what_it_keeps(self) -> bool:
        """Whether the memory that reads are said to take is that of the profiles they keep."""
        read = self.table.read
        return read.parts_bytes == sum(one.loose_bytes for one in read._kept.values())


USERS = st.sampled_from(["ada", "bob"])
STEPS = st.one_of(
    st.tuples(st.just("apply"), USERS, st.sampled_from([1, 40, 400])),
    st.tuples(st.just("expire"), USERS, st.just(0)),
    st.tuples(st.just("flush"), st.just(""), st.just(0)),
)


@settings(deadline=None)
@given(st.lists(STEPS, min_size=4, max_size=12))
def test_a_read_at_any_moment_equals_the_records_that_are_committed(
    steps: list[tuple[str, str, int]],
) -> None:
    with TemporaryDirectory() as directory:
        one = Partition(Path(directory))
        committed: dict[bytes, bytes | None] = {}

        def check() -> None:
            for user in ("ada", "bob"):
                assert one.read(user) == one.stored(user, committed)
            assert one.counts_what_it_keeps()

        for what, user, events in steps:
            if what == "apply":
                one.apply(user, events)
            elif what == "expire":
                one.expire(user)
            else:
                one.begin()
                check()
                one.publish()
                committed = dict(one.table.flush_records)
                check()
                one.write()
                check()
                one.end()
                committed = {}
            check()
        one.store.close()


def test_a_window_that_came_back_is_not_read_from_what_was_remembered(tmp_path: Path) -> None:
    one = Partition(tmp_path / "s")
    for events in (700, 699):
        one.apply("ada", events)
        one.flush()
        assert one.read("ada")["counter_60"] == events
        assert one.read("ada") == one.stored("ada", {})
        assert one.table.read.parts_bytes > 0
        one.expire("ada")
        one.flush()
        assert len(one.table.read) == 0
        assert one.counts_what_it_keeps()


def test_a_read_lets_go_of_the_store(tmp_path: Path) -> None:
    one = Partition(tmp_path / "s")
    one.apply("ada", 400)
    one.flush()
    for _ in range(2):
        one.read("ada")
    one.store.close()
    RocksDBStore(tmp_path / "s").close()


def test_parts_are_read_while_the_read_lasts_and_no_longer(tmp_path: Path) -> None:
    one = Partition(tmp_path / "s")
    one.apply("ada", 400)
    one.flush()
    with one.table.committed_profile(KEY, "ada") as profile:
        pass
    with pytest.raises(AssertionError, match="let go"):
        read_attributes(profile, ATTRIBUTES, one.now_ms)


def test_the_profiles_kept_are_bounded(tmp_path: Path) -> None:
    one = Partition(tmp_path / "s")
    users = [f"user-{number}" for number in range(READ_PROFILES_MAX + 3)]
    for user in users:
        one.apply(user, 70)
    one.flush()
    for user in users:
        assert one.read(user) == one.stored(user, {})
    assert len(one.table.read) == READ_PROFILES_MAX

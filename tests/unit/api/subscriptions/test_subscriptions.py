import asyncio
import json
import re
from contextlib import ExitStack

import pytest
from starlette.exceptions import HTTPException

from processor.api import Subscriptions
from processor.api.subscriptions.subscription import Subscription
from processor.api.subscriptions.turns import Turns
from processor.clock import wall_ms
from processor.errors import NotReadyError
from processor.interventions import InterventionRecord, Pushed, encode_pushed
from processor.metrics import REGISTRY
from processor.request_limits import SSE_CHUNK_BYTES_MAX, SSE_QUEUE_BYTES_MAX, SSE_QUEUE_ITEMS_MAX
from processor.settings import Settings

KEY = "user_id"
TARGETS = frozenset({(KEY, "u")})


def subscriptions(begin=(0, 0), **settings):
    made = Subscriptions(Settings(_env_file=None, **settings), "topic", 2)
    made.begin(begin)
    made.caught_up()
    return made


def record(partition, offset, id_="u", key=KEY, value=None, at_ms=None):
    pushed = Pushed(f"at_{partition}_{offset}", 1, "id", key, id_, {}, 0)
    value = encode_pushed(pushed) if value is None else value
    return InterventionRecord(partition, offset, at_ms or wall_ms(), id_.encode(), value)


def take(made, records):
    for one in records:
        made.take(one)


def told(one: Subscription):
    """The names that wait for a subscriber, and the last id."""
    text = b""
    while one.waiting:
        text += one.take()
    ids = re.findall(rb"^(?:: )?id:? (.*)$", text, re.MULTILINE)
    data = re.findall(rb"^data: (.*)$", text, re.MULTILINE)
    return [json.loads(line)["name"] for line in data], ids[-1].decode() if ids else ""


def metric(name, **labels):
    return REGISTRY.get_sample_value(f"processor_sse_{name}", labels) or 0


def last_id(made, *records, targets=TARGETS):
    """The id of a subscriber that has seen everything so far and these records."""
    with made.opened(targets, "a", "") as one:
        take(made, records)
        return told(one)[1]


def test_a_record_is_told_to_those_who_follow_its_target():
    made = subscriptions()
    with (
        made.opened(TARGETS, "a", "") as one,
        made.opened(frozenset({(KEY, "v"), (KEY, "u")}), "a", "") as both,
        made.opened(frozenset({("other", "u")}), "a", "") as other,
    ):
        take(made, [record(0, 0), record(1, 0, "v"), record(1, 1, "w"), record(0, 1)])
        assert told(one)[0] == ["at_0_0", "at_0_1"]
        assert told(both)[0] == ["at_0_0", "at_1_0", "at_0_1"]
        assert told(other)[0] == []


def test_each_stream_begins_with_an_id():
    made = subscriptions(begin=(3, 4))
    with made.opened(TARGETS, "a", "") as one:
        assert told(one)[1]


def test_who_comes_back_gets_what_it_missed_and_then_what_comes():
    made = subscriptions()
    last = last_id(made, record(0, 0), record(1, 0))
    take(made, [record(0, 1), record(1, 1, "v"), record(1, 2)])
    with made.opened(TARGETS, "a", last) as one:
        take(made, [record(0, 2)])
        assert told(one)[0] == ["at_0_1", "at_1_2", "at_0_2"]


def test_an_id_in_the_middle_of_what_was_missed_is_good_too():
    made = subscriptions()
    last = last_id(made)
    take(made, [record(n % 2, n // 2) for n in range(200)])
    with made.opened(TARGETS, "a", last) as one:
        chunk = one.take()
        middle = re.findall(rb"^id: (.*)$", chunk, re.MULTILINE)[-1].decode()
        count = chunk.count(b"data: ")
    assert 0 < count < 200
    with made.opened(TARGETS, "a", middle) as one:
        assert told(one)[0] == [f"at_{n % 2}_{n // 2}" for n in range(count, 200)]


def test_who_has_seen_more_than_this_worker_gets_nothing_twice():
    ahead, behind = subscriptions(), subscriptions()
    last = last_id(ahead, record(0, 0), record(0, 1), record(1, 0))
    take(behind, [record(0, 0)])
    with behind.opened(TARGETS, "a", last) as one:
        take(behind, [record(0, 1), record(1, 0), record(1, 1), record(0, 2)])
        names, now = told(one)
        assert names == ["at_1_1", "at_0_2"]
    take(ahead, [record(1, 1), record(0, 2), record(1, 2)])
    with ahead.opened(TARGETS, "a", now) as one:
        assert told(one)[0] == ["at_1_2"]


def test_an_id_on_the_way_to_what_was_seen_elsewhere_loses_nothing():
    ahead, behind = subscriptions(), subscriptions()
    last = last_id(ahead, record(0, 0), record(0, 1))
    with behind.opened(TARGETS, "a", last) as one:
        take(behind, [record(1, 0)])
        names, now = told(one)
    assert names == ["at_1_0"]
    take(ahead, [record(1, 0), record(0, 2)])
    with ahead.opened(TARGETS, "a", now) as one:
        assert told(one)[0] == ["at_0_2"]


def test_who_comes_back_too_late_is_told_so():
    made = subscriptions(sse_replay_s=10)
    last = last_id(made)
    take(made, [record(0, 0, at_ms=wall_ms() - 20_000), record(0, 1)])
    before = metric("replays_incomplete_total")
    with made.opened(TARGETS, "a", last) as one:
        text = one.take() + one.take()
    assert b"at_0_1" in text
    assert b"at_0_0" not in text
    assert b": some interventions" in text
    assert metric("replays_incomplete_total") == before + 1


def test_who_comes_back_in_time_is_told_nothing_of_it():
    made = subscriptions(begin=(5, 5))
    last = last_id(made)
    with made.opened(TARGETS, "a", last) as one:
        assert not one.waiting


def test_an_id_of_another_topic_begins_anew():
    other = Subscriptions(Settings(_env_file=None), "another", 2)
    other.begin([0, 0])
    last = last_id(other)
    made = subscriptions()
    take(made, [record(0, 0)])
    with made.opened(TARGETS, "a", last) as one:
        take(made, [record(0, 1)])
        assert told(one)[0] == ["at_0_1"]


def test_what_is_no_id_begins_anew_and_is_counted():
    made = subscriptions()
    before = metric("replays_incomplete_total")
    with made.opened(TARGETS, "a", "!") as one:
        take(made, [record(0, 0)])
        text = one.take()
    assert b"at_0_0" in text
    assert b": some interventions" in text
    assert metric("replays_incomplete_total") == before + 1


def test_what_is_no_intervention_is_counted_and_passed_over():
    name = "processor_interventions_unreadable_total"
    before = REGISTRY.get_sample_value(name)
    made = subscriptions()
    last = last_id(made)
    with made.opened(TARGETS, "a", "") as one:
        take(made, [record(0, 0, value=b"{"), record(0, 1)])
        assert told(one)[0] == ["at_0_1"]
    with made.opened(TARGETS, "a", last) as one:
        assert told(one)[0] == ["at_0_1"]
    assert REGISTRY.get_sample_value(name) == before + 2


def test_too_many_that_wait_cut_a_subscriber_off():
    before = metric("cut_off_total")
    made = subscriptions()
    with made.opened(TARGETS, "a", "") as slow, made.opened(TARGETS, "a", "") as quick:
        names = []
        for offset in range(SSE_QUEUE_ITEMS_MAX + 1):
            take(made, [record(0, offset)])
            names += told(quick)[0]
        assert slow.ended.startswith(b": cut off")
        assert not slow.waiting
        assert quick.ended is None
        assert len(names) == SSE_QUEUE_ITEMS_MAX + 1
        assert made.listens(TARGETS)
    assert metric("cut_off_total") == before + 1


def test_too_many_bytes_that_wait_cut_a_subscriber_off():
    one = Subscription(TARGETS, Turns())
    assert one.put(b"x" * (SSE_QUEUE_BYTES_MAX + 1))  # alone, whatever its size
    assert not one.put(b"x")
    assert one.ended is not None
    assert one.take() == b""


def test_what_was_taken_waits_no_more():
    one = Subscription(TARGETS, Turns())
    for _ in range(10):
        assert one.put(b"x" * SSE_QUEUE_BYTES_MAX)
        assert one.take()


def test_what_waits_is_sent_in_pieces():
    one = Subscription(TARGETS, Turns())
    chunks = [bytes([number]) * 10_000 for number in range(20)]
    for chunk in chunks:
        assert one.put(chunk)
    taken = []
    while one.waiting:
        taken.append(one.take())
    assert b"".join(taken) == b"".join(chunks)
    assert max(len(piece) for piece in taken) <= SSE_CHUNK_BYTES_MAX


async def test_who_waits_wakes_when_something_comes_or_it_ends():
    one = Subscription(TARGETS, Turns())
    for happen in (lambda: one.put(b"x"), lambda: one.end(b"")):
        waiting = asyncio.ensure_future(one.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        happen()
        await asyncio.wait_for(waiting, 5)
        one.take()
    await asyncio.wait_for(one.wait(), 5)


async def test_as_many_are_admitted_as_there_may_be():
    made = subscriptions(sse_clients=2, sse_clients_per_address=1)
    await made.admit("a")
    with made.opened(TARGETS, "a", ""):
        assert metric("clients") == 1
        with pytest.raises(HTTPException, match="from your address") as refused:
            await made.admit("a")
        assert refused.value.status_code == 429
        await made.admit("b")
        with made.opened(TARGETS, "b", ""), pytest.raises(HTTPException, match="another worker"):
            await made.admit("c")
    assert metric("clients") == 0
    await made.admit("a")


async def test_any_number_comes_from_one_address_where_that_is_set():
    made = subscriptions(sse_clients_per_address=0)
    with ExitStack() as streams:
        for _ in range(10):
            await made.admit("a")
            streams.enter_context(made.opened(TARGETS, "a", ""))


async def test_nobody_is_admitted_before_the_topic_is_read(monkeypatch):
    monkeypatch.setattr("processor.api.subscriptions.subscriptions.SSE_READY_WAIT_S", 0.01)
    made = Subscriptions(Settings(_env_file=None), "topic", 2)
    with pytest.raises(NotReadyError):
        await made.admit("a")
    made.caught_up()
    await made.admit("a")


async def test_a_worker_that_stops_ends_all_and_admits_nobody():
    made = subscriptions()
    with made.opened(TARGETS, "a", "") as one:
        made.close()
        assert b"this worker stops" in one.ended
        assert not made.listens(TARGETS)
    with pytest.raises(NotReadyError):
        await made.admit("a")


def test_it_is_known_who_listens():
    made = subscriptions()
    assert not made.listens([(KEY, "u")])
    with made.opened(frozenset({(KEY, "u"), ("k", "v")}), "a", ""):
        assert made.listens([("k", "w"), (KEY, "u")])
        assert not made.listens([(KEY, "v"), ("k", "u")])
    assert not made.listens([(KEY, "u")])


async def test_heartbeats_come_to_those_for_whom_nothing_waits():
    made = subscriptions(sse_heartbeat_s=0.05)
    with made.opened(TARGETS, "a", "") as idle, made.opened(TARGETS, "b", "") as busy:
        told(idle)
        told(busy)
        take(made, [record(0, 0, "v")])
        busy.put(b"data")
        beating = asyncio.ensure_future(made.beat_forever())
        await asyncio.wait_for(idle.wait(), 5)
        beat = idle.take()
        await asyncio.wait_for(idle.wait(), 5)
        assert idle.take() == beat
        assert busy.take() == b"data"
        beating.cancel()
    assert beat.startswith(b": id ")
    last = beat.split()[2].decode()
    take(made, [record(0, 1)])
    with made.opened(TARGETS, "a", last) as back:
        assert told(back)[0] == ["at_0_1"]


def test_who_goes_on_from_a_moment_gets_what_came_since_and_nothing_twice():
    made, now_ms = subscriptions(), wall_ms()
    take(made, [
        record(0, 0, at_ms=now_ms - 2_000), record(1, 0, at_ms=now_ms - 1_999),
        record(0, 1, "v", at_ms=now_ms), record(0, 2, at_ms=now_ms),
    ])  # fmt: skip
    last = made._ids.encode(made.offsets_before(now_ms - 2_000, TARGETS))
    with made.opened(TARGETS, "a", last.decode()) as one:
        take(made, [record(1, 1, at_ms=now_ms)])
        assert told(one)[0] == ["at_1_0", "at_0_2", "at_1_1"]
    assert made.offsets_before(now_ms, TARGETS) is None
    assert made.offsets_before(now_ms - 2_000, {(KEY, "w")}) is None


# --- records that somebody else wrote ------------------------------------------------------------

GOOD = json.loads(record(0, 0).value)


def changed(data):
    """Messages with another value in one place, at any depth."""
    for path in (
        ("data",), ("data", "name"), ("data", "version"), ("data", "intervention_id"),
        ("data", "attributes"), ("data", "attributes", "a"), ("data", "target_attribute_key"),
        ("data", "target_attribute_key", "name"), ("data", "target_attribute_key", "id"),
    ):  # fmt: skip
        for value in (None, 1, 1e308, True, "", "\ud800", "u", [], ["u"], [[{}]], {}, {"id": []}):
            message = json.loads(json.dumps(data))
            holder = message
            for part in path[:-1]:
                holder = holder[part]
            holder[path[-1]] = value
            yield json.dumps(message).encode()
    yield from (b"", b"{", b"null", b"[]", b"\xff", b"[" * 100_000, b'{"data":1e999}', b"\0")


def test_no_record_ends_the_feed_or_a_stream():
    made = subscriptions()
    last = last_id(made)
    bad = list(changed(GOOD))
    with made.opened(TARGETS, "a", "") as one:
        for offset, value in enumerate(bad):
            made.take(record(0, offset, value=value))
            told(one)
        made.take(record(0, len(bad)))
        assert told(one)[0] == [f"at_0_{len(bad)}"]
    with made.opened(TARGETS, "a", last) as back:
        assert told(back)[0][-1] == f"at_0_{len(bad)}"

"""Interventions followed: over streams that a server of the test sends."""

import json
import logging
import queue
import ssl
import threading
import time
from contextlib import closing

import pytest
import trustme

from definitions import Signals, SignalsError
from tests.unit.definitions.client.conftest import Server

TARGETS = {"domain_userid": ["u"]}
WAIT_S = 10.0


def event(number, event_id=""):
    told = {
        "intervention_id": f"i{number}",
        "name": "hello",
        "version": number,
        "attributes": {"g:n": str(number)},
        "target_attribute_key": {"name": "domain_userid", "id": "u"},
        "field_of_a_newer_worker": 1,
    }
    return [f"id: {event_id or number}", f"data: {json.dumps(told)}", ""]


@pytest.fixture
def subscription(signals):
    made = signals.pull_interventions(TARGETS)
    yield made
    made.stop()


def versions(subscription, count):
    return [subscription.get(timeout=WAIT_S).version for _ in range(count)]


def test_interventions_come_as_they_are_sent(server, subscription):
    server.streams_on("retry: 10", "", ":", "", *event(1), *event(2))
    subscription.start()
    found = subscription.get(timeout=WAIT_S)
    assert (found.name, found.version, found.intervention_id) == ("hello", 1, "i1")
    assert found.attributes == {"g:n": "1"}
    assert (found.target_attribute_key.name, found.target_attribute_key.id) == (
        "domain_userid", "u",
    )  # fmt: skip
    assert versions(subscription, 1) == [2]
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/api/v1/interventions?domain_userid=u")
    assert asked.headers["accept"] == "text/event-stream"
    assert asked.headers["authorization"] == "Bearer TOKEN"
    assert "last-event-id" not in asked.headers


def test_it_comes_back_with_the_id_of_the_last_event_and_misses_nothing(server, subscription):
    server.streams_then_ends("retry: 1", "", *event(1), *event(2, "two"))
    server.gives({"error": "not ready - try again"}, 503, Retry_After="0")
    # An event that was begun and not ended does not count; a heartbeat tells ids, too.
    server.streams_then_ends("retry: 1", "", *event(3), "", ": id beat", *event(9)[:2])
    server.streams_on(*event(4))
    with subscription:
        assert versions(subscription, 4) == [1, 2, 3, 4]
    last = [one.headers.get("last-event-id") for one in server.asked]
    assert last == [None, "two", "two", "beat"]


def test_stop_ends_a_silent_stream_at_once(server, subscription):
    server.streams_on(*event(1))
    subscription.start()
    assert versions(subscription, 1) == [1]
    ended = threading.Event()

    def wait_for_ever():
        with pytest.raises(queue.Empty):
            subscription.get()
        ended.set()

    waiting = threading.Thread(target=wait_for_ever)
    waiting.start()
    subscription.stop()
    assert ended.wait(WAIT_S)
    waiting.join()
    assert not [one for one in threading.enumerate() if one.name == "interventions"]


def test_stop_ends_a_silent_stream_over_tls_at_once():
    authority = trustme.CA()
    serving, trusting = (
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH),
        ssl.create_default_context(),
    )
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.configure_trust(trusting)
    server = Server(serving)
    server.streams_on(*event(1))
    begun = time.monotonic()
    with (
        closing(server),
        Signals(api_url=server.url, verify=trusting) as signals,
        signals.pull_interventions(TARGETS) as subscription,
    ):
        assert versions(subscription, 1) == [1]
        thread = subscription._thread
        subscription.stop()
        assert not thread.is_alive()
    assert time.monotonic() - begun < 4


def test_an_authority_that_is_not_trusted_is_told():
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(serving)
    with (
        closing(Server(serving)) as server,
        Signals(api_url=server.url) as signals,
        pytest.raises(SignalsError, match="CERTIFICATE_VERIFY_FAILED") as caught,
    ):
        signals.get_attribute_group("g")
    assert caught.value.status == 0


def test_what_waits_can_be_had_after_the_stop(server, subscription):
    server.streams_on(*event(1), *event(2))
    came = threading.Semaphore(0)
    subscription.add_handler(lambda _: came.release())
    with subscription:
        assert came.acquire(timeout=WAIT_S)
        assert came.acquire(timeout=WAIT_S)
    assert versions(subscription, 2) == [1, 2]
    with pytest.raises(queue.Empty):
        subscription.get()
    with pytest.raises(queue.Empty):
        subscription.get(block=False)


def test_after_a_stop_it_goes_on_where_it_was(server, subscription):
    server.streams_on(*event(1))
    server.streams_on(*event(2))
    for number in (1, 2):
        with subscription:
            assert versions(subscription, 1) == [number]
    assert [one.headers.get("last-event-id") for one in server.asked] == [None, "1"]


def test_iteration_ends_when_nothing_more_comes(server, subscription):
    server.streams_on(*event(1), *event(2))
    with subscription:
        found = [subscription.get(timeout=WAIT_S), *subscription]
    assert [one.version for one in found] == [1, 2]


def test_it_starts_once(server, subscription):
    server.streams_on()
    subscription.start()
    with pytest.raises(RuntimeError):
        subscription.start()


@pytest.mark.parametrize("status", [401, 403, 422, 503])
def test_a_refusal_at_the_start_is_raised(server, subscription, status):
    server.gives({"error": "no - do something else"}, status)
    with pytest.raises(SignalsError, match="do something else") as caught:
        subscription.start()
    assert caught.value.status == status
    with pytest.raises(queue.Empty):
        subscription.get()


def test_nobody_at_the_address_is_told_at_the_start():
    nobody = Signals(api_url="http://127.0.0.1:9")
    with pytest.raises(SignalsError) as caught:
        nobody.pull_interventions(TARGETS).start()
    assert caught.value.status == 0


def test_a_refusal_later_ends_it_and_get_raises_it(server, subscription, caplog):
    server.streams_then_ends("retry: 1", "", *event(1))
    server.gives({"error": "the token is gone - use another"}, 401)
    subscription.start()
    assert versions(subscription, 1) == [1]
    for _ in range(2):
        with pytest.raises(SignalsError, match="use another"):
            subscription.get()
    assert "use another" in caplog.text


# --- handlers -------------------------------------------------------------------------------------


def test_handlers_are_called_with_each_until_they_are_removed(server, subscription):
    more = server.streams_on(*event(1))
    seen, others = [], queue.Queue()

    def first(one):
        seen.append(one.version)
        assert subscription.remove_handler(first)

    subscription.add_handler(first)
    subscription.add_handler(others.put)
    server.answers[0].chunks.append("\n".join([*event(2), ""]).encode())
    with subscription:
        assert [others.get(timeout=WAIT_S).version for _ in range(2)] == [1, 2]
    more.set()
    assert seen == [1]
    assert not subscription.remove_handler(first)


def test_what_a_handler_raises_is_logged_and_the_next_one_is_called(server, subscription, caplog):
    server.streams_on(*event(1))
    seen = queue.Queue()

    def fails(_):
        message = "of the user's code"
        raise ValueError(message)

    subscription.add_handler(fails)
    subscription.add_handler(seen.put)
    with subscription:
        assert seen.get(timeout=WAIT_S).version == 1
    assert "of the user's code" in caplog.text


def test_what_a_handler_raises_can_end_it(server, subscription):
    server.streams_on(*event(1), *event(2))

    def fails(_):
        message = "of the user's code"
        raise ValueError(message)

    subscription.add_handler(fails, ignore_fail=False)
    subscription.start()
    assert versions(subscription, 1) == [1]
    with pytest.raises(ValueError, match="of the user's code"):
        subscription.get(timeout=WAIT_S)


def test_a_handler_can_stop_it(server, subscription):
    server.streams_on(*event(1))
    subscription.add_handler(lambda _: subscription.stop())
    subscription.start()
    assert versions(subscription, 1) == [1]
    with pytest.raises(queue.Empty):
        subscription.get()


# --- bounds and what nobody expects ---------------------------------------------------------------


def test_the_oldest_of_those_that_nobody_takes_are_dropped(
    server, subscription, monkeypatch, caplog
):
    monkeypatch.setattr("definitions.client.subscription.BUFFERED_MAX", 2)
    server.streams_then_ends(*event(1), *event(2), *event(3), *event(4))
    server.gives({"error": "gone"}, 401)
    subscription.start()
    subscription._thread.join(WAIT_S)
    assert versions(subscription, 2) == [3, 4]
    assert caplog.text.count("are dropped") == 1


def test_what_is_no_intervention_is_logged_and_skipped(server, subscription, caplog):
    caplog.set_level(logging.INFO)
    server.streams_on(": cut off", "", "data: [1]", "", "data: {", "", "event: x", *event(1))
    with subscription:
        assert versions(subscription, 1) == [1]
    assert caplog.text.count("something else than an intervention") == 2
    assert "the worker says: cut off" in caplog.text

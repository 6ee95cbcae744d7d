"""What the client sends, and what it makes of answers."""

import math
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from definitions import (
    Attribute,
    AttributeKey,
    AttributeKeyIdentifiers,
    BatchSource,
    EventLog,
    EventLogAtomicProperty,
    EventLogEvent,
    EventSelection,
    ExternalBatchAttributeGroup,
    Field,
    InterventionCriterion,
    InterventionInstance,
    PageView,
    RuleIntervention,
    Service,
    Signals,
    SignalsError,
    StreamAttributeGroup,
    domain_sessionid,
    domain_userid,
)

OWNER = "a@example.com"
KEY = AttributeKey(name="app", property={"type": "atomic", "name": "app_id"})
GROUP = StreamAttributeGroup(
    name="g",
    version=3,
    attribute_key=domain_userid,
    owner=OWNER,
    attributes=[
        Attribute(name="n", type="int32", aggregation="counter", events=[PageView()]),
        Attribute(name="m", type="int32", aggregation="counter", events=[]),
    ],
)
SERVICE = Service(name="s", owner=OWNER, attribute_groups=[GROUP])
RULE = RuleIntervention(
    name="r", owner=OWNER, criteria=InterventionCriterion(attribute="g:n", operator=">", value=1)
)
LOG = EventLog(
    name="l",
    attribute_key=domain_sessionid,
    events=[
        EventSelection(event=EventLogEvent(), properties=[EventLogAtomicProperty(name="page_url")])
    ],
    max_events=5,
    max_age_seconds=60,
)
EXISTS = {"detail": [{"loc": ["body"], "msg": "it is there already - replace it", "type": "e"}]}


def echo(server, *definitions, published=True):
    for one in definitions:
        told = one.registry_json() | {"is_published": published, "full_name": "of the server"}
        server.gives(told, 201)


def sent(server):
    return [f"{one.method} {one.path.removeprefix('/api/v1/')}" for one in server.asked]


# --- definitions ----------------------------------------------------------------------------------


def test_definitions_are_published_in_the_order_of_needs(server, signals):
    echo(server, KEY, GROUP, SERVICE, RULE, LOG)
    server.gives({"status": "published"})
    found = signals.publish([LOG, RULE, SERVICE, GROUP, KEY])
    assert sent(server) == [
        "POST registry/attribute_keys/",
        "POST registry/attribute_groups/",
        "POST registry/services/",
        "POST registry/interventions/",
        "POST registry/event_logs/",
        "POST engines/publish",
    ]
    assert [one.body.get("is_published") for one in server.asked[:5]] == [True] * 4 + [None]
    assert server.asked[5].body == {"event_logs": [{"name": "l"}]}
    published = [one.model_copy(update={"is_published": True}) for one in (KEY, GROUP, SERVICE)]
    assert found[:3] == published
    assert all(one.is_published for one in found)
    assert [type(one) for one in found] == [
        AttributeKey, StreamAttributeGroup, Service, RuleIntervention, EventLog,
    ]  # fmt: skip
    assert not GROUP.is_published


def test_what_exists_is_replaced(server, signals):
    for definition in (GROUP, SERVICE):
        server.gives(EXISTS, 400)
        echo(server, definition, published=False)
    found = signals.unpublish([SERVICE, GROUP])
    assert sent(server) == [
        "POST registry/attribute_groups/",
        "PUT registry/attribute_groups/g/versions/3",
        "POST registry/services/",
        "PUT registry/services/s",
    ]
    assert server.asked[0].body == server.asked[1].body
    assert [one.is_published for one in found] == [False, False]


def test_an_event_log_is_taken_out_of_force_by_the_engines(server, signals):
    echo(server, LOG)
    server.gives({"status": "unpublished"})
    assert not signals.unpublish([LOG])[0].is_published
    assert sent(server)[1] == "POST engines/unpublish"


def test_definitions_are_deleted_each_before_what_it_needs(server, signals):
    for _ in range(5):
        server.gives({"ok": True})
    signals.delete([KEY, GROUP, SERVICE, RULE, LOG])
    assert sent(server) == [
        "DELETE registry/event_logs/l",
        "DELETE registry/interventions/r/versions/1",
        "DELETE registry/services/s",
        "DELETE registry/attribute_groups/g/versions/3",
        "DELETE registry/attribute_keys/app",
    ]


def test_a_group_is_got_in_a_version_or_the_latest(server, signals):
    echo(server, GROUP)
    assert signals.get_attribute_group("g").name == "g"
    echo(server, GROUP)
    assert signals.get_attribute_group(name="g", version=3).version == 3
    server.gives({"detail": []}, 404)
    with pytest.raises(SignalsError):
        signals.get_attribute_group("../services/s")
    assert sent(server) == [
        "GET registry/attribute_groups/g",
        "GET registry/attribute_groups/g/versions/3",
        "GET registry/attribute_groups/..%2Fservices%2Fs",
    ]


def test_the_first_refusal_ends_a_publication(server, signals):
    echo(server, GROUP)
    server.gives({"detail": []}, 409)
    with pytest.raises(SignalsError):
        signals.publish([GROUP, SERVICE, RULE])
    assert len(server.asked) == 2


# --- attributes -----------------------------------------------------------------------------------


def test_attributes_of_a_service_are_read_for_one_id(server, signals):
    server.gives({"domain_userid": ["u"], "n": [2], "l": [["a"]], "none": [None], "empty": []})
    found = SERVICE.get_attributes(signals=signals, attribute_key="domain_userid", identifier="u")
    assert found == {"domain_userid": "u", "n": 2, "l": ["a"], "none": None, "empty": None}
    assert server.asked[0].body == {
        "attribute_keys": {"domain_userid": ["u"]},
        "service": "s",
    }


def test_attributes_of_a_group_are_read_by_their_full_names(server, signals):
    for _ in range(3):
        server.gives({"n": [2]})
    assert GROUP.get_attributes(signals, "u") == {"n": 2}
    GROUP.get_attributes(signals=signals, attribute_key="domain_userid", identifier="u")
    signals.get_group_attributes("g", 3, "n", "domain_userid", "u")
    assert [one.body["attributes"] for one in server.asked] == [
        ["g_v3:n", "g_v3:m"], ["g_v3:n", "g_v3:m"], ["g_v3:n"],
    ]  # fmt: skip


def test_fields_of_a_group_of_the_warehouse_are_read(server, signals):
    source = BatchSource(name="w", database="d", schema="s", table="t", timestamp_field="at")
    group = ExternalBatchAttributeGroup(
        name="x",
        attribute_key=domain_userid,
        owner=OWNER,
        fields=[Field(name="TOTAL", type="int32")],
        batch_source=source,
    )
    server.gives({"TOTAL": [None]})
    assert group.get_attributes(signals, "u") == {"TOTAL": None}
    assert server.asked[0].body["attributes"] == ["x_v1:TOTAL"]


def test_a_what_if_run_asks_for_the_last_hour_unless_told(server, signals):
    rows = [{"domain_userid": "u", "n": 2}]
    server.gives(rows)
    server.gives([])
    assert signals.test(GROUP) == rows
    assert signals.test(
        attribute_group=GROUP,
        attribute_key_ids=["u"],
        app_ids=["web"],
        window=timedelta(minutes=90),
    ) == []  # fmt: skip
    first, second = (one.body for one in server.asked)
    assert first.pop("attribute_group") == second.pop("attribute_group") == GROUP.registry_json()
    assert first == {"attribute_key_ids": [], "app_ids": [], "window": "PT1H"}
    assert second == {"attribute_key_ids": ["u"], "app_ids": ["web"], "window": "PT1H30M"}


# --- interventions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "targets",
    [
        {"domain_userid": ["u", "v w"], "user_id": ("ä",)},
        AttributeKeyIdentifiers({"domain_userid": ["u", "v w"], "user_id": ["ä"]}),
    ],
)
def test_an_intervention_is_pushed_to_each_target(server, signals, targets):
    server.gives({"status": "undelivered", "intervention_id": "i"})
    instance = InterventionInstance(name="hello", version=2, attributes={"a:b": 1})
    assert signals.push_intervention(targets, instance) == "undelivered"
    query = parse_qs(urlsplit(server.asked[0].path).query)
    assert query == {"domain_userid": ["u", "v w"], "user_id": ["ä"]}
    assert server.asked[0].body == {"name": "hello", "version": 2, "attributes": {"a:b": 1}}


@pytest.mark.parametrize("targets", [{}, {"user_id": []}])
def test_no_targets_are_refused_before_anything_is_sent(server, signals, targets):
    with pytest.raises(ValueError, match="at least 1"):
        signals.push_intervention(targets, InterventionInstance(name="a", version=1))
    assert not server.asked


# --- the connection -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "named", [{"token": "T"}, {"api_key": "T", "api_key_id": "n", "org_id": "o"}]
)
def test_the_token_goes_with_each_call(server, named):
    echo(server, GROUP)
    with Signals(api_url=server.url, **named) as signals:
        signals.get_attribute_group("g")
    assert server.asked[0].headers["authorization"] == "Bearer T"


def test_without_a_token_none_is_sent(server):
    echo(server, GROUP)
    with Signals(api_url=server.url) as signals:
        signals.get_attribute_group("g")
    assert "authorization" not in server.asked[0].headers


def test_not_now_is_tried_again(server, signals):
    server.gives({"error": "moving - try again"}, 503, Retry_After="0")
    server.gives({"error": "moving - try again"}, 503, Retry_After="0")
    server.gives({"n": [1]})
    assert signals.get_service_attributes("s", "domain_userid", "u") == {"n": 1}
    assert len(server.asked) == 3


@pytest.mark.parametrize("headers", [{"Retry_After": "60"}, {}, {"Retry_After": "soon"}])
def test_not_now_is_told_when_trying_again_would_take_too_long(server, signals, headers):
    server.gives({"error": "restoring - try again"}, 503, **headers)
    with pytest.raises(SignalsError) as caught:
        signals.get_service_attributes("s", "domain_userid", "u")
    assert caught.value.status == 503
    assert caught.value.retry_after_s == (60 if headers == {"Retry_After": "60"} else None)
    assert len(server.asked) == 1


def test_a_deletion_that_was_carried_out_at_the_first_attempt_is_done(server, signals):
    server.gives({"detail": []}, 503, Retry_After="0")
    server.gives({"detail": []}, 404)
    signals.delete([SERVICE])
    server.gives({"detail": [{"msg": "nothing of this name - write"}]}, 404)
    with pytest.raises(SignalsError):
        signals.delete([SERVICE])


# --- errors ---------------------------------------------------------------------------------------


def refusal(server, signals, body, status):
    server.gives(body, status)
    with pytest.raises(SignalsError) as caught:
        signals.get_service_attributes("s", "domain_userid", "u")
    return caught.value


def test_an_error_has_status_problems_and_remedy(server, signals):
    error = refusal(server, signals, {"error": "no live service 's' - publish it"}, 404)
    assert (error.status, error.problems) == (404, ("no live service 's'",))
    assert error.remedy == "publish it"
    assert str(error) == "404: no live service 's' - publish it"


def test_every_mistake_of_a_definition_is_told(server, signals):
    detail = [
        {"loc": ["body", "owner"], "msg": "g / owner: not an address - write one", "type": "owner"},
        {"loc": ["body", "name"], "msg": "g / name: too - long - cut it", "type": "name"},
        {"loc": [], "msg": "no remedy", "type": "x"},
    ]
    error = refusal(server, signals, {"detail": detail}, 422)
    assert error.problems == ("g / owner: not an address", "g / name: too - long", "no remedy")
    assert error.remedy == "write one; cut it"


@pytest.mark.parametrize("body", [b"<html>", {"other": 1}, [], 1, None, {"detail": "text"}])
def test_what_no_worker_answers_is_told_as_such(server, signals, body):
    error = refusal(server, signals, body, 502)
    assert error.status == 502
    assert "not of a worker" in error.problems[0]
    assert "api_url" in error.remedy


def test_success_that_is_no_json_is_an_error(server, signals):
    error = refusal(server, signals, b"<html>", 200)
    assert "<html>" in str(error)


def test_nobody_at_the_address_is_told():
    with Signals(api_url="http://127.0.0.1:9") as signals, pytest.raises(SignalsError) as caught:
        signals.get_attribute_group("g")
    assert caught.value.status == 0
    assert "http://127.0.0.1:9" in str(caught.value)
    assert "serve" in caught.value.remedy


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "", "ftp://a"])
def test_an_address_without_a_scheme_is_refused(url):
    with pytest.raises(SignalsError, match="http://"):
        Signals(api_url=url)


def test_what_json_cannot_carry_is_refused_before_it_is_sent(server, signals):
    instance = InterventionInstance.model_construct(name="a", version=1, attributes={"x": math.nan})
    with pytest.raises(SignalsError, match="cannot be sent"):
        signals.push_intervention({"user_id": ["u"]}, instance)
    assert not server.asked


def test_a_client_that_is_left_alone_closes_its_connections(server):
    echo(server, GROUP)
    Signals(api_url=server.url).get_attribute_group("g")  # a ResourceWarning would be an error

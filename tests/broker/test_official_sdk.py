"""The official SDK as its users write with it, with both of its classes, against two workers.

`SignalsSandbox` is pointed at the balancer by its arguments. `Signals` gets its token from a fixed
host and goes to the URL of its own: both names lead to the balancer, whose workers serve TLS with a
certificate of an authority that only these tests trust.
"""

import ast
import contextlib
import hashlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import jwt
import pytest
import snowplow_signals
import trustme
from snowplow_signals import (
    AtomicProperty,
    Attribute,
    AttributeKey,
    AttributeKeyIdentifiers,
    BatchAttributeGroup,
    BatchSource,
    EntityProperty,
    EventProperty,
    ExternalBatchAttributeGroup,
    Field,
    InterventionCriteriaAll,
    InterventionCriteriaAny,
    InterventionCriteriaNone,
    InterventionCriterion,
    InterventionInstance,
    LinkAttributeKey,
    PageView,
    RuleIntervention,
    Service,
    Signals,
    SignalsSandbox,
    StreamAttributeGroup,
    domain_userid,
    session_attribute_key,
)
from snowplow_signals.api_client import SignalsAPIError
from snowplow_signals.interventions_subscription import InterventionsSubscription

from definitions.records import from_registry
from tests.broker import hosts
from tests.broker.cluster import ROOT, Cluster
from tests.broker.round_robin import RoundRobin
from tests.broker.sdk_objects import (
    OWNER,
    PATH,
    PRICE,
    as_json,
    contexts,
    counter,
    every_kind_of_attribute,
    group_of,
    own_event,
)
from tests.broker.visits import START_MS, Json, application, eventually, stamp, visit
from tests.examples import pages

pytestmark = pytest.mark.broker

CONSOLE = "console.snowplowanalytics.com"
API = "signals.example.com"
TOKENS = {"shop": "a-token-of-the-shop", "reader": "a-token-of-a-reader"}
SCOPES = {"shop": "read+write+push+test", "reader": "read"}
WAIT_S = 20.0
HEARTBEAT_S = 0.3

Client = Signals | SignalsSandbox


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the certificate of an authority of our own, and the workers' from it."""
    directory = tmp_path_factory.mktemp("authority")
    authority = trustme.CA()
    certificate = authority.issue_cert(CONSOLE, API, "127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    certificate.private_key_pem.write_to_path(directory / "key.pem")
    return directory


@pytest.fixture(scope="module")
def cluster(
    bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory, authority: Path
) -> Iterator[Cluster]:
    entries = [
        f"{name}:{SCOPES[name]}:{hashlib.sha256(token.encode()).hexdigest()}"
        for name, token in TOKENS.items()
    ]
    settings = {
        "tls_cert": authority / "cert.pem",
        "tls_key": authority / "key.pem",
        "api_tokens": ",".join(entries),
        "token_secret": "s" * 32,
        "sse_heartbeat_s": HEARTBEAT_S,
    }
    with application(bootstrap_servers, tmp_path_factory.mktemp("sdk"), {}, **settings) as made:
        one, two = made.worker("one"), made.worker("two")
        # A URL can be written in several ways; this is not how a worker tells it to the others.
        one.start(PROCESSOR_ADVERTISED_URL=f"https://LOCALHOST:{one.port}/")
        two.start()
        for worker in (one, two):
            worker.wait_ready()
        yield made


@pytest.fixture(scope="module")
def balancer(cluster: Cluster) -> Iterator[RoundRobin]:
    with RoundRobin([worker.port for worker in cluster.workers.values()]) as made:
        yield made


@pytest.fixture(autouse=True)
def of_the_shop(authority: Path, balancer: RoundRobin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that trusts the authority, and on which both hosts are the balancer."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    entries = {CONSOLE: balancer.port, API: balancer.port}
    monkeypatch.setattr(socket, "getaddrinfo", hosts.resolving(entries))


@pytest.fixture
def sandbox(balancer: RoundRobin) -> SignalsSandbox:
    return SignalsSandbox(
        api_url=f"https://127.0.0.1:{balancer.port}", sandbox_token=TOKENS["shop"]
    )


def full_class(name: str = "shop", token: str = "") -> Signals:
    key = token or TOKENS[name]
    return Signals(api_url=f"https://{API}", api_key=key, api_key_id=name, org_id="any")


@pytest.fixture(params=["Signals", "SignalsSandbox"])
def signals(request: pytest.FixtureRequest, sandbox: SignalsSandbox) -> Client:
    return full_class() if request.param == "Signals" else sandbox


@pytest.fixture
def user() -> str:
    return str(uuid.uuid4())


def refused(act: Callable[[], object]) -> SignalsAPIError:
    with pytest.raises(SignalsAPIError) as caught:
        act()
    return caught.value


def subscribers(cluster: Cluster) -> float:
    return sum(worker.metric("processor_sse_clients") for worker in cluster.workers.values())


@contextlib.contextmanager
def following(
    signals: Client, cluster: Cluster, **targets: list[str]
) -> Iterator[InterventionsSubscription]:
    """A subscription that a worker knows of; at the end its thread has ended."""
    before = subscribers(cluster)
    with signals.pull_interventions(AttributeKeyIdentifiers(targets)) as subscription:
        thread = subscription._thread
        eventually(lambda: subscribers(cluster) > before)
        yield subscription
    thread.join(WAIT_S)
    assert not thread.is_alive()
    eventually(lambda: subscribers(cluster) == before)


def pushed(signals: Client, name: str, attributes: Json | None = None, **targets: list[str]) -> str:
    instance = InterventionInstance(name=name, version=1, attributes=attributes)
    status: str = signals.push_intervention(AttributeKeyIdentifiers(targets), instance)
    return status


# --- from a definition to an intervention ---------------------------------------------------------


def test_a_shop_publishes_reads_follows_and_takes_away(
    signals: Client, cluster: Cluster, balancer: RoundRobin, user: str
) -> None:
    served = list(balancer.served)
    name = f"shop_{type(signals).__name__}"
    group = group_of(
        name,
        counter(period=timedelta(days=1), default_value=0),
        Attribute(
            name="spent", type="double", aggregation="sum", events=[PageView()], property=PRICE
        ),
    )
    service = Service(name=name, owner=OWNER, attribute_groups=[group])
    rule = RuleIntervention(
        name=name,
        owner=OWNER,
        criteria=InterventionCriteriaAll(
            all=[
                InterventionCriterion(attribute=f"{name}:views", operator=">=", value=2),
                InterventionCriteriaAny(
                    any=[InterventionCriterion(attribute=f"{name}:spent", operator=">", value=29)]
                ),
                InterventionCriteriaNone(
                    none=[InterventionCriterion(attribute=f"{name}:views", operator=">", value=9)]
                ),
            ]
        ),
        target_attribute_keys=[LinkAttributeKey(name="domain_userid")],
    )
    published = signals.publish([rule, service, group])
    assert [(one.name, one.is_published) for one in published] == [(name, True)] * 3
    assert service.get_attributes(signals, "domain_userid", user) == {
        "domain_userid": user, "views": 0, "spent": None,
    }  # fmt: skip

    with following(signals, cluster, domain_userid=[user]) as subscription:
        prices = (10.5, 20.0, 5.0)
        cluster.produce(
            (visit(user, number, contexts=contexts(product={"price": price})), 0)  # in order
            for number, price in enumerate(prices)
        )
        fired = subscription.get(timeout=WAIT_S)
    assert (fired.name, fired.version) == (name, 1)
    assert (fired.target_attribute_key.name, fired.target_attribute_key.id) == (
        "domain_userid", user,
    )  # fmt: skip
    assert fired.attributes == {f"{name}:views": "2", f"{name}:spent": "30.5"}
    values = {"domain_userid": user, "views": 3, "spent": 35.5}
    eventually(lambda: service.get_attributes(signals, "domain_userid", user) == values)
    assert signals.get_service_attributes(name, "domain_userid", user) == values
    assert group.get_attributes(signals, user) == values
    one = signals.get_group_attributes(name, 1, "spent", "domain_userid", user)
    assert one == {"domain_userid": user, "spent": 35.5}

    unpublished = signals.unpublish([group, service, rule])
    assert not any(one.is_published for one in unpublished)
    gone = refused(lambda: signals.get_service_attributes(name, "domain_userid", user))
    assert gone.status_code == 404
    signals.delete([group, service, rule])
    assert refused(lambda: signals.get_attribute_group(name)).status_code == 404
    assert name not in {one.name for one in signals.interventions.list()}
    assert all(now > before for now, before in zip(balancer.served, served, strict=True))


# --- definitions ----------------------------------------------------------------------------------


# The SDK's own model of a group does not expect the SDK's own CalculatedProperty.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
def test_every_kind_of_attribute_comes_back_as_it_was_and_with_its_values(
    sandbox: SignalsSandbox, cluster: Cluster, user: str
) -> None:
    group = group_of("kinds", *every_kind_of_attribute(), ttl=timedelta(days=90), description="all")
    sandbox.publish([group])
    found = sandbox.get_attribute_group("kinds", 1)
    assert [as_json(one) for one in found.attributes] == [as_json(one) for one in group.attributes]
    assert (found.ttl, found.description, found.owner) == (timedelta(days=90), "all", OWNER)
    assert (found.is_published, found.offline, found.full_name) == (True, False, "kinds_v1")

    pages = (("/home", 10.0), ("/pricing", 30.0), ("/home", 20.0))
    events = [
        visit(
            user, number, page_urlpath=path, page_url=f"https://shop.example{path}", platform="web",
            contexts=contexts(product={"price": price}),
        )
        for number, (path, price) in enumerate(pages)
    ]  # fmt: skip
    events.append(visit(user, 3, **own_event("consent", {"given": True})))
    cluster.produce((event, None) for event in events)
    eventually(
        lambda: {3, True} <= {*map(group.get_attributes(sandbox, user).get, ("views", "given"))}
    )
    read = group.get_attributes(sandbox, user)
    minutes = (time.time() * 1000 - START_MS) / 60_000
    assert read.pop("idle") == pytest.approx(minutes, abs=1)
    assert read.pop("age") == pytest.approx(minutes / 60, abs=0.1)
    assert read == {
        "domain_userid": user,
        "views": 3, "priced": 1, "specified": None,
        "spent": 60.0, "cheapest": 10.0, "dearest": 30.0, "average": 20.0,
        "entry": "/home", "exit": "/home",
        "paths": ["/pricing", "/home"], "usual": "/home", "unusual": "/pricing",
        "by_path": {"/home": 2, "/pricing": 1}, "distinct": 2,
        "label": "shop-web", "hour": datetime.fromtimestamp(START_MS / 1000, UTC).hour,
        "given": True,
        "second": 2.5, "no_text": "", "no_flag": False, "no_list": [],
    }  # fmt: skip


def test_profiles_are_kept_by_keys_of_all_kinds(
    sandbox: SignalsSandbox, cluster: Cluster, user: str
) -> None:
    of_event = EventProperty(vendor="com.example", name="order", major_version=1, path="order.id")
    of_entity = EntityProperty(vendor="com.example", name="user", major_version=1, path="tier")
    keys = {
        "tier": AttributeKey(property=of_entity, owner=OWNER),
        "mkt_campaign": AttributeKey(property=AtomicProperty(name="mkt_campaign"), owner=OWNER),
        "order": AttributeKey(name="order", property=of_event, ttl=timedelta(days=365)),
    }
    # A group brings its own key along; one that is linked by its name has to be there.
    published = sandbox.publish([keys["order"], keys["tier"]])
    assert [one.name for one in published] == ["order", "tier"]
    used = {
        **keys,
        "tier": LinkAttributeKey(name="tier"),  # by its name alone
        "session": session_attribute_key,
    }
    groups = [
        group_of(f"by_{name}", counter(events=[]), attribute_key=key) for name, key in used.items()
    ]
    service = Service(name="by_keys", owner=OWNER, attribute_groups=groups)
    sandbox.publish([*groups, service])
    assert [sandbox.get_attribute_group(one.name).attribute_key.name for one in groups] == [*used]

    cluster.produce(
        (
            visit(
                user, number, mkt_campaign=f"{user} & spring/50%", domain_sessionid=f"{user}-s",
                contexts=contexts(user={"tier": f"{user}-gold"}),
                **own_event("order", {"order": {"id": f"{user}-7"}}),
            ),
            None,
        )
        for number in range(2)
    )  # fmt: skip
    ids = {
        "tier": f"{user}-gold", "mkt_campaign": f"{user} & spring/50%", "order": f"{user}-7",
        "session": f"{user}-s",
    }  # fmt: skip
    for key, identifier in ids.items():
        wanted = {key: identifier, "views": 2}
        read = partial(service.get_attributes, sandbox, key, identifier)
        eventually(lambda read=read, wanted=wanted: read() == wanted)
        assert sandbox.get_group_attributes(f"by_{key}", 1, ["views"], key, identifier) == wanted

    in_use = refused(lambda: sandbox.delete([sandbox.unpublish([keys["order"]])[0]]))
    assert in_use.status_code == 409
    assert "by_order" in str(in_use)


def test_groups_of_the_warehouse_are_stored_and_listed_and_read_as_nothing(
    sandbox: SignalsSandbox, user: str
) -> None:
    source = BatchSource(
        name="orders", database="DB", schema="SC", table="ORDERS", timestamp_field="UPDATED_AT"
    )
    more = {"owner": OWNER, "attribute_key": domain_userid}
    external = ExternalBatchAttributeGroup(
        name="external", fields=[Field(name="TOTAL", type="int32")], batch_source=source,
        refresh_rate=timedelta(hours=6), **more,
    )  # fmt: skip
    batch = BatchAttributeGroup(name="batch", attributes=[counter()], **more)
    service = Service(name="warehouse", owner=OWNER, attribute_groups=[external, batch])
    sandbox.publish([external, batch, service])
    found = sandbox.get_attribute_group("external")
    assert (found.offline, as_json(found.batch_source)) == (True, as_json(source))
    assert [as_json(one) for one in found.fields] == [{"name": "TOTAL", "type": "int32"}]
    assert sandbox.get_attribute_group("batch").offline
    nothing = {"domain_userid": user, "TOTAL": None}
    assert external.get_attributes(sandbox, user) == nothing
    assert service.get_attributes(sandbox, "domain_userid", user) == {**nothing, "views": None}


def test_a_group_is_tested_on_the_events_that_are_there(
    sandbox: SignalsSandbox, cluster: Cluster, user: str
) -> None:
    other = f"{user}-2"
    sent = [(user, "shop", "/a"), (user, "shop", "/b"), (user, "blog", "/c"), (other, "shop", "/a")]
    cluster.produce(
        (visit(id_, number, app_id=app_id, page_urlpath=path), None)
        for number, (id_, app_id, path) in enumerate(sent)
    )
    exit_page = Attribute(
        name="exit", type="string", aggregation="last", events=[PageView()], property=PATH
    )
    group = group_of("tested", counter(period=timedelta(days=1)), exit_page)
    ids = [user, other, f"{user}-3"]
    table = sandbox.test(group, ids, app_ids=["shop"], window=timedelta(hours=2))
    assert table.set_index("domain_userid").to_dict("index") == {
        user: {"views": 2, "exit": "/b"}, other: {"views": 1, "exit": "/a"},
    }  # fmt: skip
    assert 0 < len(sandbox.test(group)) <= 10
    assert refused(lambda: sandbox.get_attribute_group("tested")).status_code == 404
    wrong = refused(lambda: sandbox.test(group_of("tested", counter(time_unit="s"))))
    assert wrong.status_code == 422
    assert "time_unit" in str(wrong.message["detail"])


# --- interventions --------------------------------------------------------------------------------


def test_rules_are_created_changed_listed_and_deleted_one_by_one(sandbox: SignalsSandbox) -> None:
    sandbox.publish([group_of("ruled")])
    rules = sandbox.interventions
    criterion = InterventionCriterion(attribute="ruled:views", operator=">=", value=5)
    draft = RuleIntervention(name="draft", owner=OWNER, criteria=criterion)
    assert rules.create(draft).is_published is False
    assert refused(lambda: rules.create(draft)).status_code == 400
    assert rules.update(draft.model_copy(update={"description": "better"})).version == 1
    rules.create(draft.model_copy(update={"version": 2, "description": "second"}))
    assert [rules.get("draft").version, rules.get("draft", version=1).version] == [2, 1]
    assert [one.description for one in rules.list() if one.name == "draft"] == ["better", "second"]
    assert rules.delete("draft", 1) == {"ok": True}
    assert refused(lambda: rules.get("draft", version=1)).status_code == 404


def test_what_is_pushed_reaches_who_follows_one_of_the_ids(
    sandbox: SignalsSandbox, cluster: Cluster, user: str
) -> None:
    odd, session = f"{user} & söhne/50%=?", f"{user}-s"
    heard: Queue[InterventionInstance] = Queue()
    assert pushed(sandbox, "nobody", domain_userid=[f"{user}-2"]) == "undelivered"
    with following(sandbox, cluster, domain_userid=[user, odd], session=[session]) as subscription:
        subscription.add_handler(heard.put)
        content = {"text": "good day", "empty": ""}
        for name, targets in (
            ("first", {"domain_userid": [user]}),
            ("second", {"domain_userid": [odd, "another"]}),
            ("third", {"session": [session]}),
        ):
            assert pushed(sandbox, name, content, **targets) == "success"
        told = [subscription.get(timeout=WAIT_S) for _ in range(3)]
        assert [heard.get(timeout=WAIT_S) for _ in range(3)] == told
        assert list(subscription) == []
    told.sort(key=lambda one: one.name)  # those of different ids come in any order
    assert [one.name for one in told] == ["first", "second", "third"]
    assert [one.target_attribute_key.id for one in told] == [user, odd, session]
    assert all(one.attributes == content for one in told)
    assert len({one.intervention_id for one in told}) == 3
    assert pushed(sandbox, "nobody", domain_userid=[user]) == "undelivered"


def test_a_subscription_is_stopped_and_started_again(
    sandbox: SignalsSandbox, cluster: Cluster, user: str
) -> None:
    with following(sandbox, cluster, domain_userid=[user]) as subscription:
        pass
    before = subscribers(cluster)
    with subscription:
        eventually(lambda: subscribers(cluster) > before)
        assert pushed(sandbox, "back", domain_userid=[user]) == "success"
        assert subscription.get(timeout=WAIT_S).name == "back"
    eventually(lambda: subscribers(cluster) == before)


# --- what is refused ------------------------------------------------------------------------------


def test_what_is_not_there_is_named(sandbox: SignalsSandbox, user: str) -> None:
    sandbox.publish([group_of("there")])
    for act, name in (
        (lambda: sandbox.get_attribute_group("nowhere"), "nowhere"),
        (lambda: sandbox.get_attribute_group("there", 7), "there/7"),
        (lambda: sandbox.registry.get_service("nothing"), "nothing"),
        (lambda: sandbox.get_event_log("nowhere"), "nowhere"),
        (lambda: sandbox.interventions.get("nowhere"), "nowhere"),
        (lambda: sandbox.get_service_attributes("nothing", "domain_userid", user), "nothing"),
        (lambda: sandbox.get_group_attributes("there", 1, "x", "domain_userid", user), "v1:x"),
        (lambda: sandbox.get_group_attributes("there", 2, "views", "domain_userid", user), "there"),
        (lambda: sandbox.delete([group_of("nowhere")]), "nowhere"),
    ):  # fmt: skip
        error = refused(act)
        assert error.status_code == 404
        assert name in str(error)


def test_all_mistakes_of_a_definition_come_with_places_and_remedies(
    sandbox: SignalsSandbox,
) -> None:
    wrong = group_of(
        "wrong",
        Attribute(name="total", type="double", aggregation="sum", events=[PageView()]),
        counter("both", period=timedelta(days=1), ttl=timedelta(days=2)),
        counter("timed", time_unit="s"),
    )
    error = refused(lambda: sandbox.publish([wrong]))
    assert error.status_code == 422
    mistakes = error.message["detail"]
    assert {mistake["loc"][1] for mistake in mistakes} == {
        "attribute total", "attribute both", "attribute timed",
    }  # fmt: skip
    assert all(" - " in mistake["msg"] for mistake in mistakes), mistakes

    missing = Service(
        name="of_nothing", owner=OWNER, attribute_groups=[{"name": "nowhere", "version": 3}]
    )
    assert "nowhere" in str(refused(lambda: sandbox.publish([missing])))
    rule = RuleIntervention(
        name="of_nothing",
        owner=OWNER,
        criteria=InterventionCriterion(attribute="nowhere:views", operator="rlike", value="(["),
    )
    error = refused(lambda: sandbox.publish([rule]))
    assert error.status_code == 422
    assert len(error.message["detail"]) == 2


def test_ids_are_asked_for_by_the_key_that_has_them(sandbox: SignalsSandbox, user: str) -> None:
    group = group_of("by_browser")
    service = Service(name="by_browser", owner=OWNER, attribute_groups=[group])
    sandbox.publish([group, service])
    assert service.get_attributes(sandbox, "user_id", user) == {"user_id": user}
    error = refused(lambda: sandbox.get_group_attributes("by_browser", 1, "views", "user_id", user))
    assert error.status_code == 422
    assert "kept by 'domain_userid'" in error.message["error"]


def test_a_push_or_a_subscription_that_cannot_be_is_refused(
    sandbox: SignalsSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refused(lambda: pushed(sandbox, "long", domain_userid=["x" * 300]))
    assert (error.status_code, "300 characters" in error.message["error"]) == (422, True)
    raised: Queue[Any] = Queue()  # the SDK raises in a thread of its own
    monkeypatch.setattr(threading, "excepthook", raised.put)
    with sandbox.pull_interventions(AttributeKeyIdentifiers({"domain_userid": ["x" * 300]})):
        error = raised.get(timeout=WAIT_S).exc_value
    assert isinstance(error, SignalsAPIError)
    assert (error.status_code, "300 characters" in error.message["error"]) == (422, True)


def test_agentic_contexts_and_datasets_say_that_there_are_none(sandbox: SignalsSandbox) -> None:
    error = refused(lambda: sandbox.get_agentic_context("context", "id"))
    assert error.status_code == 501
    error = refused(lambda: sandbox.get_dataset_run_status(uuid.uuid4()))
    assert error.status_code == 404


# --- who may --------------------------------------------------------------------------------------


def test_a_token_that_nobody_has_is_refused(balancer: RoundRobin, user: str) -> None:
    stranger = SignalsSandbox(
        api_url=f"https://127.0.0.1:{balancer.port}", sandbox_token="of-nobody"
    )
    for act in (
        lambda: stranger.publish([group_of("stranger")]),
        lambda: stranger.get_attribute_group("stranger"),
        lambda: stranger.get_service_attributes("stranger", "domain_userid", user),
        lambda: pushed(stranger, "hello", domain_userid=[user]),
    ):
        error = refused(act)
        assert error.status_code == 401
        assert "bearer token" in str(error)
    for name, token in (("shop", "of-nobody"), ("nobody", TOKENS["shop"]), ("reader", "")):
        full = full_class(name, token or TOKENS["shop"])
        with pytest.raises(httpx.HTTPStatusError, match="401"):
            full.get_attribute_group("stranger")


def test_a_token_without_the_scope_reads_and_does_not_write(sandbox: SignalsSandbox) -> None:
    group = group_of("scoped")
    sandbox.publish([group])
    reader = full_class("reader")
    assert reader.get_attribute_group("scoped").is_published
    for act in (
        lambda: reader.publish([group]),
        lambda: reader.unpublish([group]),
        lambda: reader.delete([group]),
        lambda: pushed(reader, "hello", domain_userid=["id"]),
    ):
        error = refused(act)
        assert error.status_code == 403
        assert "scope" in str(error)


def test_a_token_that_has_ended_is_fetched_anew() -> None:
    signals = full_class()
    signals.interventions.list()
    first = signals.api_client.token
    signals.interventions.list()
    assert signals.api_client.token == first
    claims = jwt.decode(first, options={"verify_signature": False})
    assert claims["exp"] > time.time() + 3600
    ended = jwt.encode({**claims, "exp": int(time.time()) - 1}, "k" * 32, algorithm="HS256")
    signals.api_client.token = ended
    signals.interventions.list()
    assert signals.api_client.token != ended


def test_a_host_with_another_certificate_is_not_trusted(
    balancer: RoundRobin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        full_class().interventions.list()


# --- what people have written ---------------------------------------------------------------------


@pytest.mark.skipif(not pages.FOUND, reason=pages.REASON)
@pytest.mark.parametrize("page", pages.FOUND, ids=lambda page: page.name[:3])
def test_the_code_of_a_public_page_runs_as_it_stands(page: Path, cluster: Cluster) -> None:
    connection = {
        "api_url": f"https://{API}", "api_key": TOKENS["shop"], "api_key_id": "shop", "org_id": "x",
    }  # fmt: skip
    code = pages.code_of(page)
    names: dict[str, Any] = {
        **pages.left_to_the_reader(snowplow_signals),
        "sp_signals": full_class(),
        "config": connection,
        "SIGNALS_API_URL": connection["api_url"],
        "CONSOLE_API_KEY": connection["api_key"],
        "CONSOLE_API_KEY_ID": connection["api_key_id"],
        "ORG_ID": connection["org_id"],
    }
    full_class().publish([names["my_attribute_group"]])  # by a page before
    exec(compile(ast.Module(code, []), page.name, "exec"), names)

    signals: Signals = names["sp_signals"]
    published = [
        one
        for statement in code
        for wanted in pages.publishes(statement)
        for one in eval(compile(ast.Expression(wanted), page.name, "eval"), names)
    ]
    assert len(published) > 1
    groups = [one for one in published if isinstance(one, StreamAttributeGroup)]
    identifier = f"reader-of-{page.name[:3]}"
    with following(
        signals, cluster, **{group.attribute_key.name: [identifier] for group in groups}
    ) as told:
        cluster.produce((event, None) for group in groups for event in events_of(group, identifier))
        for group in groups:
            eventually(lambda group=group: all(group.get_attributes(signals, identifier).values()))
        for rule in (one for one in published if isinstance(one, RuleIntervention)):
            assert told.get(timeout=WAIT_S).name == rule.name
    for service in (one for one in published if isinstance(one, Service)):
        key = groups[0].attribute_key.name
        assert all(service.get_attributes(signals, key, identifier).values())


def events_of(group: StreamAttributeGroup, identifier: str) -> Iterator[bytes]:
    """Events of the last hour that the attributes of a group count."""
    as_ours = from_registry("attribute_group", json.dumps(as_json(group)).encode())
    for attribute in as_ours.attributes:
        for number in range(10):
            yield pages.line_for(
                attribute,
                event_id=f"{identifier} {group.name} {attribute.name} {number}",
                collector_tstamp=stamp(START_MS + number),
                **{group.attribute_key.name: identifier},
            )


@pytest.mark.parametrize("connection", ["SignalsSandbox", "Signals"])
def test_the_program_that_the_docs_show_runs_with_both_connections(
    cluster: Cluster, balancer: RoundRobin, tmp_path: Path, user: str, connection: str
) -> None:
    page = (ROOT / "docs" / "python.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    sandbox, program, full = (block for block in blocks if "from snowplow_signals" in block)
    code = (full if connection == "Signals" else sandbox) + program
    for placeholder, value in (
        ("http://127.0.0.1:8080", f"https://127.0.0.1:{balancer.port}"),
        ("https://signals.example.com", f"https://{API}"),
        ('"TOKEN"', f'"{TOKENS["shop"]}"'),
        ('"NAME"', '"shop"'),
        ('"ID"', f'"{user}"'),
    ):
        code = code.replace(placeholder, value)
    file = tmp_path / "program.py"
    file.write_text(code)
    entries = json.dumps({CONSOLE: balancer.port, API: balancer.port})
    before = subscribers(cluster)
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(
            subprocess.Popen(
                [sys.executable, hosts.__file__, entries, str(file)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(running.kill)
        eventually(lambda: subscribers(cluster) > before or running.poll() is not None)
        cluster.produce((visit(user, number), None) for number in range(3))
        printed, complaints = running.communicate(timeout=60)
    assert running.returncode == 0, complaints
    read, fired = printed.splitlines()
    assert ast.literal_eval(read) == {"domain_userid": user, "page_views": 0}
    assert "name='busy_today'" in fired
    assert user in fired
    eventually(lambda: subscribers(cluster) == before)

"""The Python client of `definitions` against two workers behind a balancer."""

import ast
import hashlib
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

import definitions
from definitions import (
    AtomicProperty,
    Attribute,
    AttributeKey,
    AttributeKeyIdentifiers,
    EventLog,
    EventLogAtomicProperty,
    EventLogEvent,
    EventSelection,
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
from tests.broker.cluster import Cluster
from tests.broker.round_robin import RoundRobin
from tests.broker.visits import application, eventually, start_all, start_missing, visit
from tests.examples import pages

pytestmark = pytest.mark.broker

ROOT = Path(__file__).parents[2]
OWNER = "a@example.com"
WAIT_S = 20.0
TOKENS = {"shop": "read+write+push+test", "reader": "read"}


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    entries = [
        f"{name}:{scopes}:{hashlib.sha256(name.encode()).hexdigest()}"
        for name, scopes in TOKENS.items()
    ]
    directory = tmp_path_factory.mktemp("client")
    settings = {
        "api_tokens": ",".join(entries), "token_secret": "s" * 32, "sse_heartbeat_s": 0.5
    }  # fmt: skip
    with application(bootstrap_servers, directory, {}, **settings) as made:
        start_all(made.worker(name) for name in ("one", "two"))
        yield made


@pytest.fixture(autouse=True)
def both_run(cluster: Cluster) -> None:
    """Also behind a test that stopped one."""
    start_missing(cluster.workers.values())


@pytest.fixture(scope="module")
def balancer(cluster: Cluster) -> Iterator[RoundRobin]:
    with RoundRobin([worker.port for worker in cluster.workers.values()]) as made:
        yield made


@pytest.fixture
def connect(balancer: RoundRobin) -> Iterator[Callable[..., Signals]]:
    """Makes clients; each keeps its connection, so that two in turn speak to two workers."""
    made: list[Signals] = []

    def make(token: str = "shop", **more: Any) -> Signals:
        made.append(Signals(api_url=f"http://127.0.0.1:{balancer.port}", token=token, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def signals(connect: Callable[..., Signals]) -> Signals:
    return connect()


@pytest.fixture
def user() -> str:
    return str(uuid.uuid4())


def views(name: str = "views", **more: Any) -> Attribute:
    return Attribute(name=name, type="int32", aggregation="counter", events=[PageView()], **more)


def group_of(name: str, *attributes: Attribute, **more: Any) -> StreamAttributeGroup:
    given = {"attribute_key": domain_userid, "owner": OWNER, **more}
    return StreamAttributeGroup(name=name, attributes=list(attributes) or [views()], **given)


def refused(act: Callable[[], object]) -> SignalsError:
    with pytest.raises(SignalsError) as caught:
        act()
    return caught.value


# --- what an application does ---------------------------------------------------------------------


def test_a_shop_publishes_reads_follows_and_takes_away(
    signals: Signals,
    connect: Callable[..., Signals],
    cluster: Cluster,
    balancer: RoundRobin,
    user: str,
) -> None:
    served = list(balancer.served)
    other = connect()
    spent = Attribute(
        name="spent", type="double", aggregation="sum", events=[PageView()],
        property=AtomicProperty(name="tr_total"),
    )  # fmt: skip
    group = group_of("shop", views(period=timedelta(days=1), default_value=0), spent)
    service = Service(name="shop", owner=OWNER, attribute_groups=[group])
    rule = RuleIntervention(
        name="third",
        owner=OWNER,
        criteria=InterventionCriterion(attribute="shop:views", operator=">=", value=3),
    )
    published = signals.publish([rule, service, group])
    assert [type(one) for one in published] == [StreamAttributeGroup, Service, RuleIntervention]
    assert all(one.is_published for one in published)
    assert signals.publish([rule, service, group]) == published
    stored = other.get_attribute_group("shop")
    assert stored == other.get_attribute_group(name="shop", version=1)
    assert (stored.attributes, stored.is_published) == (group.attributes, True)
    empty = {"domain_userid": user, "views": 0, "spent": None}
    for client in (signals, other):
        assert service.get_attributes(client, "domain_userid", user) == empty

    told: Queue[InterventionInstance] = Queue()
    subscription = other.pull_interventions(AttributeKeyIdentifiers({"domain_userid": [user]}))
    subscription.add_handler(told.put)
    with subscription:
        cluster.produce((visit(user, number), None) for number in range(3))
        fired = subscription.get(timeout=WAIT_S)
        assert told.get(timeout=WAIT_S) == fired
    assert (fired.name, fired.version) == ("third", 1)
    assert fired.target_attribute_key is not None
    assert (fired.target_attribute_key.name, fired.target_attribute_key.id) == (
        "domain_userid", user,
    )  # fmt: skip
    assert fired.attributes == {"shop:views": "3", "shop:spent": "4.5"}
    cluster.wait_applied()
    values = {"domain_userid": user, "views": 3, "spent": 4.5}
    for client in (signals, other):
        assert client.get_service_attributes("shop", "domain_userid", user) == values
        assert group.get_attributes(client, user) == values
        one = client.get_group_attributes("shop", 1, "spent", "domain_userid", user)
        assert one == {"domain_userid": user, "spent": 4.5}

    assert not any(one.is_published for one in signals.unpublish([group, service, rule]))
    gone = refused(lambda: other.get_service_attributes("shop", "domain_userid", user))
    assert gone.status == 404
    signals.delete([group, service, rule])
    assert refused(lambda: other.get_attribute_group("shop")).status == 404
    assert all(now > before for now, before in zip(balancer.served, served, strict=True))


def test_keys_and_event_logs_are_published_too(signals: Signals) -> None:
    key = AttributeKey(name="app", property=AtomicProperty(name="app_id"), owner=OWNER)
    group = group_of("of_apps", attribute_key=key)
    log = EventLog(
        name="last_pages",
        attribute_key=domain_sessionid,
        events=[
            EventSelection(
                event=EventLogEvent(), properties=[EventLogAtomicProperty(name="page_url")]
            )
        ],
        max_events=5,
        max_age_seconds=60,
    )
    objects = [log, group, key]
    assert all(one.is_published for one in signals.publish(objects))
    assert group.get_attributes(signals, identifier="shop") == {"app": "shop", "views": None}
    assert not any(one.is_published for one in signals.unpublish(objects))
    signals.delete(objects)


def test_a_what_if_run_tells_what_would_be_read(
    signals: Signals, cluster: Cluster, user: str
) -> None:
    cluster.produce((visit(user, number), None) for number in range(5))
    group = group_of("what_if", views("n"), views("never", criteria=never()))
    rows = signals.test(group, attribute_key_ids=[user, "nobody"], app_ids=["shop"])
    assert rows == [{"domain_userid": user, "n": 5, "never": None}]
    assert signals.test(group, app_ids=["another"]) == []
    assert refused(lambda: signals.get_attribute_group("what_if")).status == 404


def never() -> Any:
    missing = AtomicProperty(name="mkt_medium")
    return definitions.Criteria(all=[definitions.Criterion.eq(property=missing, value="x")])


def test_a_push_says_whether_somebody_follows(
    signals: Signals, connect: Callable[..., Signals], user: str
) -> None:
    instance = InterventionInstance(name="hello", version=2, attributes={"a": 1, "b": "two"})
    targets = {"domain_userid": [user], "user_id": ["someone"]}
    assert signals.push_intervention(targets, instance) == "undelivered"
    with connect().pull_interventions({"domain_userid": [user]}) as subscription:
        assert signals.push_intervention(targets, instance) == "success"
        found = subscription.get(timeout=WAIT_S)
        with pytest.raises(Empty):
            subscription.get(block=False)
    assert (found.name, found.version) == ("hello", 2)
    assert found.attributes == {"a": "1", "b": "two"}


# --- refused --------------------------------------------------------------------------------------


def test_a_token_that_is_unknown_or_may_not_is_told(connect: Callable[..., Signals]) -> None:
    unknown, reader = connect("nobody"), connect("reader")
    for act in (
        lambda: unknown.publish([group_of("refused")]),
        lambda: unknown.get_attribute_group("refused"),
    ):
        error = refused(act)
        assert error.status == 401
        assert "bearer token" in error.problems[0]
        assert "Authorization" in error.remedy
    assert refused(lambda: reader.publish([group_of("refused")])).status == 403
    assert refused(lambda: reader.test(group_of("refused"))).status == 403
    instance = InterventionInstance(name="hello", version=1)
    push = refused(lambda: reader.push_intervention({"user_id": ["u"]}, instance))
    assert (push.status, "push" in str(push)) == (403, True)
    assert refused(lambda: reader.get_attribute_group("refused")).status == 404


def test_every_mistake_of_a_definition_is_told(signals: Signals) -> None:
    wrong = group_of("wrong", Attribute(name="s", type="string", aggregation="sum", events=[]))
    for act in (lambda: signals.publish([wrong]), lambda: signals.test(wrong)):
        error = refused(act)
        assert error.status == 422
        assert len(error.problems) > 1
        assert any("property" in one for one in error.problems)
        assert error.remedy


def test_other_content_of_a_published_group_is_refused(signals: Signals) -> None:
    group = group_of("kept")
    signals.publish([group])
    changed = refused(lambda: signals.publish([group_of("kept", views("others"))]))
    assert changed.status == 409
    assert "2" in str(changed)
    deleted = refused(lambda: signals.delete([group]))
    assert (deleted.status, "unpublish" in deleted.remedy) == (409, True)
    signals.unpublish([group])
    signals.delete([group])


def test_what_nobody_knows_is_told(signals: Signals) -> None:
    error = refused(lambda: signals.get_service_attributes("nothing", "domain_userid", "u"))
    assert (error.status, "nothing" in error.problems[0]) == (404, True)
    assert refused(lambda: signals.delete([group_of("nothing")])).status == 404
    too_long = refused(lambda: signals.pull_interventions({"user_id": ["a" * 300]}).start())
    assert too_long.status == 422


# --- public pages ---------------------------------------------------------------------------------


@pytest.mark.skipif(not pages.FOUND, reason=pages.REASON)
@pytest.mark.parametrize("page", pages.FOUND, ids=lambda page: page.name[:3])
def test_the_code_of_a_public_page_runs_where_its_import_is_another(
    page: Path, balancer: RoundRobin, signals: Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    code = pages.code_of(page)
    for one in code:
        if isinstance(one, ast.ImportFrom) and one.module == "snowplow_signals":
            one.module = "definitions"
    url = f"http://127.0.0.1:{balancer.port}"
    names: dict[str, Any] = {
        **pages.left_to_the_reader(definitions),
        "sp_signals": signals,
        "config": {"api_url": url, "api_key": "shop", "api_key_id": "shop", "org_id": "x"},
        "SIGNALS_API_URL": url,
        "CONSOLE_API_KEY": "shop",
        "CONSOLE_API_KEY_ID": "shop",
        "ORG_ID": "x",
    }
    signals.publish([names["my_attribute_group"]])  # by a page before
    exec(compile(ast.Module(code, []), page.name, "exec"), names)
    published = [
        one
        for statement in code
        for wanted in pages.publishes(statement)
        for one in eval(compile(ast.Expression(wanted), page.name, "eval"), names)
    ]
    assert len(published) > 1
    for group in (one for one in published if isinstance(one, StreamAttributeGroup)):
        assert group.attribute_key.name in group.get_attributes(signals, "anybody")
    if "test_data" in names:
        assert names["test_data"] == []  # no events of that app_id
        assert "my_attribute_group" in capsys.readouterr().out


def test_the_program_that_the_docs_show_runs(
    cluster: Cluster, balancer: RoundRobin, tmp_path: Path, user: str
) -> None:
    first, program = (
        re.search(rf"^```python\n({start}.*?)^```", (ROOT / page).read_text(), re.M | re.S)[1]
        for page, start in (("README.md", "from definitions"), ("docs/python.md", "from first"))
    )
    for shown, meant in (
        ("http://127.0.0.1:8080", f"http://127.0.0.1:{balancer.port}"),
        ('"TOKEN"', '"shop"'),
        ('"ID"', f'"{user}"'),
    ):
        assert shown in program
        program = program.replace(shown, meant)
    (tmp_path / "first.py").write_text(first)
    (tmp_path / "program.py").write_text(program)
    before = subscribers(cluster)
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        eventually(lambda: subscribers(cluster) > before or running.poll() is not None)
        cluster.produce((visit(user, number), None) for number in range(5))
        told = running.stdout.read().splitlines()
    assert running.returncode == 0
    assert [ast.literal_eval(one) for one in told] == [
        {"domain_userid": user, "page_views": None},
        {"web:page_views": "5"},
    ]


def subscribers(cluster: Cluster) -> float:
    return sum(worker.metric("processor_sse_clients") for worker in cluster.workers.values())


# --- a worker goes --------------------------------------------------------------------------------


def test_a_subscription_goes_on_when_its_worker_stops(
    signals: Signals, connect: Callable[..., Signals], cluster: Cluster, user: str
) -> None:
    """What is pushed until it is back comes as well, and nothing comes twice."""
    targets = {"domain_userid": [user]}
    following = [connect().pull_interventions(targets) for _ in range(2)]
    for one in following:  # one at each worker
        one.start()
    total = 30
    for number in range(total):
        if number == 10:
            cluster.worker("one").stop()
        instance = InterventionInstance(name="hello", version=number)
        assert eventually(lambda instance=instance: sent(signals, targets, instance))
    try:
        for one in following:
            found = [one.get(timeout=WAIT_S).version for _ in range(total)]
            assert found == list(range(total))
            with pytest.raises(Empty):
                one.get(block=False)
    finally:
        for one in following:
            one.stop()


def sent(signals: Signals, targets: dict[str, list[str]], instance: InterventionInstance) -> bool:
    """Whether a push was taken; the balancer still gives connections to the worker that is gone."""
    try:
        return signals.push_intervention(targets, instance) != "failure"
    except SignalsError as error:
        if error.status:
            raise
        return False

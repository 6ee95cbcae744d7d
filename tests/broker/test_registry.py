"""The official SDK, unchanged, against two workers behind a balancer, with tokens and TLS."""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import trustme
from snowplow_signals import (
    AtomicProperty,
    Attribute,
    AttributeKey,
    Criteria,
    Criterion,
    EntityProperty,
    Event,
    EventLog,
    EventLogAtomicProperty,
    EventLogEvent,
    EventSelection,
    InterventionCriterion,
    LinkAttributeKey,
    RuleIntervention,
    Service,
    Signals,
    SignalsSandbox,
    StreamAttributeGroup,
    domain_sessionid,
    domain_userid,
)
from snowplow_signals.api_client import SignalsAPIError

from processor.request_limits import DEFINITIONS_SPREAD_S
from tests.broker import hosts
from tests.broker.cluster import Cluster, WorkerProcess, listening_ports
from tests.broker.round_robin import RoundRobin
from tests.broker.visits import NOW_MS, Json, application, eventually, start_all, visit

pytestmark = pytest.mark.broker

CONSOLE = "console.snowplowanalytics.com"
OWNER = "a@example.com"
TOKENS = {"all": "token-of-all", "reader": "token-of-reader", "writer": "token-of-writer"}
SCOPES = {"all": "read+write+push+test", "reader": "read", "writer": "write"}
URL = AtomicProperty(name="page_url")
VIEW = Event(vendor="com.snowplowanalytics.snowplow", name="page_view", version="1-0-0")


def entry(name: str) -> str:
    return f"{name}:{SCOPES[name]}:{hashlib.sha256(TOKENS[name].encode()).hexdigest()}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the certificate of an authority of our own, and a worker's from it."""
    directory = tmp_path_factory.mktemp("authority")
    authority = trustme.CA()
    certificate = authority.issue_cert(CONSOLE, "localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    certificate.private_key_pem.write_to_path(directory / "key.pem")
    return directory


@pytest.fixture(scope="module")
def cluster(
    bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory, authority: Path
) -> Iterator[Cluster]:
    settings = {
        "tls_cert": authority / "cert.pem",
        "tls_key": authority / "key.pem",
        "api_tokens": ",".join(map(entry, TOKENS)),
        "token_secret": "s" * 32,
    }
    directory = tmp_path_factory.mktemp("registry")
    with application(bootstrap_servers, directory, {}, **settings) as made:
        start_all(made.worker(name) for name in ("one", "two"))
        yield made


@pytest.fixture(scope="module")
def balancer(cluster: Cluster) -> Iterator[RoundRobin]:
    with RoundRobin([worker.port for worker in cluster.workers.values()]) as made:
        yield made


@pytest.fixture(autouse=True)
def trusted(authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))


@pytest.fixture
def url(balancer: RoundRobin) -> str:
    return f"https://127.0.0.1:{balancer.port}"


@pytest.fixture
def sdk(url: str) -> SignalsSandbox:
    return SignalsSandbox(api_url=url, sandbox_token=TOKENS["all"])


def sdk_of(worker: WorkerProcess) -> SignalsSandbox:
    return SignalsSandbox(api_url=worker.url, sandbox_token=TOKENS["all"])


def views(name: str = "views", **more: Any) -> Attribute:
    return Attribute(name=name, type="int32", aggregation="counter", events=[VIEW], **more)


def group_of(name: str, version: int = 1, **more: Any) -> StreamAttributeGroup:
    given = {"attributes": [views()], "attribute_key": domain_userid, "owner": OWNER, **more}
    return StreamAttributeGroup(name=name, version=version, **given)


def service_of(name: str, *groups: StreamAttributeGroup) -> Service:
    return Service(name=name, owner=OWNER, attribute_groups=list(groups))


def call(url: str, method: str, path: str, **more: Any) -> httpx.Response:
    token = more.pop("token", TOKENS["all"])
    headers = more.pop("headers", {})
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return httpx.request(method, f"{url}/api/v1/{path}", headers=headers, timeout=30.0, **more)


def refused(act: Callable[[], object]) -> SignalsAPIError:
    with pytest.raises(SignalsAPIError) as caught:
        act()
    return caught.value


def told(error: SignalsAPIError) -> list[Json]:
    detail: list[Json] = error.message["detail"]
    for mistake in detail:
        assert set(mistake) == {"loc", "msg", "type"}
    return detail


# --- what a user of the SDK does ------------------------------------------------------------------


def test_objects_of_all_kinds_are_published_read_unpublished_and_deleted(
    sdk: SignalsSandbox, balancer: RoundRobin, url: str
) -> None:
    served = list(balancer.served)
    key = AttributeKey(
        name="tier",
        property=EntityProperty(vendor="com.example", name="user", major_version=1, path="tier"),
        owner=OWNER,
    )
    group = group_of(
        "full",
        attributes=[
            views(period="P1D", default_value=0),
            views("priced", criteria=Criteria(all=[Criterion.like(URL, "%pricing%")])),
        ],
    )
    tiers = group_of("tiers", attribute_key=key)
    service = service_of("full", group, tiers)
    rule = RuleIntervention(
        name="full",
        owner=OWNER,
        criteria=InterventionCriterion(attribute="full:views", operator=">=", value=3),
        target_attribute_keys=[LinkAttributeKey(name="domain_userid")],
    )
    log = EventLog(
        name="full",
        attribute_key=domain_sessionid,
        events=[
            EventSelection(
                event=EventLogEvent(name="page_view"),
                properties=[EventLogAtomicProperty(name="page_url")],
            )
        ],
        max_events=10,
        max_age_seconds=600,
    )
    objects = [log, rule, service, group, tiers, key]

    published = sdk.publish(objects)
    assert [type(one).__name__ for one in published] == [
        "AttributeKey", "AttributeGroup", "AttributeGroup", "Service", "RuleIntervention",
        "EventLog",
    ]  # fmt: skip
    assert all(one.is_published for one in published)
    assert [one.name for one in published] == ["tier", "full", "tiers", "full", "full", "full"]

    found = sdk.get_attribute_group("full")
    assert (found.full_name, found.attribute_key.name) == ("full_v1", "domain_userid")
    assert [one.name for one in found.attributes or ()] == ["views", "priced"]
    assert sdk.get_attribute_group("tiers", 1).attribute_key.property.path == "tier"
    assert [one.name for one in sdk.registry.get_service("full").attribute_groups] == [
        "full",
        "tiers",
    ]
    assert sdk.get_event_log("full").has_published_version
    assert sdk.get_service_attributes("full", "domain_userid", "nobody") == {
        "domain_userid": "nobody",
        "views": 0,
        "priced": None,
    }
    for collection in (
        "attribute_keys", "attribute_groups", "services", "interventions", "event_logs",
    ):  # fmt: skip
        listed = call(url, "GET", f"registry/{collection}/?applied=true").json()
        assert {"tier" if collection == "attribute_keys" else "full"} <= {
            one["name"] for one in listed
        }

    unpublished = sdk.unpublish(objects)
    assert not any(one.is_published for one in unpublished)
    assert refused(
        lambda: sdk.get_service_attributes("full", "domain_userid", "nobody")
    ).status_code == 404  # fmt: skip
    sdk.delete(objects)
    assert refused(lambda: sdk.get_attribute_group("full")).status_code == 404
    assert refused(lambda: sdk.get_event_log("full")).status_code == 404
    assert all(now > before for now, before in zip(balancer.served, served, strict=True))


def test_the_next_call_on_any_worker_uses_what_was_published(
    sdk: SignalsSandbox, cluster: Cluster
) -> None:
    seconds = []
    for number in range(5):
        group = group_of(f"next{number}")
        service = service_of("next", group)
        begun = time.monotonic()
        sdk.publish([group, service])
        seconds.append(time.monotonic() - begun)
        for worker in cluster.workers.values():
            reader = sdk_of(worker)
            assert reader.registry.get_service("next").attribute_groups[0].name == group.name
            read = reader.get_group_attributes(group.name, 1, ["views"], "domain_userid", "u")
            assert read == {"domain_userid": "u", "views": None}
            full = call(
                worker.url, "POST", "get-online-attributes",
                json={"attribute_keys": {"domain_userid": ["u"]}, "service": "next",
                      "full_attribute_names": True},
            )  # fmt: skip
            assert full.json() == {"domain_userid": ["u"], f"{group.name}_v1:views": [None]}
    sdk.unpublish([service_of("next", group_of("next4"))])
    for worker in cluster.workers.values():
        gone = refused(lambda at=worker: sdk_of(at).get_service_attributes("next", "user_id", "u"))
        assert gone.status_code == 404
    print(f"publish of group and service: median {sorted(seconds)[2]:.2f} s")


def test_attributes_of_many_ids_are_read_from_any_worker(
    sdk: SignalsSandbox, cluster: Cluster
) -> None:
    group = group_of("shop", attributes=[views(), views("day", period="P1D")])
    service = service_of("shop", group)
    sdk.publish([group, service])
    users = [f"user-{number}" for number in range(40)]
    cluster.produce(
        (visit(user, number), None) for number, user in enumerate(users) for _ in [None]
    )
    cluster.wait_applied()
    body = {"attribute_keys": {"domain_userid": [*users, "nobody", users[0]]}, "service": "shop"}
    for worker in cluster.workers.values():
        answer = call(worker.url, "POST", "get-online-attributes", json=body)
        assert answer.json() == {
            "domain_userid": [*users, "nobody", users[0]],
            "views": [*[1] * 40, None, 1],
            "day": [*[1] * 40, None, 1],
        }
    one = {"domain_userid": users[3], "views": 1, "day": 1}
    assert service.get_attributes(sdk, "domain_userid", users[3]) == one
    assert group.get_attributes(sdk, users[3]) == one
    assert sdk.get_group_attributes("shop", 1, "day", "domain_userid", users[3])["day"] == 1


def test_published_content_stays_and_the_rest_changes_in_place(sdk: SignalsSandbox) -> None:
    first = group_of("fixed")
    sdk.publish([first])
    sdk.publish([first])
    conflict = refused(lambda: sdk.publish([group_of("fixed", attributes=[views("other")])]))
    assert conflict.status_code == 409
    assert [mistake["type"] for mistake in told(conflict)] == ["published_content"]
    assert "publish it as version 2" in str(conflict)
    sdk.publish([group_of("fixed", description="changed")])
    assert sdk.get_attribute_group("fixed").description == "changed"
    sdk.publish([group_of("fixed", 2, attributes=[views("other")])])
    assert sdk.get_attribute_group("fixed").version == 2
    assert sdk.get_attribute_group("fixed", 1).attributes[0].name == "views"


def test_what_is_published_or_needed_is_not_deleted(sdk: SignalsSandbox) -> None:
    group = group_of("needed")
    service = service_of("needed", group)
    sdk.publish([group, service])
    published = refused(lambda: sdk.delete([service]))
    assert published.status_code == 409
    assert "unpublish it first" in str(published)
    sdk.unpublish([service, group])
    needed = refused(lambda: sdk.delete([group]))
    assert (needed.status_code, told(needed)[0]["type"]) == (409, "in_use")
    sdk.delete([service, group])
    gone = refused(lambda: sdk.delete([group]))
    assert (gone.status_code, told(gone)[0]["type"]) == (404, "unknown_object")


def test_all_mistakes_of_a_definition_are_told_at_once(sdk: SignalsSandbox) -> None:
    wrong = group_of(
        "wrong",
        attributes=[
            Attribute(name="s", type="double", aggregation="sum", events=[VIEW]),
            views("both", period="P1D", ttl="P2D"),
            views("both"),
        ],
    )
    error = refused(lambda: sdk.publish([wrong]))
    assert error.status_code == 422
    assert {mistake["type"] for mistake in told(error)} == {
        "property_missing", "period_and_ttl", "duplicate_attribute",
    }  # fmt: skip
    assert ["body", "attribute s", "property"] in [mistake["loc"] for mistake in told(error)]
    assert refused(lambda: sdk.get_attribute_group("wrong")).status_code == 404


def test_agentic_contexts_are_not_computed_and_say_so(sdk: SignalsSandbox) -> None:
    for form in ("json", "narrative"):
        error = refused(lambda form=form: sdk.get_agentic_context("full", "s", form))
        assert error.status_code == 501
        assert "not computed" in error.message["error"]


# --- two writers at once --------------------------------------------------------------------------


def together(*acts: Callable[[], object]) -> list[object]:
    """Run the calls at the same time; return what each gave, or the error that it raised."""
    results: list[object] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(number: int) -> None:
        start.wait()
        try:
            results[number] = acts[number]()
        except SignalsAPIError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_writers_on_two_workers_lose_nothing(cluster: Cluster, url: str) -> None:
    workers = list(cluster.workers.values())
    groups = [group_of(f"many{number}") for number in range(8)]
    begun = time.monotonic()
    results = together(
        *(
            lambda at=workers[number % 2], group=group: sdk_of(at).publish([group])
            for number, group in enumerate(groups)
        )
    )
    print(f"{len(groups)} writers at once: {time.monotonic() - begun:.2f} s")
    conflicts = [one for one in results if isinstance(one, SignalsAPIError)]
    assert not conflicts, conflicts
    listed = {one["name"] for one in call(url, "GET", "registry/attribute_groups/").json()}
    assert {group.name for group in groups} <= listed


def test_unpublishing_a_group_beside_publishing_a_service_on_it_has_one_outcome(
    cluster: Cluster, url: str
) -> None:
    one, two = (sdk_of(worker) for worker in cluster.workers.values())
    for number in range(4):
        group = group_of(f"beside{number}")
        service = service_of(f"beside{number}", group)
        one.publish([group])
        away, there = together(
            lambda g=group: one.unpublish([g]), lambda s=service: two.publish([s])
        )
        assert not isinstance(away, SignalsAPIError), "unpublishing is never refused"
        stored = {s["name"] for s in call(url, "GET", "registry/services/").json()}
        if isinstance(there, SignalsAPIError):
            assert (there.status_code, told(there)[0]["type"]) == (422, "unpublished_group")
            assert service.name not in stored
        else:
            assert service.name in stored
        live = call(url, "GET", "registry/services/?applied=true").json()
        assert service.name not in {s["name"] for s in live}
        group_now = call(url, "GET", f"registry/attribute_groups/{group.name}").json()
        assert group_now["is_published"] is False


def test_one_of_two_that_change_the_same_wins_and_the_other_is_told(cluster: Cluster) -> None:
    one, two = (sdk_of(worker) for worker in cluster.workers.values())
    for number in range(4):
        first = group_of(f"race{number}", attributes=[views("a")])
        second = group_of(f"race{number}", attributes=[views("b")])
        results = together(lambda g=first: one.publish([g]), lambda g=second: two.publish([g]))
        lost = [r for r in results if isinstance(r, SignalsAPIError)]
        assert [error.status_code for error in lost] == [409]
        winner = "b" if isinstance(results[0], SignalsAPIError) else "a"
        assert one.get_attribute_group(first.name).attributes[0].name == winner


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("GET", "registry/services/", "", 401),
        ("GET", "registry/services/", "wrong", 401),
        ("GET", "registry/services/", TOKENS["reader"], 200),
        ("GET", "registry/services/", TOKENS["writer"], 403),
        ("POST", "registry/services/", TOKENS["reader"], 403),
        ("DELETE", "registry/services/none", TOKENS["reader"], 403),
        ("DELETE", "registry/services/none", TOKENS["writer"], 404),
        ("POST", "engines/publish", TOKENS["reader"], 403),
    ],
)
def test_each_call_needs_a_token_with_its_scope(
    url: str, method: str, path: str, token: str, status: int
) -> None:
    answer = call(url, method, path, token=token)
    assert answer.status_code == status
    if status != 200:
        assert set(answer.json()["detail"][0]) == {"loc", "msg", "type"}


def test_the_full_class_gets_its_token_from_the_console_that_a_worker_is(
    url: str, balancer: RoundRobin, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", hosts.resolving({CONSOLE: balancer.port}))
    full = Signals(api_url=url, api_key=TOKENS["all"], api_key_id="all", org_id="some-org")
    group = group_of("console")
    for _ in range(3):  # each on the other worker
        full.publish([group])
    assert full.get_attribute_group("console").is_published
    token = full.api_client.token or ""
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - time.time() > 23 * 3600

    reader = Signals(api_url=url, api_key=TOKENS["reader"], api_key_id="reader", org_id="some-org")
    assert reader.get_attribute_group("console").name == "console"
    assert refused(lambda: reader.publish([group])).status_code == 403
    stranger = Signals(api_url=url, api_key=TOKENS["reader"], api_key_id="all", org_id="some-org")
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        stranger.publish([group])
    forged = jwt.encode(claims, "0" * 32, algorithm="HS256")
    assert call(url, "GET", "registry/services/", token=forged).status_code == 401
    # Read from the owner of each profile: the token is passed on.
    ids = [f"{NOW_MS}-{number}" for number in range(20)]
    body = {"attribute_keys": {"domain_userid": ids}, "attributes": ["console_v1:views"]}
    for worker in cluster.workers.values():
        answer = call(worker.url, "POST", "get-online-attributes", json=body, token=token)
        assert answer.json()["views"] == [None] * 20


def test_a_client_that_does_not_encrypt_is_not_answered_and_not_kept(cluster: Cluster) -> None:
    for worker in cluster.workers.values():
        with socket.create_connection(("127.0.0.1", worker.port), timeout=10) as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nHost: worker\r\n\r\n")
            assert b"HTTP" not in plain.recv(1000)
        assert worker.get("/health").status_code == 200


def test_no_token_and_no_hash_stands_in_a_log(cluster: Cluster, url: str) -> None:
    call(url, "GET", "registry/services/?token=x", token="a-token-that-is-wrong")
    call(url, "POST", "registry/services/", content=b"{", token=TOKENS["all"])
    eventually(lambda: all("ready" in worker.log() for worker in cluster.workers.values()))
    for worker in cluster.workers.values():
        for name, token in TOKENS.items():
            assert token not in worker.log()
            assert entry(name).rpartition(":")[2] not in worker.log()
        assert "a-token-that-is-wrong" not in worker.log()
        assert "eyJ" not in worker.log()


# --- what cannot be right -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "registry/services/", b"", 422),
        ("POST", "registry/services/", b"{", 422),
        ("POST", "registry/services/", b"[]", 422),
        ("POST", "registry/services/", b"null", 422),
        ("POST", "registry/services/", b"\xff\xfe", 422),
        ("POST", "registry/services/", b"[" * 100_000, 422),
        ("POST", "registry/services/", b'{"name":"x\\ud800","owner":1}', 422),
        ("POST", "registry/services/", b" " * 1_000_001, 413),
        ("PUT", "registry/services/x", b'{"name":"y"}', 422),
        ("PUT", "registry/attribute_groups/g/versions/one", b"{}", 422),
        ("PUT", "registry/attribute_groups/g/versions/-1", b"{}", 422),
        ("PUT", "registry/attribute_groups/g/versions/" + "9" * 30, b"{}", 422),
        ("GET", "registry/services/none", b"", 404),
        ("GET", "registry/services/%00", b"", 404),
        ("GET", "registry/nothing/", b"", 404),
        ("DELETE", "registry/interventions/none/versions/1", b"", 404),
        ("PATCH", "registry/services/none", b"", 405),
        ("POST", "engines/publish", b'{"services":[{"name":"none"}]}', 404),
        ("POST", "engines/publish", b'{"services":[{}]}', 422),
        ("POST", "engines/publish", b'{"agentic_decisions":[{"name":"none"}]}', 404),
        ("POST", "engines/unpublish", b"[1]", 422),
    ],
)
def test_what_cannot_be_right_is_told_in_one_form_with_a_remedy(
    url: str, method: str, path: str, content: bytes, status: int
) -> None:
    json_type = {"Content-Type": "application/json"}
    answer = call(url, method, path, content=content, headers=json_type)
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    assert detail
    for mistake in detail:
        assert set(mistake) == {"loc", "msg", "type"}
        assert mistake["msg"]
        assert "Traceback" not in mistake["msg"]


def test_nothing_to_publish_is_said(url: str) -> None:
    assert call(url, "POST", "engines/publish", json={}).json() == {"status": "nothing to publish"}
    told = call(url, "POST", "engines/unpublish", json={}).json()
    assert told["status"] == "nothing to unpublish"


def test_health_is_told_in_the_words_of_the_product(url: str) -> None:
    answer = httpx.get(f"{url}/health-all")
    assert answer.json() == {
        "status": "ok",
        "dependencies": {"storage": "ok", "feature_server": "ok"},
    }
    assert httpx.get(f"{url}/health").json()["status"] == "ok"
    assert json.loads(httpx.get(f"{url}/openapi.json").text)["paths"]
    assert httpx.get(f"{url}/docs").status_code == 200


def test_a_change_is_answered_when_the_source_processes_use_it_too(
    cluster: Cluster, sdk: SignalsSandbox
) -> None:
    """One that hangs delays the answer by two seconds; the log names it."""
    one, two = cluster.workers.values()

    def late() -> int:
        return sum(one.log().count("not_used_everywhere") for one in cluster.workers.values())

    before = late()
    sdk.publish([group_of("quick")])
    assert late() == before
    (source,) = (child for child in two.children() if two.port not in listening_ports(child))
    source.suspend()
    try:
        begun = time.monotonic()
        sdk_of(one).publish([group_of("slow")])
        assert time.monotonic() - begun >= DEFINITIONS_SPREAD_S
        assert late() > before
        (port,) = listening_ports(source)
        assert f":{port}'" in one.log().splitlines()[-1]
        sdk_of(two).publish([group_of("slower")])
        assert "the source process of this worker" in two.log().splitlines()[-1]
    finally:
        source.resume()
    eventually(lambda: len({worker.definitions_offset() for worker in (one, two)}) == 1)

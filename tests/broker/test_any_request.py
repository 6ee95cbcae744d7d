"""Whatever the API's own description lets one send, and what it does not: never a 500."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis.generation import GenerationMode

from tests.broker.cluster import Cluster
from tests.broker.visits import application, start_all

pytestmark = pytest.mark.broker

# Right ones, and wrong ones, of each operation; less than a minute for all of them.
REQUESTS = 4
# Agentic contexts say 501 by design, a subscription stays open, and an offset is waited for.
LEFT_OUT = ["/api/v1/event_log", "/api/v1/interventions", "/api/v1/definitions"]
REFUSALS = {
    "/api/v1/registry/": {"detail"},
    "/api/v1/engines/": {"detail"},
    "/api/v1/testing/": {"detail"},
    "/": {"error"},
}


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with application(bootstrap_servers, tmp_path_factory.mktemp("any")) as made:
        start_all(made.worker(name) for name in ("one", "two"))
        yield made


def test_no_request_makes_a_worker_fail(cluster: Cluster) -> None:
    document = schemathesis.openapi.from_url(f"{cluster.worker('one').url}/openapi.json")
    operations = [found.ok() for found in document.exclude(path=LEFT_OUT).get_all_operations()]
    assert len(operations) > 25
    for operation in operations:
        for mode in GenerationMode:
            try:
                requests = operation.as_strategy(generation_mode=mode)
                send_all(requests)
            except Unsatisfiable:
                continue  # nothing can be wrong with a call that takes nothing
    for worker in cluster.workers.values():
        worker.wait_ready()
        assert "request_failed" not in worker.log()


def send_all(requests: SearchStrategy[schemathesis.Case]) -> None:
    @given(requests)
    @settings(
        max_examples=REQUESTS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: schemathesis.Case) -> None:
        answer = case.call(timeout=30)
        assert answer.status_code not in {500, 502, 504}, answer.text
        if answer.status_code >= 400 and case.path.startswith("/api/v1/"):
            form = next(form for path, form in REFUSALS.items() if case.path.startswith(path))
            assert set(answer.json()) == form, answer.text

    send()

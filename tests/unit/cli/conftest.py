"""The command line in this process, and a worker without profiles for it to read."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import definitions.examples
from definitions.catalog import Catalog
from definitions.records import objects_from_file
from processor.api import Readiness, Subscriptions, create_api, serve
from processor.cli.main import app
from processor.engine import Coverage, Plan, Profile, compile_plan, new_coverage
from processor.settings import Settings

EXAMPLE = Path(definitions.examples.__file__).with_name("ecommerce.py")


class EmptyWorker:
    """A worker that owns everything and has nothing."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.subscriptions = Subscriptions(Settings(_env_file=None), "interventions", 1)
        self.kept = new_coverage()
        self.kept.note(plan, 0)

    def owner_url(self, key: str, identifier: str) -> str | None:
        return None

    def committed_profile(self, key: str, identifier: str) -> nullcontext[Profile | None]:
        return nullcontext(None)

    def coverage(self, key: str, identifier: str) -> Coverage:
        return self.kept

    stage = "profiles"

    async def metrics_beside(self) -> bytes:
        return b""

    def readiness(self) -> Readiness:
        return Readiness(ready=True, reason="", restored=1.0)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a command in an empty directory and without settings of the outside."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PROCESSOR_")]:
        monkeypatch.delenv(name)

    def run_command(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, [str(one) for one in arguments], input=stdin)

    return run_command


@pytest.fixture
def example() -> Path:
    """The definitions of the example shop."""
    return EXAMPLE


@pytest.fixture
def wrong_file(tmp_path: Path) -> Path:
    """A file with three mistakes in two definitions."""
    group = {
        "name": "carts",
        "owner": "nobody",
        "attribute_key": {"name": "domain_userid"},
        "attributes": [
            {"name": "value", "type": "double", "aggregation": "sum", "events": []},
        ],
    }
    rule = {
        "name": "nudge",
        "owner": "a@example.com",
        "criteria": {"attribute": "cart:value", "operator": ">", "value": 1},
    }
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps([group, rule]))
    return file


@pytest.fixture
def worker() -> EmptyWorker:
    """A worker with the example's definitions and no profiles."""
    published = [
        one.model_copy(update={"is_published": True}) for one in objects_from_file(EXAMPLE)
    ]
    return EmptyWorker(compile_plan(Catalog.empty().with_objects(published)))


@pytest.fixture
async def address(run, worker: EmptyWorker) -> AsyncIterator[str]:
    """HOST:PORT of the worker."""
    settings = Settings(http="127.0.0.1:0")
    server = await serve(create_api(worker, settings), settings)
    yield f"127.0.0.1:{server.port}"
    await server.stop()

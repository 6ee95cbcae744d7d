"""What deploy/ says exists in the code: settings, ports, topics, commands, files."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from processor.api import check_access
from processor.errors import UsageError
from processor.kafka.topics import TopicSpec, topic_specs
from processor.local.kafka_files import KAFKA_VERSION
from processor.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
SETTINGS = {f"PROCESSOR_{name.upper()}" for name in Settings.model_fields}
DEFAULTS = Settings.model_construct()
README = DEPLOY / "README.md"
COMMAND_LINE = "from processor.cli.main import main; main()"
WORKERS = ("worker-1", "worker-2")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())["services"]


def image_environment() -> dict[str, str]:
    return dict(re.findall(r"(PROCESSOR_\w+)=(\S+)", DOCKERFILE))


def environment(service: dict[str, Any]) -> dict[str, str]:
    return {**image_environment(), **service["environment"]}


def settings_of(service: dict[str, Any]) -> Settings:
    values = environment(service)
    fields = {name.removeprefix("PROCESSOR_").lower(): value for name, value in values.items()}
    return Settings(_env_file=None, **fields)


@pytest.mark.parametrize("path", ["Dockerfile", "compose.yaml", "README.md", "healthcheck.py"])
def test_every_setting_that_a_file_of_deploy_names_exists(path: str) -> None:
    named = set(re.findall(r"\bPROCESSOR_[A-Z_]+[A-Z]\b", (DEPLOY / path).read_text()))
    assert named <= SETTINGS, f"not in processor/settings.py: {sorted(named - SETTINGS)}"


@pytest.mark.parametrize("name", ["topics", *WORKERS])
def test_the_environment_of_a_service_gives_valid_settings(services, name: str) -> None:
    assert all(isinstance(value, str) for value in services[name]["environment"].values())
    assert settings_of(services[name])


def test_all_services_use_the_same_topics_and_partitions(services) -> None:
    specs = [topic_specs(settings_of(services[name])) for name in ("topics", *WORKERS)]
    assert specs[0] == specs[1] == specs[2]


def test_workers_find_kafka_where_it_listens(services) -> None:
    kafka = services["kafka"]["environment"]
    listeners = dict(
        item.split("://", 1) for item in kafka["KAFKA_ADVERTISED_LISTENERS"].split(",")
    )
    assert settings_of(services["worker-1"]).bootstrap_servers == listeners["WORKERS"]
    assert listeners["HOST"] == DEFAULTS.bootstrap_servers
    assert services["kafka"]["ports"] == [f"{listeners['HOST']}:9092"]
    listened = dict(item.split("://", 1) for item in kafka["KAFKA_LISTENERS"].split(","))
    for name, address in listeners.items():
        assert listened[name].endswith(address.rpartition(":")[2])


def test_kafka_is_the_version_that_tests_run(services) -> None:
    assert services["kafka"]["image"].startswith(f"apache/kafka:{KAFKA_VERSION}@")


def test_images_are_named_by_digest(services) -> None:
    (python,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11-slim@sha256:[0-9a-f]{64}", python)
    (rust,) = re.findall(r"^ARG RUST_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"rust:1\.\d+-slim-\w+@sha256:[0-9a-f]{64}", rust)
    built_from = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert built_from == {"${PYTHON_IMAGE}", "${RUST_IMAGE}"}
    for service in services.values():
        if "build" not in service:
            assert re.search(r"@sha256:[0-9a-f]{64}$", service["image"])


def test_no_topic_comes_into_being_by_accident(services) -> None:
    assert services["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_workers_share_nothing_but_kafka(services) -> None:
    settings = [settings_of(services[name]) for name in WORKERS]
    assert len({one.own_url for one in settings}) == len(WORKERS)
    assert len({one.member_name for one in settings}) == len(WORKERS)
    data = [services[name]["volumes"] for name in WORKERS]
    assert data[0] != data[1]
    for one, volumes in zip(settings, data, strict=True):
        assert [volume.split(":")[1] for volume in volumes] == [str(one.data_dir)]
    assert f"VOLUME {settings[0].data_dir}\n" in DOCKERFILE


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_is_reached_at_its_advertised_url(services, name: str) -> None:
    settings = settings_of(services[name])
    assert settings.own_url == f"http://{name}:{settings.http_port}"
    assert settings.http_host == "0.0.0.0"
    assert [port.rpartition(":")[2] for port in services[name]["ports"]] == ["8080"]
    assert settings.http_port == 8080
    assert "EXPOSE 8080\n" in DOCKERFILE


def test_published_ports_differ_and_are_for_this_machine_only(services) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert len({port.rsplit(":", 1)[0] for port in ports}) == len(ports)
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_volume_is_declared(services) -> None:
    declared = yaml.safe_load(COMPOSE.read_text())["volumes"]
    used = {v.split(":")[0] for s in services.values() for v in s.get("volumes", ())}
    assert used == set(declared)


def test_workers_start_when_the_topics_are_made(services) -> None:
    for name in WORKERS:
        assert services[name]["depends_on"] == {
            "topics": {"condition": "service_completed_successfully"}
        }


def test_the_image_runs_a_worker_as_an_ordinary_user() -> None:
    assert "\nUSER 10001\n" in DOCKERFILE
    assert DOCKERFILE.rstrip().endswith('ENTRYPOINT ["processor"]\nCMD ["worker"]')
    assert "--require-hashes -r requirements.lock" in DOCKERFILE


def test_the_image_is_built_from_files_that_exist_and_are_sent() -> None:
    sent = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), f"deploy/Dockerfile copies {source}"
            assert f"!{source}" in sent, f"deploy/Dockerfile.dockerignore hides {source}"


@pytest.mark.parametrize("spec", topic_specs(DEFAULTS), ids=lambda spec: spec.name)
def test_every_topic_is_documented_with_what_it_must_have(spec: TopicSpec) -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \|(.*)$", README.read_text(), re.MULTILINE))
    row = rows[spec.name]
    missing = [name for name in spec.required - {"cleanup.policy"} if f"`{name}" not in row]
    assert not missing, f"deploy/README.md, the row of {spec.name}: name {missing}"
    assert f"| {spec.settings.get('cleanup.policy', 'yours')} |" in row
    if spec.partitions is not None:
        assert f"| {spec.partitions} |" in row or "| `PROCESSOR_PARTITIONS` |" in row


@pytest.mark.parametrize("name", ["topics", *WORKERS])
def test_every_command_exists(services, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND_LINE, *services[name]["command"], "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_docker_compose_understands_the_file() -> None:
    client = shutil.which("docker")
    if client is None:
        pytest.skip("there is no docker client")
    known = subprocess.run([client, "compose", "version"], capture_output=True, check=False)
    if known.returncode != 0:
        pytest.skip("the docker client has no compose")
    done = subprocess.run(
        [client, "compose", "-f", str(COMPOSE), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


class Worker(BaseHTTPRequestHandler):
    """Answers as a worker does: the status that the server was given, and a reason."""

    def do_GET(self) -> None:
        assert self.path == "/health/ready"
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"3 of 8 partitions are being taken over")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def worker() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Worker) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def healthcheck(port: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(DEPLOY / "healthcheck.py")],
        env={**os.environ, "PROCESSOR_HTTP": f"0.0.0.0:{port}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_healthcheck_passes_when_the_worker_is_ready(worker: ThreadingHTTPServer) -> None:
    worker.status = 200
    assert healthcheck(worker.server_port).returncode == 0


def test_the_healthcheck_fails_with_the_workers_reason(worker: ThreadingHTTPServer) -> None:
    worker.status = 503
    done = healthcheck(worker.server_port)
    assert done.returncode == 1
    assert "3 of 8 partitions are being taken over" in done.stderr


def test_the_healthcheck_fails_where_nobody_listens(worker: ThreadingHTTPServer) -> None:
    port = worker.server_port
    worker.server_close()
    assert healthcheck(port).returncode == 1


@pytest.mark.parametrize("name", ["kafka", "topics", *WORKERS])
def test_a_service_has_no_right_that_it_does_not_need(services, name: str) -> None:
    assert services[name]["cap_drop"] == ["ALL"]
    assert "cap_add" not in services[name]
    assert "privileged" not in services[name]
    assert services[name]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ["topics", *WORKERS])
def test_a_worker_writes_to_its_volume_alone(services, name: str) -> None:
    assert services[name]["read_only"] is True
    assert services[name]["tmpfs"] == ["/tmp"]
    assert "mkdir -m 0700 data" in DOCKERFILE


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_starts_with_the_access_that_the_file_gives_it(services, name: str) -> None:
    settings = settings_of(services[name])
    assert settings.allow_open_api
    check_access(settings)
    image = Settings(_env_file=None, http=image_environment()["PROCESSOR_HTTP"])
    with pytest.raises(UsageError, match="PROCESSOR_API_TOKENS"):
        check_access(image)

"""What the clients of a worker are told: those of its group, and those that fetch."""

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from processor.kafka.record_source import fetch_properties
from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.faust_app import build_faust

MIB = 1024 * 1024


@pytest.fixture
def cafile(tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    return str(file)


def test_both_clients_log_in_with_the_same_user_over_tls(cafile: str, tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None, kafka_security_protocol="SASL_SSL", kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="worker", kafka_sasl_password="secret", kafka_ssl_cafile=cafile,
        bootstrap_servers="one:1,two:2", data_dir=tmp_path,
    )  # fmt: skip
    fetches = fetch_properties(settings.kafka_client, "source", MIB)
    app = build_faust(settings, Stage.SOURCE)
    joins: Any = app.conf.broker_credentials
    assert fetches["security.protocol"] == joins.protocol.value == "SASL_SSL"
    assert fetches["sasl.mechanism"] == joins.mechanism.value == "SCRAM-SHA-512"
    assert fetches["sasl.username"] == joins.username == "worker"
    assert fetches["sasl.password"] == joins.password == "secret"
    assert fetches["ssl.ca.location"] == cafile
    assert isinstance(joins.ssl_context, ssl.SSLContext)
    assert len(joins.ssl_context.get_ca_certs()) == 1
    assert fetches["bootstrap.servers"] == "one:1,two:2"
    assert [str(one) for one in app.conf.broker] == ["processor://one:1", "processor://two:2"]


def test_a_worker_fetches_committed_records_and_stops_at_missing_and_damaged_ones() -> None:
    fetches = fetch_properties(Settings(_env_file=None).kafka_client, "source", MIB)
    assert fetches["isolation.level"] == "read_committed"
    assert fetches["auto.offset.reset"] == "error"
    assert fetches["check.crcs"] is True
    assert fetches["enable.partition.eof"] is True
    assert fetches["enable.auto.commit"] is False


@pytest.mark.parametrize("stage", Stage)
def test_each_stage_is_a_member_of_its_own_group_and_reads_its_topics(
    stage: Stage, tmp_path: Path
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, app_id="shop", instance_id="one")
    app = build_faust(settings, stage)
    assert {name for topic in app.topics for name in topic.topics} == set(stage.topics(settings))
    assert app.conf.id == {"source": "shop", "profiles": "shop-profiles"}[stage]
    assert app.conf.consumer_group_instance_id == f"one-{stage}"

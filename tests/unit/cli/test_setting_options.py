import os
from pathlib import Path

import pytest

from processor.cli.setting_options import (
    ALL_SETTINGS,
    default_settings,
    environment_of,
    settings_of,
)
from processor.errors import UsageError
from processor.settings import Settings


@pytest.fixture(autouse=True)
def _outside(run):
    """No settings of the outside."""


def test_a_flag_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("PROCESSOR_APP_ID", "outside")
    assert settings_of(app_id=None).app_id == "outside"
    assert settings_of(app_id="flag").app_id == "flag"


def test_every_mistake_is_told_with_its_flag_or_variable(monkeypatch):
    monkeypatch.setenv("PROCESSOR_PARTITIONS", "0")
    with pytest.raises(UsageError, match="PROCESSOR_PARTITIONS '0'") as error:
        settings_of(http="nowhere")
    assert "--http 'nowhere': 'nowhere' is not HOST:PORT" in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("http", "http://127.0.0.1:8080", "is not HOST:PORT"),
        ("bootstrap_servers", "", "name Kafka as host:port"),
        ("bootstrap_servers", " , ", "name Kafka as host:port"),
        ("bootstrap_servers", "kafka:9092 # mine", "name Kafka as host:port"),
        ("bootstrap_servers", "http://kafka:9092", "name Kafka as host:port"),
        ("enriched_topic", "enriched good", "the name of a topic has 1 to 249 of"),
        ("dead_letter_topic", "", "the name of a topic has 1 to 249 of"),
        ("log_level", "INFO", "it is one of debug, info, warning, error"),
        ("on_missing_records", "no", "it is one of stop, earliest, latest"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused_with_what_can(monkeypatch, name, value, told):
    monkeypatch.setenv(f"PROCESSOR_{name.upper()}", value)
    with pytest.raises(UsageError) as refused:
        settings_of()
    assert f"PROCESSOR_{name.upper()} {value!r}: " in str(refused.value)
    assert told in str(refused.value)


@pytest.mark.parametrize("servers", ["kafka", "kafka-1:9092,kafka-2:9092,", "[fd00::1]:9092"])
def test_kafka_may_be_several_hosts(servers):
    assert settings_of(bootstrap_servers=servers).bootstrap_servers == servers


def test_the_key_of_the_api_needs_its_certificate(tmp_path):
    with pytest.raises(UsageError, match=r"--tls-key .*a key needs its certificate"):
        settings_of(tls_key=tmp_path / "key.pem")


@pytest.mark.parametrize(("name", "told"), [("", "name a directory"), (b"x\xff", "not UTF-8")])
def test_a_data_directory_that_cannot_be_is_refused_in_a_line(monkeypatch, tmp_path, name, told):
    name = os.fsdecode(name)
    with pytest.raises(UsageError, match=f"--data-dir .*{told}"):
        settings_of(data_dir=Path(name) if name else "")
    monkeypatch.setenv("PROCESSOR_DATA_DIR", name)
    with pytest.raises(UsageError, match=f"PROCESSOR_DATA_DIR .*{told}") as refused:
        settings_of()
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_command_warns_of_what_looks_like_a_setting_and_is_none(run, monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("PROCESSOR_BOOTSTRAP_SERVER=kafka\n")
    monkeypatch.setenv("PROCESSOR_PARTITION", "3")
    told = run("attributes", "user_id", "a", "--http", "127.0.0.1:1").stderr
    for name in ("PROCESSOR_BOOTSTRAP_SERVER", "PROCESSOR_PARTITION"):
        assert f"warning: {name} is not a setting - did you mean {name}S?\n" in told
    monkeypatch.delenv("PROCESSOR_PARTITION")
    (tmp_path / ".env").unlink()
    assert "warning" not in run("attributes", "user_id", "a", "--http", "127.0.0.1:1").stderr


def test_another_process_gets_the_same_settings(monkeypatch, tmp_path):
    settings = settings_of(
        app_id="mine", data_dir=tmp_path, log_json=True, partitions=3, kafka_sasl_password="s"
    )
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_another_process_is_given_what_is_set_and_nothing_else(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("PROCESSOR_PARTITIONS=3\n")
    monkeypatch.setenv("PROCESSOR_APP_ID", "mine")
    given = environment_of(settings_of(log_level="debug").model_copy(update={"http": "a:1"}))
    assert {name: given[name] for name in given if name.startswith("PROCESSOR_")} == {
        "PROCESSOR_PARTITIONS": "3",
        "PROCESSOR_APP_ID": "mine",
        "PROCESSOR_LOG_LEVEL": "debug",
        "PROCESSOR_HTTP": "a:1",
    }


def test_the_worker_has_an_option_for_every_setting_that_is_no_secret(run):
    secrets = {"kafka_sasl_password", "api_tokens", "token", "token_secret"}
    assert set(Settings.model_fields) - set(ALL_SETTINGS) == secrets
    told = run("worker", "--help").stdout
    assert "--commit-interval-ms" in told
    assert "--kafka-sasl-password" not in told
    assert "--token" not in told
    assert "--api-tokens" not in told


def test_defaults_do_not_look_outside(monkeypatch):
    monkeypatch.setenv("PROCESSOR_ENRICHED_TOPIC", "outside")
    settings = default_settings(app_id="mine")
    assert (settings.app_id, settings.enriched_topic) == ("mine", "enriched")

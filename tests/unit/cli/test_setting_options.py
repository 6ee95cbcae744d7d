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


def test_the_key_of_the_api_needs_its_certificate(tmp_path):
    with pytest.raises(UsageError, match=r"--tls-key .*it needs its certificate"):
        settings_of(tls_key=tmp_path / "key.pem")


def test_another_process_gets_the_same_settings(monkeypatch, tmp_path):
    settings = settings_of(
        app_id="mine", data_dir=tmp_path, log_json=True, partitions=3, kafka_sasl_password="s"
    )
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_the_worker_has_an_option_for_every_setting_that_is_no_secret(run):
    secrets = {"kafka_sasl_password", "token_secret"}
    assert set(Settings.model_fields) - set(ALL_SETTINGS) == secrets
    told = run("worker", "--help").stdout
    assert "--commit-interval-ms" in told
    assert "--kafka-sasl-password" not in told
    assert "--token-secret" not in told


def test_defaults_do_not_look_outside(monkeypatch):
    monkeypatch.setenv("PROCESSOR_ENRICHED_TOPIC", "outside")
    settings = default_settings(app_id="mine")
    assert (settings.app_id, settings.enriched_topic) == ("mine", "enriched")

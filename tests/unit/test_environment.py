import os

import pytest

from processor.environment import read_env_file, unknown_settings
from processor.settings import Settings

PASSWORD = "PROCESSOR_KAFKA_SASL_PASSWORD"


@pytest.fixture(autouse=True)
def _outside(tmp_path, monkeypatch):
    """An empty directory, and no settings of the outside."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("PROCESSOR_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("c8@i9$CWx #1,x", "c8@i9$CWx #1,x"),
        ("p${x}q", "p${x}q"),
        ("'a${HOME}b'", "a${HOME}b"),
        ('"a${HOME}b"', "a${HOME}b"),
        ("$HOME", "$HOME"),
        ("#1", "#1"),
        ("a#b", "a#b"),
        ("a=b=c", "a=b=c"),
        ("a\\nb\\", "a\\nb\\"),
        ("'a\\'b'", "a\\'b"),
        ('"a\\nb"', "a\\nb"),
        ("  a b  ", "a b"),
        ("' a '", " a "),
        ("''", ""),
        ("", ""),
        ("'", "'"),
        ("'a", "'a"),
        ("a'", "a'"),
        ("it's", "it's"),
        ("\"a' ", "\"a'"),
        ("pä$$wörd\U0001f511", "pä$$wörd\U0001f511"),
        ("a\u2028b\x85c", "a\u2028b\x85c"),
        ("`id` $(id) %x% \\$x", "`id` $(id) %x% \\$x"),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_value_of_the_file_is_taken_as_it_is_written(tmp_path, written, meant, end):
    text = f"PROCESSOR_APP_ID=mine{end or chr(10)}{PASSWORD}={written}{end}"
    (tmp_path / ".env").write_bytes(text.encode())
    settings = Settings()
    assert (settings.kafka_sasl_password, settings.app_id) == (meant, "mine")


def test_comments_exports_and_a_mark_of_order_are_no_part_of_a_value(tmp_path):
    lines = ["\ufeff# one", "", f"  export {PASSWORD} = a ", f"#{PASSWORD}=b", "no line of ours"]
    (tmp_path / ".env").write_text("\n".join([*lines, "processor_app_id=c"]))
    assert Settings().kafka_sasl_password == "a"
    assert Settings().app_id == "c"
    assert read_env_file(tmp_path / "none") == {}


def test_given_values_go_before_the_environment_and_that_before_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("PROCESSOR_APP_ID=file\nPROCESSOR_PARTITIONS=3\nAPP_ID=other\n")
    assert (Settings().app_id, Settings().partitions) == ("file", 3)
    monkeypatch.setenv("PROCESSOR_APP_ID", "environment")
    assert Settings().app_id == "environment"
    assert Settings(app_id="given").app_id == "given"
    assert Settings(_env_file=None).partitions == 8
    assert "partitions" in Settings().model_fields_set


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("PROCESSOR_PARTITION", "PROCESSOR_PARTITIONS"),
        ("PROCESSOR_BOOTSTRAP_SERVER", "PROCESSOR_BOOTSTRAP_SERVERS"),
        ("PROCESSOR_KAFKA_PASSWORD", "PROCESSOR_KAFKA_SASL_PASSWORD"),
        ("processor_httpp", "PROCESSOR_HTTP"),
        ("PROCESSOR_HTTP_PORT", "PROCESSOR_HTTP"),
    ],
)
def test_an_unknown_setting_is_found_with_the_nearest_name(tmp_path, monkeypatch, name, near):
    known = Settings.model_fields
    assert unknown_settings(known) == {}
    (tmp_path / ".env").write_text(f"{name}=1\nPROCESSOR_APP_ID=a\nOTHER=1\n")
    assert unknown_settings(known) == {name: near}
    (tmp_path / ".env").unlink()
    monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PROCESSOR_APP_ID", "a")
    assert unknown_settings(known) == {name: near}


def test_what_kubernetes_sets_for_a_service_is_no_mistake(monkeypatch):
    for name, value in {
        "PROCESSOR_SERVICE_HOST": "10.0.0.1",
        "PROCESSOR_SERVICE_PORT": "8080",
        "PROCESSOR_SERVICE_PORT_HTTP": "8080",
        "PROCESSOR_PORT": "tcp://10.0.0.1:8080",
        "PROCESSOR_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "PROCESSOR_PORT_8080_TCP_PROTO": "tcp",
        "PROCESSOR_KAFKA_PORT_9092_TCP_ADDR": "10.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    assert unknown_settings(Settings.model_fields) == {}

import pytest


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing"], "nothing"),
        (["check"], "file"),
        (["check", "absent.py"], "absent.py"),
        (["generate", "--events", "many"], "--events"),
        (["generate", "--no-send"], "--out"),
        (["worker", "--http", "nowhere"], "--http 'nowhere'"),
        (["collect", "--http", "nowhere"], "--http 'nowhere'"),
        (["up", "--workers", "0"], "--workers"),
        (["up", "--kafka-port", "1", "--bootstrap-servers", "a:1"], "--kafka-port"),
        (["attributes", "domain_userid"], "ID"),
        (["attributes", "k", "i", "--service", "s", "--group", "g"], "--service and --group"),
        (["attributes", "k", "i", "--version", "1"], "--group"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(run, arguments, says):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1
    assert says in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["topics", "check", "--bootstrap-servers", "127.0.0.1:1"], "no Kafka answers"),
        (["attributes", "k", "i", "--http", "127.0.0.1:1"], "no worker answers"),
    ],
)
def test_what_fails_is_one_line_with_a_remedy_and_status_1(run, arguments, says):
    result = run(*arguments)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert says in result.stderr
    assert "processor up" in result.stderr


def test_debug_shows_where(run):
    result = run("--debug", "attributes", "k", "i", "--http", "127.0.0.1:1")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr


def test_a_file_that_cannot_be_written_is_named(run):
    result = run("generate", "--events", "1", "--no-send", "--out", "/no/such/place")
    assert result.exit_code == 1
    assert "'/no/such/place'" in result.stderr

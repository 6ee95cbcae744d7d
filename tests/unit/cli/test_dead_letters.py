import pytest


@pytest.mark.parametrize("command", [("list",), ("replay",), ("replay", "--dry-run")])
def test_a_reason_that_is_none_is_refused_before_kafka_is_asked(run, command):
    result = run("dead-letters", *command, "--reason", "nope", "--bootstrap-servers", "127.0.0.1:1")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --reason 'nope' is none - one of column_count, ")


@pytest.mark.parametrize("to", ["2026-01-01", "2026-01-02T00:00:00Z"])
def test_an_end_that_is_not_after_the_beginning_is_refused(run, to):
    result = run("dead-letters", "replay", "--from", "2026-01-02", "--to", to)
    assert result.exit_code == 2
    assert f"--to '{to}' is not after --from '2026-01-02'" in result.stderr

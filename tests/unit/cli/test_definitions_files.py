import json

import pytest

from definitions import StreamAttributeGroup
from definitions.catalog import Catalog
from processor.cli import definitions_files
from processor.errors import BrokerError


def test_right_definitions_are_listed(run, example):
    result = run("check", example)
    assert result.exit_code == 0
    assert "ok  attribute_group/ecom_attributes/1" in result.stdout.splitlines()
    assert result.stderr == ""


def test_every_problem_has_a_line_of_its_own(run, wrong_file):
    result = run("check", wrong_file)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("error: ") and " - " in line for line in lines)
    for part in ("owner", "property", "cart"):
        assert any(part in line for line in lines)


def test_problems_as_json(run, wrong_file):
    result = run("check", wrong_file, "--json")
    assert result.exit_code == 1
    problems = json.loads(result.stdout)["problems"]
    assert len(problems) == 3
    assert set(problems[0]) == {"code", "place", "value", "message", "hint"}


def test_right_definitions_as_json(run, example):
    result = run("check", example, "--json")
    assert json.loads(result.stdout)["definitions"][0] == "attribute_group/ecom_attributes/1"


def test_a_file_that_does_not_run_is_one_problem(run, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("def (:\n")
    result = run("check", file)
    assert result.exit_code == 1
    assert "line 1" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_field_is_a_warning(run, tmp_path, example):
    file = tmp_path / "typo.json"
    key = {"name": "tier", "proprty": 1, "property": {"type": "atomic", "name": "user_id"}}
    file.write_text(json.dumps(key))
    result = run("check", file)
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: ")
    assert "proprty" in result.stderr


def test_a_warehouse_group_is_registered_and_not_computed(run, tmp_path):
    group = {
        "name": "totals",
        "owner": "a@example.com",
        "offline": True,
        "attribute_key": {"name": "user_id"},
        "attributes": [
            {"name": "views", "type": "int32", "aggregation": "counter", "events": []},
        ],
    }
    file = tmp_path / "batch.json"
    file.write_text(json.dumps(group))
    assert "(registered, not computed)" in run("check", file).stdout


def test_a_group_that_is_not_online_is_registered_and_not_computed(run, tmp_path, example):
    file = tmp_path / "off.json"
    view = {"name": "views", "type": "int32", "aggregation": "counter", "events": []}
    group = {
        "name": "off",
        "owner": "a@example.com",
        "online": False,
        "attribute_key": {"name": "user_id"},
        "attributes": [view],
    }
    file.write_text(json.dumps(group))
    assert "attribute_group/off/1 (registered, not computed)" in run("check", file).stdout


def test_wrong_fields_and_wrong_meaning_are_told_at_once(run, tmp_path):
    key = {"name": "app", "property": {"type": "atomic", "name": "app_ids"}}
    service = {
        "name": "s",
        "owner": "a@example.com",
        "attribute_groups": [{"name": "g"}, {"name": "h", "version": 2}],
    }
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps([key, service]))
    lines = run("check", file).stderr.splitlines()
    assert len(lines) == 3
    assert "did you mean app_id" in lines[0]
    assert "'g' version 1" in lines[1]
    assert "'h' version 2" in lines[2]


def test_a_definition_that_cannot_be_made_is_the_only_problem(run, tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text(
        "from definitions import *\n"
        'Attribute(name="v", type="int32", aggregation="counter", events=PageView())\n'
    )
    (line,) = run("check", file).stderr.splitlines()
    assert "Attribute v / events" in line
    assert "not a list - write it in brackets: events=[...]" in line


def test_a_file_without_definitions_is_told_what_to_write(run, tmp_path):
    for name, text, hint in (
        ("empty.py", "", "assign each definition to a name"),
        ("empty.json", "[]", "write a registry object, or a list of them"),
    ):
        (tmp_path / name).write_text(text)
        (line,) = run("check", tmp_path / name).stderr.splitlines()
        assert f"{name}: has no definitions - {hint}" in line


def test_an_unknown_field_is_a_warning_beside_what_is_wrong(run, tmp_path):
    file = tmp_path / "typo.py"
    file.write_text(
        "from definitions import *\n"
        'Attribute(nme="v", type="int32", aggregation="counter", events=[PageView()])\n'
    )
    warning, error = run("check", file).stderr.splitlines()
    assert warning.startswith("warning: field 'nme' of Attribute is not known")
    assert "did you mean 'name'?" in warning
    assert "name is missing" in error


RULE = {
    "name": "r",
    "owner": "a@example.com",
    "criteria": {"attribute": "web:views", "operator": ">=", "value": "five"},
}
GROUP = {
    "name": "web",
    "owner": "a@example.com",
    "attribute_key": {"name": "user_id"},
    "attributes": [{"name": "views", "type": "int32", "aggregation": "counter", "events": []}],
}


def test_a_criterion_that_is_never_met_is_a_warning(run, tmp_path):
    file = tmp_path / "five.json"
    file.write_text(json.dumps([GROUP, RULE]))
    result = run("check", file)
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("warning: intervention r v1 / web:views: ")
    assert "'>=' is never met" in line
    assert "write a number without quotes" in line


def test_a_column_of_events_that_is_never_met_is_a_warning(run, tmp_path):
    port = {"property": {"type": "atomic", "name": "page_urlport"}, "operator": "=", "value": "80"}
    attribute = GROUP["attributes"][0] | {"criteria": {"all": [port]}}
    file = tmp_path / "port.json"
    file.write_text(json.dumps(GROUP | {"attributes": [attribute]}))
    (line,) = run("check", file).stderr.splitlines()
    assert "attribute views / page_urlport" in line


def test_what_is_not_in_the_file_may_be_published(run, tmp_path):
    file = tmp_path / "rule.json"
    file.write_text(json.dumps(RULE))
    (line,) = run("check", file).stderr.splitlines()
    assert "no attribute group 'web' is in the file - define the group" in line
    assert line.endswith("to compare it with what is published: processor diff")


@pytest.mark.parametrize("command", ["diff", "publish"])
def test_a_wrong_file_is_compared_with_what_is_published(run, tmp_path, monkeypatch, command):
    published = Catalog.empty().with_objects([StreamAttributeGroup(**GROUP, is_published=True)])
    monkeypatch.setattr(definitions_files, "topics_of", lambda _: {"definitions": 1})
    monkeypatch.setattr(definitions_files, "read_catalog", lambda _: published)
    file = tmp_path / "owner.json"
    file.write_text(json.dumps(RULE | {"owner": "me"}))
    (line,) = run(command, file).stderr.splitlines()
    assert "owner" in line


def test_a_wrong_file_is_told_while_kafka_is_away(run, tmp_path, monkeypatch):
    def away(_):
        raise BrokerError("no Kafka answers")

    monkeypatch.setattr(definitions_files, "topics_of", away)
    file = tmp_path / "owner.json"
    file.write_text(json.dumps(GROUP | {"owner": "me"}))
    warning, error = run("publish", file).stderr.splitlines()
    assert warning == "warning: not compared with what is published: no Kafka answers"
    assert "owner" in error


@pytest.mark.parametrize("command", ["publish", "unpublish", "delete"])
def test_a_topic_whose_name_is_misspelt_is_not_created(run, example, monkeypatch, command):
    monkeypatch.setattr(definitions_files, "topics_of", lambda _: {"definitions": 1})
    monkeypatch.setattr(definitions_files, "DefinitionsWriter", None)
    result = run(command, example, "--definitions-topic", "definitons")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "has no topic 'definitons' (nothing was written)" in line
    assert "processor topics create" in line

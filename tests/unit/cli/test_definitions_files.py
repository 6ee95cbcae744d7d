import json


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

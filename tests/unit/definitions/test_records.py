"""Definitions as records and as files."""

import json
import sys
from pathlib import Path

import pytest

from definitions import (
    Attribute,
    AttributeKey,
    Event,
    InterventionCriterion,
    RuleIntervention,
    Service,
    StreamAttributeGroup,
    UnknownFieldWarning,
    user_id,
)
from definitions.catalog import Catalog
from definitions.records import (
    RecordError,
    from_record,
    objects_from_file,
    record_key,
    to_record,
)

GROUP = StreamAttributeGroup(
    name="g",
    version=3,
    attribute_key=user_id,
    owner="a@b.com",
    attributes=[Attribute(name="n", type="int32", aggregation="counter", events=[Event(name="e")])],
    is_published=True,
)
SERVICE = Service(name="s", owner="a@b.com", attribute_groups=[GROUP])
RULE = RuleIntervention(
    name="r",
    owner="a@b.com",
    criteria=InterventionCriterion(attribute="g:n", operator=">", value=1),
)

PYTHON = """
from definitions import Attribute, Service, StreamAttributeGroup, user_id
attribute = Attribute(name="n", type="int32", aggregation="counter", events=[])
group = StreamAttributeGroup(
    name="g", attribute_key=user_id, owner="a@b.com", attributes=[attribute]
)
same = group
service = Service(name="s", owner="a@b.com", attribute_groups=[group])
"""

WRONG_PYTHON = """
from definitions import *
wrong = Attribute(name="n", type="int33", aggregation="sum", events=[PageView()])
group = StreamAttributeGroup(name="g", attribute_key=user_id, owner="me", attributes=[wrong])
nudge = RuleIntervention(
    name="r",
    criteria=InterventionCriteriaAny(
        any=[
            InterventionCriterion(attribute="g:m", operator=">", value=1),
            InterventionCriterion(attribute="h:n", operator=">", value=1),
        ]
    ),
)
"""
WRONG = [
    ("choice", "attribute_group g v1 / attribute n / type"),
    ("owner", "attribute_group g v1 / owner"),
    ("owner", "intervention r v1 / owner"),
    ("property_missing", "attribute_group g v1 / attribute n / property"),
    ("unknown_attribute", "intervention r v1 / criteria / any 1 / attribute"),
    ("unknown_group", "intervention r v1 / criteria / any 2 / attribute"),
]


def found(error: pytest.ExceptionInfo[RecordError]) -> list[tuple[str, str]]:
    return sorted((problem.code, problem.place) for problem in error.value.problems)


@pytest.mark.parametrize(
    ("definition", "key"),
    [
        (GROUP, "attribute_group/g/3"),
        (SERVICE, "service/s"),
        (RULE, "intervention/r/1"),
        (AttributeKey(name="user_id"), "attribute_key/user_id"),
    ],
)
def test_a_record_has_the_key_and_the_json_of_its_definition(definition, key):
    assert record_key(definition) == key
    assert json.loads(to_record(definition)) == definition.registry_json()
    assert from_record(key, to_record(definition)) == definition


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("service/s", b"{", "file"),
        ("service/s", b'{"name": NaN}', "file"),
        ("service/s", b"\xff", "file"),
        ("service/s", b"null", "shape"),
        ("service/s", b"[]", "shape"),
        ("thing/s", b"{}", "record_key"),
        ("service/t", to_record(SERVICE), "record_key"),
        ("service/s", b'{"name": "s", "owner": "a@b.com", "attribute_groups": []}', "range"),
    ],
)
def test_a_record_that_cannot_be_right_is_refused_with_its_problems(key, value, code):
    with pytest.raises(RecordError) as error:
        from_record(key, value)
    (problem,) = error.value.problems
    assert (problem.code, problem.record) == (code, key)
    assert str(problem) in str(error.value)


def test_a_record_with_mistakes_of_form_and_meaning_shows_both():
    raw = GROUP.registry_json()
    raw["owner"] = "me"
    raw["attributes"][0]["period"] = "PT0S"
    with pytest.raises(RecordError) as error:
        from_record("attribute_group/g/3", json.dumps(raw).encode())
    assert [code for code, _ in found(error)] == ["duration", "owner"]


def test_an_unknown_field_of_a_record_warns():
    raw = SERVICE.registry_json() | {"colour": "red"}
    with pytest.warns(UnknownFieldWarning, match="'colour' of Service 's'"):
        from_record("service/s", json.dumps(raw).encode())


def test_a_python_file_gives_its_definitions_in_order_and_each_once(tmp_path):
    path = tmp_path / "shop.py"
    path.write_text(PYTHON)
    assert [record_key(definition) for definition in objects_from_file(path)] == [
        "attribute_group/g/1",
        "service/s",
    ]


@pytest.mark.parametrize("several", [True, False])
def test_a_json_file_holds_one_definition_or_a_list(tmp_path, several):
    path = tmp_path / "shop.json"
    objects = [GROUP, SERVICE, RULE, AttributeKey(name="user_id")] if several else [GROUP]
    raw = [definition.registry_json() for definition in objects]
    path.write_text(json.dumps(raw if several else raw[0]))
    assert objects_from_file(path) == objects


def test_every_mistake_of_a_python_file_is_found_in_one_go(tmp_path):
    path = tmp_path / "shop.py"
    path.write_text(WRONG_PYTHON)
    with pytest.raises(RecordError) as error:
        objects_from_file(path)
    assert found(error) == WRONG


def test_every_mistake_of_a_json_file_is_found_in_one_go(tmp_path):
    path = tmp_path / "shop.json"
    attribute = {
        "name": "n",
        "type": "int33",
        "aggregation": "sum",
        "events": [{"name": "page_view"}],
    }
    leaves = [{"attribute": name, "operator": ">", "value": 1} for name in ("g:m", "h:n")]
    group = {
        "name": "g",
        "attribute_key": {"name": "user_id"},
        "owner": "me",
        "attributes": [attribute],
    }
    path.write_text(json.dumps([group, {"name": "r", "criteria": {"any": leaves}}]))
    with pytest.raises(RecordError) as error:
        objects_from_file(path)
    assert found(error) == WRONG


def test_definitions_that_are_known_already_can_be_named_in_a_wrong_file(tmp_path):
    path = tmp_path / "shop.json"
    wrong = RULE.registry_json() | {"owner": "me"}
    path.write_text(json.dumps(wrong))
    with pytest.raises(RecordError) as error:
        objects_from_file(path, lambda: Catalog.empty().with_objects([GROUP]))
    assert found(error) == [("owner", "intervention r v1 / owner")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("x = 1\ny = 1 / 0\n", "shop.py line 2"),
        ("x = (\n", "shop.py line 1"),
        ("raise SystemExit(1)\n", "shop.py line 1"),
        ("x = 1\n", "shop.py"),
    ],
)
def test_a_python_file_without_definitions_or_that_fails_is_refused(tmp_path, text, place):
    path = tmp_path / "shop.py"
    path.write_text(text)
    with pytest.raises(RecordError) as error:
        objects_from_file(path)
    assert found(error) == [("file", str(tmp_path / place))]


def test_mistakes_before_a_file_fails_are_told_too(tmp_path):
    path = tmp_path / "shop.py"
    path.write_text('from definitions import Service\ns = Service(name="a b")\ns.owner.lower()\n')
    with pytest.raises(RecordError) as error:
        objects_from_file(path)
    assert [code for code, _ in found(error)] == ["file", "missing", "name", "owner"]


@pytest.mark.parametrize("text", ["[]", "[1]", '"x"', "{"])
def test_a_json_file_without_definitions_is_refused(tmp_path, text):
    path = tmp_path / "shop.json"
    path.write_text(text)
    with pytest.raises(RecordError):
        objects_from_file(path)


@pytest.mark.parametrize("name", ["absent.py", "absent.json"])
def test_a_file_that_is_not_there_is_refused(tmp_path, name):
    with pytest.raises(RecordError) as error:
        objects_from_file(tmp_path / name)
    assert [code for code, _ in found(error)] == ["file"]


def test_two_definitions_of_one_name_in_a_file_are_refused(tmp_path):
    path = tmp_path / "shop.json"
    path.write_text(json.dumps([GROUP.registry_json(), GROUP.registry_json()]))
    with pytest.raises(RecordError) as error:
        objects_from_file(path)
    assert [code for code, _ in found(error)] == ["duplicate_object"]


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (
            ".py",
            "from definitions import *\ns = Service(name='s', owner='a@b.com', "
            "attribute_groups=['web'])\n",
        ),
        (".json", '{"name": "s", "owner": "a@b.com", "attribute_groups": ["web"]}'),
    ],
)
def test_a_text_where_a_group_is_linked_is_told_what_to_write(tmp_path, suffix, text):
    path = tmp_path / f"shop{suffix}"
    path.write_text(text)
    with pytest.raises(RecordError) as error:
        objects_from_file(path)
    (problem,) = error.value.problems
    assert problem.place == "service s / attribute group 1"
    assert 'VersionedLinkAttributeGroup(name="web", version=1)' in problem.hint


COUNTER = {"name": "n", "type": "int32", "aggregation": "counter", "events": []}
WHOLE = {
    "attribute_key/app": {"name": "app", "property": {"type": "atomic", "name": "app_id"}},
    "attribute_group/g/1": {
        "name": "g",
        "version": 1,
        "owner": "a@b.com",
        "attribute_key": {"name": "app"},
        "attributes": [COUNTER],
    },
    "service/s": {"name": "s", "owner": "a@b.com", "attribute_groups": [{"name": "g"}]},
    "intervention/r/1": {
        "name": "r",
        "version": 1,
        "owner": "a@b.com",
        "criteria": {"attribute": "g:n", "operator": ">", "value": 1},
        "target_attribute_keys": [{"name": "app"}],
    },
}
FIELDS = [
    (record, field)
    for record, fields in {
        "attribute_key/app": "name property key external_column owner ttl is_published",
        "attribute_group/g/1": "name version owner attribute_key attributes fields batch_source "
        "ttl refresh_rate backfill_since_tstamp online offline is_published",
        "service/s": "name owner attribute_groups is_published",
        "intervention/r/1": "name version owner criteria target_attribute_keys cooldown max_fires "
        "payload_attribute_groups is_published",
    }.items()
    for field in fields.split()
]


def problems_of_file(objects, tmp_path):
    file = tmp_path / "objects.json"
    file.write_text(json.dumps(list(objects)))
    try:
        return Catalog.empty().with_objects(objects_from_file(file)).problems()
    except RecordError as error:
        return error.problems


@pytest.mark.parametrize("wrong", [[1], [[]], {"name": [1]}, "\0 no name!"])
@pytest.mark.parametrize(("record", "field"), FIELDS)
@pytest.mark.filterwarnings("ignore::definitions.UnknownFieldWarning")
def test_a_field_of_any_wrong_form_is_a_problem_of_its_definition(record, field, wrong, tmp_path):
    objects = {**WHOLE, record: {**WHOLE[record], field: wrong}}
    problems = problems_of_file(objects.values(), tmp_path)
    kind = record.partition("/")[0]
    assert any(problem.place.startswith(f"{kind} ") for problem in problems)
    with pytest.raises(RecordError):
        from_record(record, json.dumps(objects[record]).encode())


def test_the_same_definitions_without_a_wrong_field_are_right(tmp_path):
    assert problems_of_file(WHOLE.values(), tmp_path) == []


def test_a_file_imports_modules_that_stand_beside_it(tmp_path: Path) -> None:
    """Each file its own, even under the same name, wherever the command runs."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "keys_of_ours.py").write_text(
            f"from definitions import AttributeKey\nkey = AttributeKey(name='key_{name}')\n"
        )
        file = tmp_path / name / "file.py"
        file.write_text("from keys_of_ours import key\n")
        (found,) = objects_from_file(file)
        assert found.name == f"key_{name}"
    assert "keys_of_ours" not in sys.modules
    assert str(tmp_path / "two") not in sys.path

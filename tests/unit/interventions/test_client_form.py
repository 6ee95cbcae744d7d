import json

import pytest

from processor.interventions import Pushed, client_form, encode_pushed

DATA = {
    "intervention_id": "1",
    "name": "n",
    "version": 1,
    "origin": "rule",
    "target_attribute_key": {"name": "user_id", "id": "u"},
    "attributes": {},
    "fired_at": "2026-11-22T10:00:00.123Z",
    "because": [],
}


def attributes_told(**attributes):
    message = json.dumps({"schema": "s", "data": {**DATA, "attributes": attributes}}).encode()
    return json.loads(client_form(message).line)["attributes"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("text", "text"),
        ("", ""),
        (1, "1"),
        (129.5, "129.5"),
        (2**80, str(2**80)),
        (True, "true"),
        (False, "false"),
        (["a", 1, None], '["a",1,null]'),
        ([], "[]"),
        ({"a": 2}, '{"a":2}'),
    ],
)
def test_a_value_is_text_and_anything_else_its_json(value, told):
    assert attributes_told(**{"g:a": value}) == {"g:a": told}


def test_what_has_no_value_is_left_out():
    assert attributes_told(a=None, b=0) == {"b": "0"}


def test_nothing_else_is_told():
    form = client_form(json.dumps({"data": DATA}).encode())
    assert (form.target_key, form.target_id) == ("user_id", "u")
    assert json.loads(form.line) == {
        "intervention_id": "1",
        "name": "n",
        "version": 1,
        "attributes": {},
        "target_attribute_key": {"name": "user_id", "id": "u"},
    }


def test_the_line_has_no_character_at_which_any_client_ends_a_line():
    every = "".join(map(chr, [*range(32), 0x7F, 0x85, 0x2028, 0x2029, 0x1F600]))
    message = json.dumps({"data": {**DATA, "attributes": {"a": every}}}).encode()
    line = client_form(message).line.decode()
    assert line.splitlines() == [line]
    assert json.loads(line)["attributes"] == {"a": every}


@pytest.mark.parametrize(
    "message",
    [
        b"", b"{", b"[]", b"1", b'"data"', b"{}", b'{"data":null}', b'{"data":{}}', b"\xff",
        b'{"data":' + b"[" * 100_000,
        json.dumps({"data": {**DATA, "attributes": []}}).encode(),
        json.dumps({"data": {**DATA, "target_attribute_key": "u"}}).encode(),
        json.dumps({"data": {**DATA, "attributes": {"a": [float("nan")]}}}).encode(),
    ],
)  # fmt: skip
def test_anything_else_is_refused(message):
    with pytest.raises(ValueError, match=r".*"):
        client_form(message)


def test_a_pushed_intervention_is_told_like_any_other():
    pushed = Pushed("n", 2, "id", "user_id", "u", {"a": 1, "b": None}, 0)
    assert json.loads(client_form(encode_pushed(pushed)).line) == {
        "intervention_id": "id",
        "name": "n",
        "version": 2,
        "attributes": {"a": "1"},
        "target_attribute_key": {"name": "user_id", "id": "u"},
    }


def data_with(path, value):
    """A message in which one place holds another value."""
    data = json.loads(json.dumps(DATA))
    *outer, last = path
    holder = data
    for part in outer:
        holder = holder[part]
    holder[last] = value
    return json.dumps({"data": data}).encode()


ANY = [None, True, 0, 1.5, "", [], ["u"], {}, {"id": "u"}, [[]], 2**70]


@pytest.mark.parametrize("value", ANY, ids=repr)
@pytest.mark.parametrize(
    ("path", "right"),
    [
        (("target_attribute_key", "id"), str),
        (("target_attribute_key", "name"), str),
        (("intervention_id",), str),
        (("name",), str),
        (("version",), int),
        (("attributes",), dict),
        (("target_attribute_key",), None),
    ],
    ids=str,
)
def test_a_field_of_another_type_is_refused(path, right, value):
    if right and type(value) is right and value != "":
        client_form(data_with(path, value))
        return
    with pytest.raises(ValueError, match="not an intervention"):
        client_form(data_with(path, value))

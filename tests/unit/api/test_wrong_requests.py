"""Whatever body, type or header comes to any call: a refusal in the documented form, at once."""

import json
from pathlib import Path

import pytest

JSON = {"Content-Type": "application/json"}
DIGITS = b"9" * 5000  # more than Python turns into an integer
BODIES = {
    "nothing": b"",
    "half": b"{",
    "a list": b"[]",
    "null": b"null",
    "no number": b"NaN",
    "a text of half a character": b'"\\ud800"',
    "no text": b"\xff\xfe\x00",
    "a deep list": b"[" * 100_000,
    "a deep object": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a long number": b'{"name":"a","version":' + DIGITS + b"}",
    "infinity": b'{"name":"a","version":1e400}',
    "half a character": b'{"name":"\\ud800","attribute_keys":{"\\ud800":["\\udfff"]},'
    b'"service":"\\ud800","services":[{"name":"\\ud800"}],"key":"\\ud800","ids":["\\ud800"]}',
    "half an id": b'{"attribute_keys":{"domain_userid":["\\ud800"]},'
    b'"attributes":["ecom_attributes_v1:count_product_views"],"attribute_group":{"name":"\\ud800"}}',
    "a long version": b'{"attribute_keys":{"domain_userid":["a"]},"attributes":["a_v'
    + DIGITS
    + b':b"],"attribute_groups":[{"name":"a","version":9'
    + DIGITS[:4000]
    + b"}]}",
    "other types": b'{"name":1,"version":true,"attribute_keys":[1],"ids":{},"services":5,"key":[]}',
}  # fmt: skip
HEADERS = {
    "no type": {"Content-Type": ""},
    "text": {"Content-Type": "text/plain"},
    "parts without a boundary": {"Content-Type": "multipart/form-data"},
    "an unknown encoding": {"Content-Type": "application/json; charset=none"},
    "a type that is none": {"Content-Type": b"\xff;;;="},
    "a time in words": {"X-Processor-Forwarded": "1", "X-Processor-Read-At": "now", **JSON},
    "a long time": {"X-Processor-Forwarded": "1", "X-Processor-Read-At": DIGITS, **JSON},
    "a digit that is none": {"X-Processor-Read-At": b"\xb2", "Content-Length": b"\xb2", **JSON},
    "no token": {"Authorization": b"Bearer \xff", **JSON},
    "no host": {"Host": "a b c///", **JSON},
}
NAMES = {"{name}": "a", "{version}": "1", "{org_id}": "any"}
STREAM = ("get", "/api/v1/interventions")


def calls():
    """Every call of the API's own description but the one whose answer does not end."""
    document = Path(__file__).parents[3] / "schemas" / "api.json"
    for path, methods in json.loads(document.read_text())["paths"].items():
        for method in methods:
            if (method, path) != STREAM:
                filled = path
                for name, value in NAMES.items():
                    filled = filled.replace(name, value)
                yield method.upper(), filled


CALLS = list(calls())


def check(answer, what):
    assert answer.status_code not in {500, 502, 504}, (what, answer.text)
    if answer.status_code >= 400:
        (form,) = answer.json()
        assert form in {"detail", "error"}, what
        assert answer.json()[form]
        assert "Traceback" not in answer.text


async def test_a_body_that_cannot_be_right_is_refused(client):
    for method, path in CALLS:
        for what, body in BODIES.items() if method in {"POST", "PUT"} else ():
            answer = await client.request(method, path, content=body, headers=JSON)
            check(answer, (method, path, what))


async def test_headers_that_cannot_be_right_are_refused_or_do_not_matter(client):
    content = b'{"name":"a","key":"domain_userid","ids":["a"]}'
    for method, path in CALLS:
        for what, headers in HEADERS.items():
            answer = await client.request(method, path, content=content, headers=headers)
            check(answer, (method, path, what))


@pytest.mark.parametrize(
    "path",
    [
        "/%ff",
        "/api/v1/registry/services/%00",
        "/api/v1/registry/services/%ed%a0%80",
        "/api/v1/registry/services/?applied=%ff",
        "/api/v1/registry/attribute_groups/a/versions/%C2%B2",
        "/api/v1/registry/attribute_groups/a/versions/1_0",
        "/api/v1/interventions?%ff=%ff",
        "/api/v1/definitions?offset=" + "9" * 30,
        "/api/v1/definitions?offset=%C2%B2",
    ],
)
async def test_a_path_that_cannot_be_right_is_refused(client, path):
    answer = await client.get(path)
    assert answer.status_code in {404, 422}
    check(answer, path)

"""The description of the API: the file is that of the code, and it says all that there is."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from processor.api.document import api_document
from processor.api.http.failures import REGISTRY_PATHS

FILE = Path(__file__).parents[3] / "schemas" / "api.json"
STATUSES_OF_FAILURES = range(400, 600)


def operations():
    for path, methods in json.loads(api_document())["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_file_is_that_of_the_code():
    assert FILE.read_text() == api_document(), "run `make schemas`"


def test_every_reference_leads_somewhere():
    document = json.loads(api_document())
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    text = json.dumps(document)
    used = {part.split('"')[0] for part in text.split('"$ref": "')[1:]}
    assert used <= known


def test_every_schema_is_one():
    for schema in json.loads(api_document())["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_call_has_a_summary_and_a_name_of_its_own():
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for _, _, operation in operations())


def test_failures_are_documented_in_the_form_that_they_have():
    for path, _, operation in operations():
        registry = path.startswith(REGISTRY_PATHS)
        for status, answer in operation["responses"].items():
            content = answer.get("content", {}).get("application/json")
            if int(status) in STATUSES_OF_FAILURES and content and path.startswith("/api/v1/"):
                form = "RegistryFailure" if registry else "Failure"
                assert content["schema"] == {"$ref": f"#/components/schemas/{form}"}, (path, status)


async def test_the_pages_are_there(client):
    assert (await client.get("/docs")).status_code == 200
    assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.")

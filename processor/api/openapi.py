"""The API's own description, with the objects of the registry."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import RedirectResponse

from processor.api.registry_objects import KINDS

_SCHEMAS: Final = "#/components/schemas/{model}"


def describe(api: FastAPI) -> None:
    """Let the API describe the objects of the registry too, which it reads by itself."""

    def document() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _document(api)
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign]  # as FastAPI's pages say
    # The product's page is at this path.
    api.add_route("/docs/", lambda _: RedirectResponse("../docs"), include_in_schema=False)


def _document(api: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=api.title, version=api.version, description=api.description, routes=api.routes
    )
    schemas: dict[str, Any] = found["components"]["schemas"]
    for kind in KINDS:
        schema = kind.model.json_schema(by_alias=True, ref_template=_SCHEMAS)
        for name, part in schema.pop("$defs", {}).items():
            schemas.setdefault(name, part)
        schemas[f"registry.{kind.name}"] = schema
    found["components"]["schemas"] = dict(sorted(schemas.items()))
    return found

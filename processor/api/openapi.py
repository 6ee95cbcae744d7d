"""The API's own description, with the objects of the registry."""

from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from processor.api.docs_page import HEADERS, docs_page
from processor.api.http.side_thread import SideThread
from processor.api.registry.registry_objects import KINDS
from processor.api.registry.testing import WhatIfRequest

_SCHEMAS: Final = "#/components/schemas/{model}"


def describe(api: FastAPI, beside: SideThread) -> None:
    """Add the objects of the registry, which routes parse themselves, to the API's description.

    The description is at /openapi.json, and as a page at /docs. It is created once, which takes
    half a second, `beside` the event loop.
    """

    def document() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _document(api)
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign]  # as FastAPI's pages say

    async def for_programs(_: Request) -> Response:
        return JSONResponse(await beside.run(document))

    async def for_people(_: Request) -> Response:
        page = await beside.run(lambda: docs_page(document()))
        return HTMLResponse(page, headers=dict(HEADERS))

    api.add_route("/openapi.json", for_programs, include_in_schema=False)
    api.add_route("/docs", for_people, include_in_schema=False)
    # The product has its page at this path.
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
    # The route parses this one itself, too.
    what_if = WhatIfRequest.model_json_schema(ref_template=_SCHEMAS)
    for name, part in what_if.pop("$defs", {}).items():
        schemas.setdefault(name, part)
    schemas[WhatIfRequest.__name__] = what_if
    found["components"]["schemas"] = dict(sorted(schemas.items()))
    return found

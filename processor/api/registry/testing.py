"""The what-if run over HTTP: what an attribute group would have computed from past events.

Request and answer have the form of the official SDK's `test()`.
"""

import json
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field, PlainValidator, StringConstraints, ValidationError

from definitions.attribute_groups import AttributeGroup, StreamAttributeGroup
from definitions.catalog import Catalog
from definitions.checks import check_form, check_meaning, check_names
from definitions.model import AtMost
from definitions.objects import place_of, record_key
from definitions.problems import Problem, ProblemCode
from definitions.records import from_registry
from processor.aggregates import Result
from processor.api.backend import Backend
from processor.api.http.failures import RegistryFailure, failures
from processor.api.http.guarded_routes import guarded_router
from processor.api.http.known_fields import KnownFields
from processor.api.http.side_thread import SideThread
from processor.api.http.tokens import Tokens
from processor.api.reads.selection import Id
from processor.api.registry.what_if_runs import Asked, WhatIfRuns
from processor.errors import InvalidDefinitionsError
from processor.request_limits import TEST_APP_IDS_MAX, TEST_IDS_MAX

_WINDOW: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(days=3650)
_MOMENT: Final = timedelta(milliseconds=1)


def _group(raw: Any) -> AttributeGroup:  # a JSON value
    """Return the group of a request; raise ValueError with all of its mistakes."""
    source = raw.get("batch_source") if isinstance(raw, dict) else None
    if isinstance(source, dict) and "schema_" in source:
        # The SDK sends the names of its own fields here, not those of the registry.
        named = {**source, "schema": source["schema_"]}
        del named["schema_"]
        raw = {**raw, "batch_source": named}
    try:
        text = json.dumps(raw).encode()
    except RecursionError:
        message = "it is nested too deeply"
        raise ValueError(message) from None
    group = from_registry("attribute_group", text)
    assert isinstance(group, AttributeGroup)
    return group


AppId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,255}$")]


class WhatIfRequest(KnownFields):
    """A group, and which events and ids count; `null` is the same as a missing field."""

    attribute_group: Annotated[
        AttributeGroup, PlainValidator(_group, json_schema_input_type=StreamAttributeGroup)
    ] = Field(description="an attribute group, as accepted by `registry/attribute_groups/`")
    app_ids: Annotated[list[AppId], AtMost(TEST_APP_IDS_MAX)] | None = Field(
        None, description="only events of these app_ids"
    )
    window: Annotated[timedelta, Field(ge=_MOMENT, le=_LONGEST)] | None = Field(
        None, description="events of the last …; one hour if not given"
    )
    attribute_key_ids: Annotated[list[Id], AtMost(TEST_IDS_MAX)] | None = Field(
        None, description="ids to return; ten random ones if none are given"
    )


# The form of the body, which the route parses itself: see `_asked_for`.
_SCHEMA: Final = {"$ref": f"#/components/schemas/{WhatIfRequest.__name__}"}
_BODY: Final = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}
}


def testing_router(
    backend: Backend, runs: WhatIfRuns, tokens: Tokens, beside: SideThread
) -> APIRouter:
    """Return the route for what-if runs.

    They need a separate scope: a run can show every column of every event.
    """
    router = guarded_router(
        tokens.hosts,
        needs=[tokens.requires("test")],
        definitions=True,
        prefix="/api/v1",
        tags=["registry"],
    )

    @router.post(
        "/testing/attribute_groups/",
        summary="What an attribute group would have computed from events that are there",
        description="One row for each id that has a value: its attributes now, and the id under "
        "the name of the attribute key. Every profile starts empty at the beginning of the window. "
        "Nothing is published.",
        response_model=list[dict[str, Result]],
        responses=failures(401, 403, 408, 413, 415, 422, 503, model=RegistryFailure),
        openapi_extra=_BODY,
    )
    async def test_attribute_group(request: Request) -> JSONResponse:
        body = await beside.run(_asked_for, await request.body())
        catalog = await backend.registry.catalog()
        group = await beside.run(_checked, body.attribute_group, catalog)
        asked = Asked(
            group,
            tuple(body.app_ids or ()),
            tuple(dict.fromkeys(body.attribute_key_ids or ())),
            (body.window or _WINDOW) // _MOMENT,
        )
        return JSONResponse(await runs.rows(asked))

    return router


def _asked_for(body: bytes) -> WhatIfRequest:
    """Return the request in a body. A large group takes long.

    Raises:
        RequestValidationError: with all of its mistakes.
    """
    try:
        return WhatIfRequest.model_validate(json.loads(body))
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        told = [{**one, "loc": ("body", *one["loc"])} for one in mistakes]
        raise RequestValidationError(told) from error
    except (ValueError, RecursionError) as error:
        mistake = {"type": "json_invalid", "loc": ("body",), "msg": f"not JSON: {error}"}
        raise RequestValidationError([mistake]) from error


def _checked(group: AttributeGroup, catalog: Catalog) -> AttributeGroup:
    """Return a group as it would be in force together with the existing definitions.

    Raises:
        InvalidDefinitionsError: it could not be in force; with all of its mistakes.
    """
    place = place_of(group)
    if group.offline:
        message = "a warehouse group is not computed from the event stream"
        hint = "test a StreamAttributeGroup"
        problem = Problem(
            ProblemCode.UNSUPPORTED, f"{place} / offline", "", message, hint, record_key(group)
        )
        raise InvalidDefinitionsError([problem])
    live = group.model_copy(update={"is_published": True, "online": True})
    after = catalog.with_objects([live])
    problems = check_form(live).problems + check_meaning(live) + check_names(live, after)
    names = [one.name for one in live.attributes or ()]
    if live.attribute_key.name in names:
        message = f"two columns of the answer would have the name {live.attribute_key.name!r}"
        hint = "rename the attribute"
        place = f"{place} / attributes"
        problems.append(Problem(ProblemCode.NAME, place, "", message, hint, record_key(live)))
    key = after.key_of(live)
    if problems or key is None:
        raise InvalidDefinitionsError(problems)
    return live.model_copy(update={"attribute_key": key})

"""The what-if run over HTTP: what an attribute group would have computed from events of the past.

Request and answer are those of the official SDK's `test()`.
"""

import json
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, PlainValidator, StringConstraints

from definitions.attribute_groups import AttributeGroup, StreamAttributeGroup
from definitions.catalog import Catalog
from definitions.checking import check_form, check_meaning, check_names
from definitions.objects import place_of, record_key
from definitions.problems import Problem, ProblemCode
from definitions.records import from_registry
from processor.aggregates import Result
from processor.api.backend import Backend
from processor.api.failures import RegistryFailure, failures
from processor.api.selection import Id
from processor.api.tokens import Tokens
from processor.api.what_if_runs import Asked, WhatIfRuns
from processor.errors import InvalidDefinitionsError
from processor.limits import TEST_APP_IDS_MAX, TEST_IDS_MAX

_WINDOW: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(days=3650)
_MOMENT: Final = timedelta(milliseconds=1)


def _group(raw: Any) -> AttributeGroup:  # a JSON value
    """Return the group of a request; raise ValueError with everything that is wrong with it."""
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


class WhatIfRequest(BaseModel):
    """A group, and which events and ids count; `null` is the same as nothing."""

    attribute_group: Annotated[
        AttributeGroup, PlainValidator(_group, json_schema_input_type=StreamAttributeGroup)
    ] = Field(description="an attribute group, as `registry/attribute_groups/` takes it")
    app_ids: list[AppId] | None = Field(
        None, max_length=TEST_APP_IDS_MAX, description="only events of these app_ids"
    )
    window: Annotated[timedelta, Field(ge=_MOMENT, le=_LONGEST)] | None = Field(
        None, description="events of the last …; an hour where none is given"
    )
    attribute_key_ids: list[Id] | None = Field(
        None, max_length=TEST_IDS_MAX, description="ids to tell; ten at random where none are given"
    )


def testing_router(backend: Backend, runs: WhatIfRuns, tokens: Tokens) -> APIRouter:
    """Return the route for what-if runs.

    Whoever may write definitions may run them: they can read every column of an event.
    """
    router = APIRouter(
        prefix="/api/v1", tags=["registry"], dependencies=[Depends(tokens.requires("write"))]
    )

    @router.post(
        "/testing/attribute_groups/",
        summary="What an attribute group would have computed from events that are there",
        description="One row for each id that has a value: its attributes now, and the id under "
        "the name of the attribute key. Every profile starts empty at the beginning of the window. "
        "Nothing is published.",
        response_model=list[dict[str, Result]],
        responses=failures(401, 403, 408, 413, 422, 503, model=RegistryFailure),
    )
    async def test_attribute_group(body: WhatIfRequest) -> JSONResponse:
        group = _checked(body.attribute_group, await backend.registry.catalog())
        asked = Asked(
            group,
            tuple(body.app_ids or ()),
            tuple(dict.fromkeys(body.attribute_key_ids or ())),
            (body.window or _WINDOW) // _MOMENT,
        )
        return JSONResponse(await runs.rows(asked))

    return router


def _checked(group: AttributeGroup, catalog: Catalog) -> AttributeGroup:
    """Return a group as it would be in force beside the definitions that there are.

    Raises:
        InvalidDefinitionsError: it could not be; everything that is wrong with it.
    """
    place = place_of(group)
    if group.offline:
        message = "a group of the warehouse is not computed from the stream of events"
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
        message = f"two columns of the answer would be called {live.attribute_key.name!r}"
        hint = "call the attribute something else"
        place = f"{place} / attributes"
        problems.append(Problem(ProblemCode.NAME, place, "", message, hint, record_key(live)))
    key = after.key_of(live)
    if problems or key is None:
        raise InvalidDefinitionsError(problems)
    return live.model_copy(update={"attribute_key": key})

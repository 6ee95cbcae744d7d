"""Whole profiles by id: what the command line reads, and workers from each other."""

import re
from collections.abc import Sequence
from typing import Self

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, model_validator

from processor.api.backend import Backend
from processor.api.failures import failures
from processor.api.forwarding import FORWARDED_HEADER, READ_AT_HEADER, Asker
from processor.api.reads import ProfileReader
from processor.api.selection import FullName, Id, check_size, named_attributes
from processor.api.tokens import Tokens
from processor.clock import wall_ms
from processor.engine import CompiledAttribute, Plan
from processor.errors import DefinitionError, NotReadyError
from processor.limits import REQUEST_ATTRIBUTES_MAX, REQUEST_IDS_MAX

_TIME_MS = re.compile(r"[0-9]{1,15}")


class ProfilesRequest(BaseModel):
    """Ids of one attribute key; without a choice of attributes, all of that key."""

    key: Id
    ids: list[Id] = Field(max_length=REQUEST_IDS_MAX)
    service: str | None = None
    group: str | None = None
    version: int | None = None
    attributes: list[FullName] | None = Field(None, max_length=REQUEST_ATTRIBUTES_MAX)

    @model_validator(mode="after")
    def _names_what_once(self) -> Self:
        choices = (self.service, self.group, self.attributes)
        if sum(choice is not None for choice in choices) > 1:
            message = "give a service, a group or a list of attributes, not several of them"
            raise ValueError(message)
        if self.version is not None and self.group is None:
            message = "a version is that of a group: give the group too"
            raise ValueError(message)
        return self


def profiles_router(backend: Backend, reader: ProfileReader, tokens: Tokens) -> APIRouter:
    """Return the route for reading profiles."""
    router = APIRouter(
        prefix="/api/v1", tags=["attributes"], dependencies=[Depends(tokens.requires("read"))]
    )

    @router.post(
        "/profiles",
        summary="Attributes of profiles, by id and full name",
        responses=failures(401, 403, 404, 408, 413, 422, 502, 503),
    )
    async def read_profiles(body: ProfilesRequest, request: Request) -> JSONResponse:
        """Return values by id and full name, and `since` for those that are not complete yet.

        `since` is the time from which on their events are counted; a window is complete when it
        reaches no further back, and a lifetime attribute if it is there from the beginning.
        """
        asker = Asker(request.headers.get("authorization", ""), FORWARDED_HEADER in request.headers)
        attributes = _attributes(backend.plan, body, asker)
        check_size(len(body.ids), len(attributes))
        now_ms = _now_ms(request, asker)
        found = await reader.read(body.key, body.ids, attributes, asker, now_ms)
        names = [attribute.full_name for attribute in attributes]
        profiles = {id_: dict(zip(names, found[id_].values, strict=True)) for id_ in body.ids}
        since = {id_: found[id_].since for id_ in body.ids if found[id_].since}
        answer = {"now_ms": now_ms, "profiles": profiles}
        return JSONResponse(answer | {"since": since} if since else answer)

    return router


def _attributes(plan: Plan, body: ProfilesRequest, asker: Asker) -> Sequence[CompiledAttribute]:
    try:
        return _chosen(plan, body)
    except DefinitionError as error:
        if not asker.forwarded:
            raise
        # The sender knows them already: this worker has not read that far in the definitions.
        raise NotReadyError(error.message, hint="try again in a moment") from error


def _chosen(plan: Plan, body: ProfilesRequest) -> Sequence[CompiledAttribute]:
    if body.service is not None:
        return plan.service_attributes(body.service, body.key)
    if body.attributes is not None:
        found = named_attributes(plan, body.attributes)
        strangers = [one.full_name for one in found if one.key != body.key]
        if strangers:
            message = f"attribute {strangers[0]!r} is not kept by {body.key!r}"
            raise DefinitionError(message)
        return found
    if body.group is None:
        return plan.key_attributes(body.key)
    found = plan.group_attributes(body.group, body.version, body.key)
    if not found:
        message = f"attribute group {body.group!r} is not kept by {body.key!r}"
        raise DefinitionError(message)
    return found


def _now_ms(request: Request, asker: Asker) -> int:
    given = request.headers.get(READ_AT_HEADER, "")
    return int(given) if asker.forwarded and _TIME_MS.fullmatch(given) else wall_ms()

"""Whole profiles by id, for the command line and for other workers."""

from collections.abc import Sequence
from typing import Annotated, Self

from fastapi import APIRouter, Request
from pydantic import model_validator

from definitions.model import AtMost
from processor.api.backend import Backend
from processor.api.http.failures import failures
from processor.api.http.forwarding import FORWARDED_HEADER, Asker
from processor.api.http.guarded_routes import guarded_router
from processor.api.http.known_fields import KnownFields
from processor.api.http.large_answers import LargeAnswer, json_object
from processor.api.http.tokens import Tokens
from processor.api.reads.reads import ProfileReader
from processor.api.reads.selection import FullName, Id, check_size, named_attributes
from processor.engine import CompiledAttribute, Plan
from processor.errors import DefinitionError, NotReadyError
from processor.request_limits import REQUEST_ATTRIBUTES_MAX, REQUEST_IDS_MAX


class ProfilesRequest(KnownFields):
    """Ids of one attribute key; if no attributes are chosen, all of that key."""

    key: Id
    ids: Annotated[list[Id], AtMost(REQUEST_IDS_MAX)]
    service: str | None = None
    group: str | None = None
    version: int | None = None
    attributes: Annotated[list[FullName], AtMost(REQUEST_ATTRIBUTES_MAX)] | None = None

    @model_validator(mode="after")
    def _names_what_once(self) -> Self:
        choices = (self.service, self.group, self.attributes)
        if sum(choice is not None for choice in choices) > 1:
            message = "give either a service, a group or a list of attributes"
            raise ValueError(message)
        if self.version is not None and self.group is None:
            message = "a version needs a group: give the group, too"
            raise ValueError(message)
        return self


def profiles_router(backend: Backend, reader: ProfileReader, tokens: Tokens) -> APIRouter:
    """Return the route for reading profiles."""
    router = guarded_router(
        tokens.hosts,
        needs=[tokens.requires("read", workers=True)],
        prefix="/api/v1",
        tags=["attributes"],
    )

    @router.post(
        "/profiles",
        summary="Attributes of profiles, by id and full name",
        responses=failures(401, 403, 404, 408, 413, 415, 422, 502, 503),
    )
    async def read_profiles(body: ProfilesRequest, request: Request) -> LargeAnswer:
        """Return values by id and full name, and `since` for those that are not yet complete.

        `since` is the event time from which an attribute's events are counted. A window is complete
        once it reaches back no further; a lifetime attribute, only if it existed from the start.
        """
        asker = Asker(forwarded=FORWARDED_HEADER in request.headers)
        attributes = _attributes(backend.plan, body, asker)
        check_size(len(body.ids), len(attributes))
        now_ms = tokens.workers.chosen_ms(request)
        found = await reader.read(body.key, body.ids, attributes, asker, now_ms)
        names = [attribute.full_name for attribute in attributes]
        ids = dict.fromkeys(body.ids)
        profiles = ((id_, dict(zip(names, found[id_].values, strict=True))) for id_ in ids)
        pieces = [b'{"now_ms":%d,"profiles":' % now_ms, *await json_object(profiles)]
        incomplete = [(id_, found[id_].since) for id_ in ids if found[id_].since]
        if incomplete:
            pieces += [b',"since":', *await json_object(incomplete)]
        return LargeAnswer([*pieces, b"}"])

    return router


def _attributes(plan: Plan, body: ProfilesRequest, asker: Asker) -> Sequence[CompiledAttribute]:
    try:
        return _chosen(plan, body)
    except DefinitionError as error:
        if not asker.forwarded:
            raise
        # The sender already has these definitions; this worker has not read them yet.
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

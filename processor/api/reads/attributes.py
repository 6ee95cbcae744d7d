"""Attributes as the official SDK reads them: in columns, one list for each attribute.

Each attribute's list parallels the list of the ids of its attribute key: value n belongs to id n.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Self

from fastapi import APIRouter, Request
from pydantic import Field, model_validator

from definitions.model import AtMost
from processor.aggregates import Result
from processor.api.backend import Backend
from processor.api.http.failures import failures
from processor.api.http.forwarding import Asker
from processor.api.http.guarded_routes import guarded_router
from processor.api.http.known_fields import KnownFields
from processor.api.http.large_answers import LargeAnswer, json_object
from processor.api.http.tokens import Tokens
from processor.api.reads.reads import ProfileReader, Readings
from processor.api.reads.selection import FullName, IdsByKey, check_size, named_attributes
from processor.clock import wall_ms
from processor.engine import CompiledAttribute, Plan
from processor.errors import DefinitionError, UsageError
from processor.request_limits import REQUEST_ATTRIBUTES_MAX, REQUEST_KEYS_MAX

Columns = dict[str, list[Result]]


class OnlineAttributesRequest(KnownFields):
    """Ids by attribute key, and a service or a list of attributes `group_v1:attribute`."""

    attribute_keys: IdsByKey = Field(min_length=1, max_length=REQUEST_KEYS_MAX)
    service: str | None = None
    attributes: Annotated[list[FullName], AtMost(REQUEST_ATTRIBUTES_MAX)] | None = None
    full_attribute_names: bool = False

    @model_validator(mode="after")
    def _names_what(self) -> Self:
        if (self.service is None) == (not self.attributes):
            message = "give either a service or a list of attributes"
            raise ValueError(message)
        return self


def attributes_router(backend: Backend, reader: ProfileReader, tokens: Tokens) -> APIRouter:
    """Return the route for reading attributes."""
    router = guarded_router(
        tokens.hosts, needs=[tokens.requires("read")], prefix="/api/v1", tags=["attributes"]
    )

    @router.post(
        "/get-online-attributes",
        summary="Attributes of profiles, in columns",
        response_model=Columns,
        responses=failures(401, 403, 404, 408, 413, 415, 422, 502, 503),
    )
    async def get_online_attributes(body: OnlineAttributesRequest, request: Request) -> LargeAnswer:
        asker = Asker()
        try:
            wanted = _wanted(backend.plan, body)
        except DefinitionError:
            # They may have been published a moment ago, and this worker has not read them yet.
            await backend.registry.catalog()
            wanted = _wanted(backend.plan, body)
        total = sum(map(len, body.attribute_keys.values()))
        check_size(total, max(map(len, wanted.values())))
        _check_names(wanted, full=body.full_attribute_names)
        now_ms = wall_ms()
        values = await asyncio.gather(
            *(
                reader.read(key, ids, wanted[key], asker, now_ms)
                for key, ids in body.attribute_keys.items()
            )
        )
        found = dict(zip(body.attribute_keys, values, strict=True))
        return LargeAnswer(await json_object(_columns(body, wanted, found)))

    return router


def _columns(
    body: OnlineAttributesRequest,
    wanted: Mapping[str, Sequence[CompiledAttribute]],
    found: Mapping[str, Readings],
) -> Iterator[tuple[str, list[Result]]]:
    """Yield the columns of the answer with their names, each computed on demand."""
    for key, ids in body.attribute_keys.items():
        yield key, list(ids)
    for key, ids in body.attribute_keys.items():
        for position, attribute in enumerate(wanted[key]):
            name = _name(attribute, full=body.full_attribute_names)
            yield name, [found[key][id_].values[position] for id_ in ids]


def _name(attribute: CompiledAttribute, *, full: bool) -> str:
    return attribute.full_name if full else attribute.name


def _wanted(plan: Plan, body: OnlineAttributesRequest) -> dict[str, Sequence[CompiledAttribute]]:
    """Return the requested attributes by attribute key."""
    keys = body.attribute_keys
    if body.service is not None:
        return {key: plan.service_attributes(body.service, key) for key in keys}
    wanted: dict[str, list[CompiledAttribute]] = {key: [] for key in keys}
    for attribute in named_attributes(plan, body.attributes or ()):
        if attribute.key not in wanted:
            message = f"attribute {attribute.full_name!r} is kept by {attribute.key!r}"
            raise UsageError(
                message, hint=f"put ids of that key in attribute_keys, not of {[*keys]}"
            )
        wanted[attribute.key].append(attribute)
    return {**wanted}


def _check_names(wanted: Mapping[str, Sequence[CompiledAttribute]], *, full: bool) -> None:
    """Refuse a request if two columns of its answer would have the same name."""
    names = set(wanted)
    for attributes in wanted.values():
        for attribute in attributes:
            name = _name(attribute, full=full)
            if name in names:
                message = f"two columns of the answer would have the name {name!r}"
                raise UsageError(message, hint="send full_attribute_names = true")
            names.add(name)

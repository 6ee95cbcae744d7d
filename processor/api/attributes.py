"""Attributes as the official SDK reads them: in columns, one list for each attribute.

An attribute's list stands beside that of the ids of its attribute key: value n is that of id n.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, model_validator

from processor.aggregates import Result
from processor.api.backend import Backend
from processor.api.failures import failures
from processor.api.forwarding import Asker
from processor.api.reads import ProfileReader
from processor.api.selection import FullName, Id, check_size, named_attributes
from processor.api.tokens import Tokens
from processor.clock import wall_ms
from processor.engine import CompiledAttribute, Plan
from processor.errors import DefinitionError, UsageError
from processor.limits import REQUEST_ATTRIBUTES_MAX, REQUEST_KEYS_MAX

Columns = dict[str, list[Result]]


class OnlineAttributesRequest(BaseModel):
    """Ids by attribute key, and a service or a list of attributes `group_v1:attribute`."""

    attribute_keys: dict[Id, list[Id]] = Field(min_length=1, max_length=REQUEST_KEYS_MAX)
    service: str | None = None
    attributes: list[FullName] | None = Field(None, max_length=REQUEST_ATTRIBUTES_MAX)
    full_attribute_names: bool = False

    @model_validator(mode="after")
    def _names_what(self) -> Self:
        if (self.service is None) == (not self.attributes):
            message = "give either a service or a list of attributes"
            raise ValueError(message)
        return self


def attributes_router(backend: Backend, reader: ProfileReader, tokens: Tokens) -> APIRouter:
    """Return the route for reading attributes."""
    router = APIRouter(
        prefix="/api/v1", tags=["attributes"], dependencies=[Depends(tokens.requires("read"))]
    )

    @router.post(
        "/get-online-attributes",
        summary="Attributes of profiles, in columns",
        response_model=Columns,
        responses=failures(401, 403, 404, 408, 413, 422, 502, 503),
    )
    async def get_online_attributes(
        body: OnlineAttributesRequest, request: Request
    ) -> JSONResponse:
        asker = Asker(request.headers.get("authorization", ""))
        try:
            wanted = _wanted(backend.plan, body)
        except DefinitionError:
            # Published a moment ago, perhaps, and not read here yet.
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
        columns: Columns = {key: list(ids) for key, ids in body.attribute_keys.items()}
        for (key, ids), found in zip(body.attribute_keys.items(), values, strict=True):
            for position, attribute in enumerate(wanted[key]):
                name = _name(attribute, full=body.full_attribute_names)
                columns[name] = [found[id_].values[position] for id_ in ids]
        return JSONResponse(columns)

    return router


def _name(attribute: CompiledAttribute, *, full: bool) -> str:
    return attribute.full_name if full else attribute.name


def _wanted(plan: Plan, body: OnlineAttributesRequest) -> dict[str, Sequence[CompiledAttribute]]:
    """Return the attributes that are asked for, by attribute key."""
    keys = body.attribute_keys
    if body.service is not None:
        return {key: plan.service_attributes(body.service, key) for key in keys}
    wanted: dict[str, list[CompiledAttribute]] = {key: [] for key in keys}
    for attribute in named_attributes(plan, body.attributes or ()):
        if attribute.key not in wanted:
            message = f"attribute {attribute.full_name!r} is kept by {attribute.key!r}"
            raise UsageError(message, hint=f"give ids of it in attribute_keys, not of {[*keys]}")
        wanted[attribute.key].append(attribute)
    return {**wanted}


def _check_names(wanted: Mapping[str, Sequence[CompiledAttribute]], *, full: bool) -> None:
    """Refuse a request in whose answer two columns would have one name."""
    names = set(wanted)
    for attributes in wanted.values():
        for attribute in attributes:
            name = _name(attribute, full=full)
            if name in names:
                message = f"two columns of the answer would be called {name!r}"
                raise UsageError(message, hint="ask with full_attribute_names = true")
            names.add(name)

"""The registry: definitions created, replaced, listed, deleted, and put in and out of force.

Paths, slashes and statuses are those of the official SDK, which publishes with POST and, where that
answers 400 because the object exists, with PUT. A change is answered when it is committed and, as
far as they answer in time, all workers use it: whoever asks the next one sees it.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from definitions import life_cycle
from definitions.catalog import Catalog
from definitions.event_logs import EventLog
from definitions.life_cycle import LifeCycleStep
from definitions.limits import VERSION_MAX
from definitions.objects import Definition, place_of, record_key
from definitions.problems import Problem, ProblemCode
from definitions.records import from_registry
from processor.api.backend import Backend, Written
from processor.api.failures import RegistryFailure, failures
from processor.api.forwarding import Forwarder
from processor.api.registry_objects import ATTRIBUTE_KEYS, KINDS, Json, Kind, shown
from processor.api.tokens import Tokens
from processor.errors import InvalidDefinitionsError, ProcessorError
from processor.limits import DEFINITIONS_SPREAD_S, INTEGER_MAX

log = structlog.get_logger(__name__)

_CREATED = 201
_FAILURES = failures(401, 403, 408, 413, 422, 503, model=RegistryFailure)
_NOT_THERE = failures(404, model=RegistryFailure)
_CONFLICT = failures(409, model=RegistryFailure)
_EXISTS = failures(400, model=RegistryFailure)

Name = Annotated[str, Path(description="name of the object")]
Version = Annotated[int, Path(ge=0, le=VERSION_MAX, description="version of the object")]
Applied = Annotated[bool | None, Query(description="only what is in force, or only what is not")]


class NameReference(BaseModel):
    """An object by its name."""

    name: str


class VersionReference(BaseModel):
    """An object by its name and version."""

    name: str
    version: int


class EnginesRequest(BaseModel):
    """Objects to put in or out of force."""

    attribute_keys: list[NameReference] | None = None
    attribute_groups: list[VersionReference] | None = None
    services: list[NameReference] | None = None
    interventions: list[VersionReference] | None = None
    event_logs: list[NameReference] | None = None
    agentic_decisions: list[NameReference] | None = None

    def records(self) -> list[str]:
        """Return the record keys of the objects; of what is never stored, one that is unknown."""
        found: list[str] = []
        for kind in KINDS:
            named = getattr(self, kind.path) or ()
            found += [kind.record(one.name, getattr(one, "version", None)) for one in named]
        return found + [f"agentic_decision/{one.name}" for one in self.agentic_decisions or ()]


class Published(BaseModel):
    """What was done."""

    status: Literal["published", "nothing to publish"]


class Unpublished(BaseModel):
    """What was done; `stopped` names what else is not in force any more because of it."""

    status: Literal["unpublished", "nothing to unpublish"]
    stopped: list[str] = []


class Progress(BaseModel):
    """The offset in the definitions topic up to which a worker uses them."""

    offset: int


class Deleted(BaseModel):
    """The object is gone."""

    ok: bool


def registry_router(backend: Backend, forwarder: Forwarder, tokens: Tokens) -> APIRouter:
    """Return the routes of the registry."""
    router = APIRouter(prefix="/api/v1", tags=["registry"], responses=_FAILURES)
    changes = _Changes(backend, forwarder)
    read, write = Depends(tokens.requires("read")), Depends(tokens.requires("write"))
    for kind in KINDS:
        _add_reads(router, kind, backend, read)
        _add_writes(router, kind, changes, write)
    _add_engines(router, changes, write)
    return router


def definitions_router(backend: Backend, tokens: Tokens) -> APIRouter:
    """Return the route by which workers wait for each other after a change."""
    allowed = Depends(tokens.requires("read", "write", "push"))
    router = APIRouter(prefix="/api/v1", tags=["registry"], dependencies=[allowed])

    @router.get(
        "/definitions",
        summary="Wait until this worker uses the definitions up to an offset of their topic",
        responses=failures(401, 403, 422, 503),
    )
    async def used(offset: Annotated[int, Query(ge=-1, le=INTEGER_MAX)]) -> Progress:
        await backend.registry.reach(offset)
        return Progress(offset=backend.plan.definitions_offset)

    return router


class _Changes:
    """Changes definitions, and waits until the other workers use them."""

    def __init__(self, backend: Backend, forwarder: Forwarder) -> None:
        self._backend = backend
        self._forwarder = forwarder

    async def check_new(self, definition: Definition) -> None:
        """Refuse what exists without taking the lock: so begins each publication of the SDK."""
        catalog = await self._backend.registry.catalog()
        if record_key(definition) in catalog.by_record:
            raise InvalidDefinitionsError(life_cycle.create(catalog, definition).problems)

    async def make(
        self, request: Request, step: Callable[[Catalog, Collection[str]], LifeCycleStep]
    ) -> Written:
        written = await self._backend.registry.change(step)
        authorization = request.headers.get("authorization", "")
        others = list(self._backend.other_urls())
        told = await asyncio.gather(
            *(self._tell(url, written.offset, authorization) for url in others)
        )
        behind = [url for url, reached in zip(others, told, strict=True) if not reached]
        if behind:
            log.warning("definitions_not_used_everywhere_yet", offset=written.offset, by=behind)
        return written

    async def _tell(self, url: str, offset: int, authorization: str) -> bool:
        try:
            await self._forwarder.reach(
                url, offset, authorization=authorization, timeout_s=DEFINITIONS_SPREAD_S
            )
        except ProcessorError:
            return False
        return True


def _add_reads(router: APIRouter, kind: Kind, backend: Backend, allowed: Any) -> None:
    one: dict[int | str, dict[str, Any]] = {200: _object_of(kind, f"The {kind.title}")}

    async def get_all(applied: Applied = None, offline: bool | None = None) -> Response:
        catalog = await backend.registry.catalog()
        found: Sequence[Definition] = kind.objects(catalog)
        if applied is not None:
            live = {record_key(definition) for definition in kind.objects(catalog.published())}
            found = [each for each in found if (record_key(each) in live) is applied]
        if offline is not None:
            found = [each for each in found if getattr(each, "offline", False) is offline]
        return JSONResponse([shown(each, catalog) for each in found])

    async def get_one(name: Name) -> Response:
        return await _shown(backend, kind, name, None)

    async def get_version(name: Name, version: Version) -> Response:
        return await _shown(backend, kind, name, version)

    router.add_api_route(
        f"/registry/{kind.path}/", get_all, methods=["GET"], dependencies=[allowed],
        name=f"list_{kind.path}", summary=f"Every {kind.title}",
        responses={200: _list_of(kind)},
    )  # fmt: skip
    router.add_api_route(
        f"/registry/{kind.path}/{{name}}", get_one, methods=["GET"], dependencies=[allowed],
        name=f"get_{kind.name}", responses={**one, **_NOT_THERE},
        summary=f"One {kind.title}" + (", in its latest version" if kind.versioned else ""),
    )  # fmt: skip
    if kind.versioned:
        router.add_api_route(
            f"/registry/{kind.path}/{{name}}/versions/{{version}}", get_version, methods=["GET"],
            dependencies=[allowed], name=f"get_{kind.name}_version",
            summary=f"One {kind.title} in one version", responses={**one, **_NOT_THERE},
        )  # fmt: skip


def _add_writes(router: APIRouter, kind: Kind, changes: _Changes, allowed: Any) -> None:
    async def create(request: Request) -> Response:
        definition = from_registry(kind.name, await request.body())
        await changes.check_new(definition)
        written = await changes.make(request, lambda now, _: life_cycle.create(now, definition))
        return _answer(definition, written, _CREATED)

    async def replace_version(request: Request, name: Name, version: Version) -> Response:
        definition = from_registry(kind.name, await request.body())
        _check_path(definition, kind.record(name, version))
        written = await changes.make(request, lambda now, _: life_cycle.replace(now, definition))
        return _answer(definition, written)

    async def replace(request: Request, name: Name) -> Response:
        definition = from_registry(kind.name, await request.body())
        _check_path(definition, kind.record(name))
        written = await changes.make(request, lambda now, _: _replace(now, definition))
        return _answer(definition, written)

    async def delete_version(request: Request, name: Name, version: Version) -> Response:
        return await delete_record(request, kind.record(name, version))

    async def delete(request: Request, name: Name) -> Response:
        return await delete_record(request, kind.record(name))

    async def delete_record(request: Request, record: str) -> Response:
        await changes.make(request, lambda now, stored: life_cycle.delete(now, [record], stored))
        return JSONResponse({"ok": True})

    item = f"/registry/{kind.path}/{{name}}" + ("/versions/{version}" if kind.versioned else "")
    router.add_api_route(
        f"/registry/{kind.path}/", create, methods=["POST"], dependencies=[allowed],
        name=f"create_{kind.name}", summary=f"Store one new {kind.title}; 400 where it exists",
        status_code=_CREATED, openapi_extra=_body_of(kind),
        responses={201: _object_of(kind, "It was stored"), **_EXISTS, **_CONFLICT},
    )  # fmt: skip
    router.add_api_route(
        item, replace_version if kind.versioned else replace, methods=["PUT"],
        dependencies=[allowed], name=f"replace_{kind.name}", openapi_extra=_body_of(kind),
        summary=f"Replace one {kind.title}; 409 where published content would change",
        responses={200: _object_of(kind, "It is stored"), **_NOT_THERE, **_CONFLICT},
    )  # fmt: skip
    router.add_api_route(
        item, delete_version if kind.versioned else delete, methods=["DELETE"],
        dependencies=[allowed], name=f"delete_{kind.name}", response_model=Deleted,
        summary=f"Delete one {kind.title}; 409 where it is published, or something needs it",
        responses={**_NOT_THERE, **_CONFLICT},
    )  # fmt: skip


def _add_engines(router: APIRouter, changes: _Changes, allowed: Any) -> None:
    @router.post(
        "/engines/publish",
        dependencies=[allowed],
        summary="Put stored objects in force, all or none",
        responses={**_NOT_THERE, **_CONFLICT},
    )
    async def publish(request: Request, body: EnginesRequest) -> Published:
        records = body.records()
        if not records:
            return Published(status="nothing to publish")
        written = await changes.make(
            request, lambda now, _: life_cycle.publish_stored(now, records)
        )
        return Published(status="published" if written.changed else "nothing to publish")

    @router.post(
        "/engines/unpublish",
        dependencies=[allowed],
        summary="Take objects out of force; what needs them stops too",
        responses={**_NOT_THERE, **_CONFLICT},
    )
    async def unpublish(request: Request, body: EnginesRequest) -> Unpublished:
        records = body.records()
        if not records:
            return Unpublished(status="nothing to unpublish")
        written = await changes.make(request, lambda now, _: life_cycle.unpublish(now, records))
        status: Literal["unpublished", "nothing to unpublish"] = (
            "unpublished" if written.changed else "nothing to unpublish"
        )
        return Unpublished(status=status, stopped=list(written.stopped))


def _replace(catalog: Catalog, definition: Definition) -> LifeCycleStep:
    before = catalog.by_record.get(record_key(definition))
    if isinstance(definition, EventLog) and before is not None:
        # Put in and out of force by the engines' calls alone; clients do not send which it is.
        state = {"is_published": before.is_published}
        return life_cycle.replace(catalog, definition.model_copy(update=state))
    return life_cycle.replace(catalog, definition)


async def _shown(backend: Backend, kind: Kind, name: str, version: int | None) -> Response:
    catalog = await backend.registry.catalog()
    found = kind.find(catalog, name, version)
    if found is None:
        known = list(catalog.attribute_keys) if kind is ATTRIBUTE_KEYS else []
        records = [*catalog.by_record, *(kind.record(one) for one in known)]
        _, problems = life_cycle.records_named(records, [kind.record(name, version)])
        raise InvalidDefinitionsError(problems)
    return JSONResponse(shown(found, catalog))


def _answer(definition: Definition, written: Written, status: int = 200) -> Response:
    stored = written.catalog.by_record[record_key(definition)]
    told: Json = shown(stored, written.catalog)
    if written.stopped:
        told["stopped"] = list(written.stopped)
    return JSONResponse(told, status)


def _check_path(definition: Definition, record: str) -> None:
    """Refuse an object that is another one than the path names."""
    if record_key(definition) != record:
        place = f"{place_of(definition)} / name"
        message = f"the path names {record}"
        hint = "put the same name and version in path and body"
        raise InvalidDefinitionsError(
            [Problem(ProblemCode.RECORD_KEY, place, record_key(definition), message, hint)]
        )


def _object_of(kind: Kind, description: str) -> dict[str, Any]:
    return {"description": description, "content": _content({"$ref": _reference(kind)})}


def _list_of(kind: Kind) -> dict[str, Any]:
    schema = {"type": "array", "items": {"$ref": _reference(kind)}}
    return {"description": f"Every {kind.title}", "content": _content(schema)}


def _body_of(kind: Kind) -> dict[str, Any]:
    content = _content({"$ref": _reference(kind)})
    return {"requestBody": {"required": True, "content": content}}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _reference(kind: Kind) -> str:
    return f"#/components/schemas/registry.{kind.name}"

"""The registry: definitions created, replaced, listed, deleted, and put in and out of force.

Paths, slashes and statuses are those of the official SDK, which publishes with POST and, if that
answers 400 because the object exists, with PUT. A change is answered once it is committed and all
workers that answer in time use it, so a request to any of them sees the change.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from definitions import life_cycle
from definitions.catalog import Catalog
from definitions.event_logs import EventLog
from definitions.life_cycle import LifeCycleStep
from definitions.limits import VERSION_MAX
from definitions.model import AtMost
from definitions.objects import Definition, place_of, record_key
from definitions.problems import Problem, ProblemCode
from definitions.records import from_registry
from processor.api.backend import Backend, Reach, Written
from processor.api.http.failures import RegistryFailure, failures
from processor.api.http.forwarding import Forwarder
from processor.api.http.guarded_routes import guarded_router
from processor.api.http.known_fields import KnownFields
from processor.api.http.large_answers import LargeAnswer, json_bytes
from processor.api.http.side_thread import SideThread
from processor.api.http.tokens import Tokens
from processor.api.registry.registry_objects import ATTRIBUTE_KEYS, KINDS, Json, Kind, shown
from processor.errors import InvalidDefinitionsError, ProcessorError
from processor.limits import INTEGER_MAX
from processor.request_limits import DEFINITIONS_SPREAD_S, REQUEST_OBJECTS_MAX

log = structlog.get_logger(__name__)

_CREATED = 201
_FAILURES = failures(401, 403, 408, 413, 415, 422, 503, model=RegistryFailure)
_NOT_THERE = failures(404, model=RegistryFailure)
_CONFLICT = failures(409, model=RegistryFailure)
_EXISTS = failures(400, model=RegistryFailure)

Name = Annotated[str, Path(description="name of the object")]
Version = Annotated[int, Path(ge=0, le=VERSION_MAX, description="version of the object")]
Applied = Annotated[
    bool | None, Query(description="only objects that are in force, or only those that are not")
]


class NameReference(BaseModel):
    """An object by its name."""

    name: str


class VersionReference(BaseModel):
    """An object by its name and version."""

    name: str
    version: int


Names = Annotated[list[NameReference], AtMost(REQUEST_OBJECTS_MAX)]
NamesWithVersions = Annotated[list[VersionReference], AtMost(REQUEST_OBJECTS_MAX)]


class EnginesRequest(KnownFields):
    """Objects to put in or out of force."""

    attribute_keys: Names | None = None
    attribute_groups: NamesWithVersions | None = None
    services: Names | None = None
    interventions: NamesWithVersions | None = None
    event_logs: Names | None = None
    agentic_decisions: Names | None = None

    def records(self) -> list[str]:
        """Return the record keys of the objects; for a kind that is not stored, an unknown key."""
        found: list[str] = []
        for kind in KINDS:
            named = getattr(self, kind.path) or ()
            found += [kind.record(one.name, getattr(one, "version", None)) for one in named]
        return found + [f"agentic_decision/{one.name}" for one in self.agentic_decisions or ()]


class Published(BaseModel):
    """What was done."""

    status: Literal["published", "nothing to publish"]


class Unpublished(BaseModel):
    """What was done; `stopped` names other objects that are no longer in force as a result."""

    status: Literal["unpublished", "nothing to unpublish"]
    stopped: list[str] = []


class Progress(BaseModel):
    """The offset in the definitions topic up to which a worker uses them."""

    offset: int


class Deleted(BaseModel):
    """The object was deleted."""

    ok: bool


def registry_router(
    backend: Backend, forwarder: Forwarder, tokens: Tokens, beside: SideThread
) -> APIRouter:
    """Return the routes of the registry. Definitions are parsed and written `beside` the loop."""
    router = guarded_router(
        tokens.hosts,
        definitions=True,
        prefix="/api/v1",
        tags=["registry"],
        responses=_FAILURES,
    )
    changes = _Changes(backend, forwarder, beside)
    read, write = tokens.requires("read"), tokens.requires("write")
    for kind in KINDS:
        _add_reads(router, kind, _Reads(backend, beside), read)
        _add_writes(router, kind, changes, write)
    _add_engines(router, changes, write)
    return router


def definitions_router(backend: Reach, tokens: Tokens) -> APIRouter:
    """Return the route by which workers wait for each other after a change."""
    allowed = tokens.requires("read", "write", "push", workers=True)
    router = guarded_router(tokens.hosts, needs=[allowed], prefix="/api/v1", tags=["registry"])

    @router.get(
        "/definitions",
        summary="Wait until this worker uses the definitions up to an offset of their topic",
        responses=failures(401, 403, 422, 503),
    )
    async def used(offset: Annotated[int, Query(ge=-1, le=INTEGER_MAX)]) -> Progress:
        return Progress(offset=await backend.reach(offset))

    return router


class _Changes:
    """Changes definitions, and waits until the other workers use them."""

    def __init__(self, backend: Backend, forwarder: Forwarder, beside: SideThread) -> None:
        self._backend = backend
        self._forwarder = forwarder
        self._beside = beside

    async def read(self, kind: Kind, request: Request) -> Definition:
        """Return the definition in the body of a request.

        Raises:
            RecordError: it does not have the form of a definition.
        """
        return await self._beside.run(from_registry, kind.name, await request.body())

    async def check_new(self, definition: Definition) -> None:
        """Refuse an existing object without the lock: each publication of the SDK begins so."""
        catalog = await self._backend.registry.catalog()
        if record_key(definition) in catalog.by_record:
            raise InvalidDefinitionsError(life_cycle.create(catalog, definition).problems)

    async def answer(self, definition: Definition, written: Written, status: int = 200) -> Response:
        """Return the answer to a change: the object as it is now stored."""
        return await self._beside.run(_answer, definition, written, status)

    async def make(self, step: Callable[[Catalog, Collection[str]], LifeCycleStep]) -> Written:
        written = await self._backend.registry.change(step)
        others = list(await self._backend.users_of_definitions())
        beside, *told = await asyncio.gather(
            self._backend.beside_uses(written.offset, DEFINITIONS_SPREAD_S),
            *(self._tell(url, written.offset) for url in others),
        )
        behind = [url for url, reached in zip(others, told, strict=True) if not reached]
        behind += [] if beside else ["the source process of this worker"]
        if behind:
            log.warning("definitions_not_used_everywhere_yet", offset=written.offset, by=behind)
        return written

    async def _tell(self, url: str, offset: int) -> bool:
        try:
            await self._forwarder.reach(url, offset, timeout_s=DEFINITIONS_SPREAD_S)
        except ProcessorError:
            return False
        return True


class _Reads:
    """Definitions as JSON."""

    def __init__(self, backend: Backend, beside: SideThread) -> None:
        self._backend = backend
        self._beside = beside

    async def all(self, kind: Kind, chosen: Callable[[Definition, bool], bool]) -> Response:
        """Return the objects of a kind, or only those that are, or are not, in force."""
        catalog = await self._backend.registry.catalog()
        return await self._beside.run(_listed, kind, catalog, chosen)

    async def one(self, kind: Kind, name: str, version: int | None = None) -> Response:
        """Return one.

        Raises:
            InvalidDefinitionsError: no object has that name and version.
        """
        catalog = await self._backend.registry.catalog()
        return await self._beside.run(_shown, kind, catalog, name, version)


def _add_reads(router: APIRouter, kind: Kind, reads: _Reads, allowed: Any) -> None:
    one: dict[int | str, dict[str, Any]] = {200: _object_of(kind, f"The {kind.title}")}

    async def get_all(applied: Applied = None, offline: bool | None = None) -> Response:
        return await reads.all(
            kind,
            lambda each, live: (
                applied in {None, live} and offline in {None, getattr(each, "offline", False)}
            ),
        )

    async def get_one(name: Name) -> Response:
        return await reads.one(kind, name)

    async def get_version(name: Name, version: Version) -> Response:
        return await reads.one(kind, name, version)

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
        definition = await changes.read(kind, request)
        await changes.check_new(definition)
        written = await changes.make(lambda now, _: life_cycle.create(now, definition))
        return await changes.answer(definition, written, _CREATED)

    async def replace_version(request: Request, name: Name, version: Version) -> Response:
        definition = await changes.read(kind, request)
        _check_path(definition, kind.record(name, version))
        written = await changes.make(lambda now, _: life_cycle.replace(now, definition))
        return await changes.answer(definition, written)

    async def replace(request: Request, name: Name) -> Response:
        definition = await changes.read(kind, request)
        _check_path(definition, kind.record(name))
        written = await changes.make(lambda now, _: _replace(now, definition))
        return await changes.answer(definition, written)

    async def delete_version(request: Request, name: Name, version: Version) -> Response:
        return await delete_record(request, kind.record(name, version))

    async def delete(request: Request, name: Name) -> Response:
        return await delete_record(request, kind.record(name))

    async def delete_record(request: Request, record: str) -> Response:
        await changes.make(lambda now, stored: life_cycle.delete(now, [record], stored))
        return JSONResponse({"ok": True})

    item = f"/registry/{kind.path}/{{name}}" + ("/versions/{version}" if kind.versioned else "")
    router.add_api_route(
        f"/registry/{kind.path}/", create, methods=["POST"], dependencies=[allowed],
        name=f"create_{kind.name}", summary=f"Store one new {kind.title}; 400 if it exists",
        status_code=_CREATED, openapi_extra=_body_of(kind),
        responses={201: _object_of(kind, "It was stored"), **_EXISTS, **_CONFLICT},
    )  # fmt: skip
    router.add_api_route(
        item, replace_version if kind.versioned else replace, methods=["PUT"],
        dependencies=[allowed], name=f"replace_{kind.name}", openapi_extra=_body_of(kind),
        summary=f"Replace one {kind.title}; 409 if published content would change",
        responses={200: _object_of(kind, "It is stored"), **_NOT_THERE, **_CONFLICT},
    )  # fmt: skip
    router.add_api_route(
        item, delete_version if kind.versioned else delete, methods=["DELETE"],
        dependencies=[allowed], name=f"delete_{kind.name}", response_model=Deleted,
        summary=f"Delete one {kind.title}; 409 if it is published, or something depends on it",
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
        written = await changes.make(lambda now, _: life_cycle.publish_stored(now, records))
        return Published(status="published" if written.changed else "nothing to publish")

    @router.post(
        "/engines/unpublish",
        dependencies=[allowed],
        summary="Take objects out of force; their dependents stop, too",
        responses={**_NOT_THERE, **_CONFLICT},
    )
    async def unpublish(request: Request, body: EnginesRequest) -> Unpublished:
        records = body.records()
        if not records:
            return Unpublished(status="nothing to unpublish")
        written = await changes.make(lambda now, _: life_cycle.unpublish(now, records))
        status: Literal["unpublished", "nothing to unpublish"] = (
            "unpublished" if written.changed else "nothing to unpublish"
        )
        return Unpublished(status=status, stopped=list(written.stopped))


def _replace(catalog: Catalog, definition: Definition) -> LifeCycleStep:
    before = catalog.by_record.get(record_key(definition))
    if isinstance(definition, EventLog) and before is not None:
        # Only the engines' calls put objects in and out of force; clients do not send this field.
        state = {"is_published": before.is_published}
        return life_cycle.replace(catalog, definition.model_copy(update=state))
    return life_cycle.replace(catalog, definition)


def _listed(kind: Kind, catalog: Catalog, chosen: Callable[[Definition, bool], bool]) -> Response:
    live = {record_key(definition) for definition in kind.objects(catalog.published())}
    found = [one for one in kind.objects(catalog) if chosen(one, record_key(one) in live)]
    return LargeAnswer([b"[", b",".join(json_bytes(shown(one, catalog)) for one in found), b"]"])


def _shown(kind: Kind, catalog: Catalog, name: str, version: int | None) -> Response:
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
    """Refuse an object that is not the one that the path names."""
    if record_key(definition) != record:
        place = f"{place_of(definition)} / name"
        message = f"the path names {record}"
        hint = "use the same name and version in path and body"
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

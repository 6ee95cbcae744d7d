"""What a client is told when a request fails; never a stack trace.

The registry tells mistakes as FastAPI does, `{"detail": [{"loc": …, "msg": …, "type": …}]}`, all of
them at once; everything else is `{"error": "…"}`. So the official clients expect it.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from definitions.problems import Problem, ProblemCode
from definitions.records import RecordError
from processor.errors import (
    BrokerError,
    ConflictError,
    DefinitionError,
    ForwardError,
    InvalidDefinitionsError,
    NotReadyError,
    ProcessorError,
    UsageError,
)

log = structlog.get_logger(__name__)

REGISTRY_PATHS: Final = ("/api/v1/registry/", "/api/v1/engines/", "/api/v1/testing/")
# The first class that fits gives the status; others are ours to answer for: 500.
_STATUS: tuple[tuple[type[ProcessorError], int], ...] = (
    (NotReadyError, 503),
    (BrokerError, 503),
    (ConflictError, 409),
    (DefinitionError, 404),
    (UsageError, 422),
    (ForwardError, 502),
)
_INTERNAL = 500
_UNAVAILABLE = 503
_BAD_REQUEST = 400
_NOT_FOUND = 404
_CONFLICT = 409
_UNPROCESSABLE = 422
# What is right by itself and does not go with what is there.
_CONFLICTS: Final = frozenset(
    {
        ProblemCode.PUBLISHED_CONTENT,
        ProblemCode.KEY_IN_USE,
        ProblemCode.PUBLISHED,
        ProblemCode.IN_USE,
    }
)
# A client that was told "not now" comes back after this.
_RETRY_AFTER_S = "1"
# A body without the content type of JSON is text to the framework.
_NOT_JSON = frozenset({"model_attributes_type", "json_invalid"})
# Mistakes of one request that its answer lists.
_MISTAKES_MAX = 10
# What the framework says in a word or two.
_TEXTS: Final[Mapping[int, str]] = {
    404: "nothing is at this path - /docs lists what there is",
    405: "this path does not take that method - /docs lists what there is",
}


class Failure(BaseModel):
    """Why a request failed, and what to do."""

    error: str


class Mistake(BaseModel):
    """One mistake: where it is, what is wrong and what to do, and a stable word for it."""

    loc: list[str | int]
    msg: str
    type: str


class RegistryFailure(BaseModel):
    """Everything that is wrong with a request to the registry."""

    detail: list[Mistake]


def failures(
    *statuses: int, model: type[BaseModel] = Failure
) -> dict[int | str, dict[str, Any]]:  # as FastAPI takes them
    """Return the answers that a route documents for these statuses."""
    return {status: {"model": model} for status in statuses}


class _FailureResponse(JSONResponse):
    """Tells also what no encoding can carry, such as half of a character in a name."""

    def render(self, content: Any) -> bytes:  # JSON values
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def refusal(
    path: str, status: int, mistakes: Sequence[Mistake], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer in the form that clients of the path expect."""
    if path.startswith(REGISTRY_PATHS):
        detail = [mistake.model_dump() for mistake in mistakes]
        return _FailureResponse({"detail": detail}, status, headers)
    told = [mistake.msg for mistake in mistakes[:_MISTAKES_MAX]]
    more = len(mistakes) - len(told)
    text = "; ".join([*told, f"and {more} more"] if more else told)
    return _FailureResponse({"error": text}, status, headers)


def answer_failures(api: FastAPI) -> None:
    """Answer every failure of a request in one form."""
    api.exception_handler(InvalidDefinitionsError)(_answer_definitions)
    api.exception_handler(RecordError)(_answer_record)
    api.exception_handler(ProcessorError)(_answer_processor_error)
    api.exception_handler(RequestValidationError)(_answer_invalid)
    api.exception_handler(HTTPException)(_answer_http)
    api.exception_handler(ClientDisconnect)(_answer_nobody)
    api.exception_handler(Exception)(_answer_unexpected)


async def _answer_definitions(request: Request, error: InvalidDefinitionsError) -> JSONResponse:
    codes = {problem.code for problem in error.problems}
    if ProblemCode.EXISTS in codes:
        status = _BAD_REQUEST
    elif ProblemCode.UNKNOWN_OBJECT in codes:
        status = _NOT_FOUND
    else:
        status = _CONFLICT if codes <= _CONFLICTS else _UNPROCESSABLE
    return refusal(request.url.path, status, [_mistake(problem) for problem in error.problems])


async def _answer_record(request: Request, error: RecordError) -> JSONResponse:
    mistakes = [_mistake(problem) for problem in error.problems]
    return refusal(request.url.path, _UNPROCESSABLE, mistakes)


def _mistake(problem: Problem) -> Mistake:
    parts = problem.place.split(" / ")[1:]
    return Mistake(loc=["body", *parts], msg=str(problem), type=problem.code)


async def _answer_processor_error(request: Request, error: ProcessorError) -> JSONResponse:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), _INTERNAL)
    if status == _INTERNAL:
        log.error("request_failed", path=request.url.path, code=error.code, error=str(error))
    headers = {"Retry-After": _RETRY_AFTER_S} if status == _UNAVAILABLE else None
    mistake = Mistake(loc=["server"], msg=str(error), type=error.code)
    return refusal(request.url.path, status, [mistake], headers)


async def _answer_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    mistakes = [mistake for one in error.errors() for mistake in _mistakes(one)]
    return refusal(request.url.path, _UNPROCESSABLE, mistakes)


def _mistakes(error: Mapping[str, Any]) -> list[Mistake]:  # as pydantic tells them
    """Return what is wrong at one place of a request; of a definition there, everything."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, RecordError):
        return [_mistake(problem) for problem in cause.problems]
    place = ".".join(str(part) for part in error["loc"])
    text = f"{place}: {error['msg']}{_remedy(error['type'])}"
    return [Mistake(loc=list(error["loc"]), msg=text, type=error["type"])]


def _remedy(kind: str) -> str:
    """Return what to do where the framework's message leaves it open."""
    return " - send JSON with Content-Type: application/json" if kind in _NOT_JSON else ""


async def _answer_http(request: Request, error: HTTPException) -> JSONResponse:
    status = error.status_code
    text = str(error.detail)
    if text == HTTPStatus(status).phrase:
        text = _nearly(request) or _TEXTS.get(status, text)
    mistake = Mistake(loc=["request"], msg=text, type=HTTPStatus(status).name.lower())
    return refusal(request.url.path, status, [mistake], dict(error.headers or {}))


def _nearly(request: Request) -> str:
    """Return what to do where the path is one of ours but for the slash at its end."""
    path: str = request.scope["path"]
    other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
    scope = {**request.scope, "path": other}
    if all(route.matches(scope)[0] is Match.NONE for route in request.app.routes):
        return ""
    return f"nothing is at this path - it is {other}"


async def _answer_nobody(request: Request, _: ClientDisconnect) -> JSONResponse:
    mistake = Mistake(loc=["body"], msg="the body ended early - send it whole", type="disconnected")
    return refusal(request.url.path, _BAD_REQUEST, [mistake])


async def _answer_unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    text = "the worker failed on this request; its log says why"
    return refusal(
        request.url.path, _INTERNAL, [Mistake(loc=["server"], msg=text, type="unexpected")]
    )

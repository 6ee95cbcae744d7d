"""The answer to a request that fails; never a stack trace.

The registry reports all mistakes at once, in FastAPI's form:
`{"detail": [{"loc": …, "msg": …, "type": …}]}`. All other answers are `{"error": "…"}`. The
official clients expect these forms.
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
    ClosedError,
    ConflictError,
    DefinitionError,
    ForwardError,
    InvalidDefinitionsError,
    NotReadyError,
    ProcessorError,
    UsageError,
)
from processor.request_limits import MISTAKES_MAX

log = structlog.get_logger(__name__)

# Of an answer that a worker cannot give before somebody has acted.
CLOSED_HEADER: Final = "X-Processor-Closed"
REGISTRY_PATHS: Final = ("/api/v1/registry/", "/api/v1/engines/", "/api/v1/testing/")
# The first class that matches gives the status; any other error is our fault: 500.
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
# Valid by itself, but in conflict with existing definitions.
_CONFLICTS: Final = frozenset(
    {
        ProblemCode.PUBLISHED_CONTENT,
        ProblemCode.KEY_IN_USE,
        ProblemCode.PUBLISHED,
        ProblemCode.IN_USE,
    }
)
# A client that gets 503 tries again after this.
_RETRY_AFTER_S = "1"
# What to do where the framework's message does not say it. The content type was checked before.
_REMEDIES: Final[Mapping[str, str]] = {
    "json_invalid": " - correct the JSON",
    "model_attributes_type": " - send a JSON object",
}
# Mistakes that fit one line, and characters of one part of a place.
_LINE_MISTAKES_MAX = 10
_PART_CHARS_MAX = 128
# Our text for the framework's short messages.
_TEXTS: Final[Mapping[int, str]] = {
    404: "nothing exists at this path - /docs lists all paths",
    405: "this path does not support that method - /docs lists the methods",
}


class Failure(BaseModel):
    """Why a request failed, and what to do."""

    error: str


class Mistake(BaseModel):
    """One mistake: its place, the message with the remedy, and a stable word for its type."""

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
    """An answer that replaces what cannot be encoded, such as half of a character in a name."""

    def render(self, content: Any) -> bytes:  # JSON values
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def refusal(
    path: str, status: int, mistakes: Sequence[Mistake], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer in the form that clients of this path expect."""
    if path.startswith(REGISTRY_PATHS):
        shown = mistakes if len(mistakes) <= MISTAKES_MAX else mistakes[: MISTAKES_MAX - 1]
        detail = [mistake.model_dump() for mistake in shown]
        if more := len(mistakes) - len(shown):
            text = f"and {more} more mistakes - correct these first"
            detail.append(Mistake(loc=["body"], msg=text, type="more").model_dump())
        return _FailureResponse({"detail": detail}, status, headers)
    told = [mistake.msg for mistake in mistakes[:_LINE_MISTAKES_MAX]]
    more = len(mistakes) - len(told)
    text = "; ".join([*told, f"and {more} more"] if more else told)
    return _FailureResponse({"error": text}, status, headers)


def answer_failures(api: FastAPI) -> None:
    """Answer every failure of a request in the same form."""
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
    headers = {"Retry-After": _RETRY_AFTER_S} if status == _UNAVAILABLE else {}
    if isinstance(error, ClosedError):
        headers[CLOSED_HEADER] = "1"
    mistake = Mistake(loc=["server"], msg=str(error), type=error.code)
    return refusal(request.url.path, status, [mistake], headers)


async def _answer_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    mistakes = [mistake for one in error.errors() for mistake in _mistakes(one)]
    return refusal(request.url.path, _UNPROCESSABLE, mistakes)


def _mistakes(error: Mapping[str, Any]) -> list[Mistake]:  # pydantic's form
    """Return the mistakes at one place of a request; for a definition there, all of them."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, RecordError):
        return [_mistake(problem) for problem in cause.problems]
    parts = [part if isinstance(part, int) else part[:_PART_CHARS_MAX] for part in error["loc"]]
    place = ".".join(map(str, parts))
    what = error["msg"].removeprefix("Value error, ")
    if isinstance(cause, str):  # what the decoder of JSON says
        what = f"{what}: {cause}"
    text = f"{place}: {what}{_REMEDIES.get(error['type'], '')}"
    return [Mistake(loc=parts, msg=text, type=error["type"])]


async def _answer_http(request: Request, error: HTTPException) -> JSONResponse:
    status = error.status_code
    text = str(error.detail)
    if text == HTTPStatus(status).phrase:
        text = _nearly(request) or _TEXTS.get(status, text)
    mistake = Mistake(loc=["request"], msg=text, type=HTTPStatus(status).name.lower())
    return refusal(request.url.path, status, [mistake], dict(error.headers or {}))


def _nearly(request: Request) -> str:
    """Return the remedy if the path exists, except for a slash at its end."""
    path: str = request.scope["path"]
    other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
    scope = {**request.scope, "path": other}
    if all(route.matches(scope)[0] is Match.NONE for route in request.app.routes):
        return ""
    return f"nothing exists at this path - use {other}"


async def _answer_nobody(request: Request, _: ClientDisconnect) -> JSONResponse:
    mistake = Mistake(loc=["body"], msg="the body ended early - send it whole", type="disconnected")
    return refusal(request.url.path, _BAD_REQUEST, [mistake])


async def _answer_unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    text = "the worker failed on this request; its log states why"
    return refusal(
        request.url.path, _INTERNAL, [Mistake(loc=["server"], msg=text, type="unexpected")]
    )

"""What a client is told when a request fails: `{"error": "…"}`, never a stack trace."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from processor.errors import (
    DefinitionError,
    ForwardError,
    NotReadyError,
    ProcessorError,
    UsageError,
)

log = structlog.get_logger(__name__)

# The first class that fits gives the status; others are ours to answer for: 500.
_STATUS: tuple[tuple[type[ProcessorError], int], ...] = (
    (NotReadyError, 503),
    (DefinitionError, 404),
    (UsageError, 422),
    (ForwardError, 502),
)
_INTERNAL = 500
# A client that was told "not now" comes back after this.
_RETRY_AFTER_S = "1"
# Mistakes of one request that its answer lists.
_MISTAKES_MAX = 10


def answer_failures(api: FastAPI) -> None:
    """Answer every failure of a request in one form."""
    api.exception_handler(ProcessorError)(_answer_processor_error)
    api.exception_handler(RequestValidationError)(_answer_invalid)
    api.exception_handler(HTTPException)(_answer_http)
    api.exception_handler(Exception)(_answer_unexpected)


def _failure(status: int, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": text}, status, headers)


async def _answer_processor_error(request: Request, error: ProcessorError) -> JSONResponse:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), _INTERNAL)
    if status == _INTERNAL:
        log.error("request_failed", path=request.url.path, code=error.code, error=str(error))
    headers = {"Retry-After": _RETRY_AFTER_S} if isinstance(error, NotReadyError) else None
    return _failure(status, str(error), headers)


async def _answer_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    mistakes = error.errors()
    told = [
        f"{'.'.join(str(part) for part in mistake['loc'])}: {mistake['msg']}"
        for mistake in mistakes[:_MISTAKES_MAX]
    ]
    more = len(mistakes) - len(told)
    return _failure(422, "; ".join([*told, f"and {more} more"] if more else told))


async def _answer_http(_: Request, error: HTTPException) -> JSONResponse:
    return _failure(error.status_code, str(error.detail), dict(error.headers or {}))


async def _answer_unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return _failure(_INTERNAL, "the worker failed on this request; its log says why")

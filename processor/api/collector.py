"""Events from trackers over HTTP, answered as Snowplow's collector answers. Open to everyone.

A request is answered when Kafka has its events. Which origins may send is not limited: pages on any
of them do, with the collector's cookie. That cookie tells visitors apart where trackers do not.
"""

import uuid
from typing import Final, Protocol
from urllib.parse import unquote

import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from processor.clock import wall_ms
from processor.collector import Arrival, Collected, collect_body, collect_query, refused_request
from processor.errors import NotReadyError, TrackerProtocolError
from processor.limits import COLLECTOR_HEADER_BYTES_MAX, COLLECTOR_QUERY_BYTES_MAX

log = structlog.get_logger(__name__)

# The smallest transparent GIF.
PIXEL: Final = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b"
)
_COOKIE: Final = "sp"
_COOKIE_S: Final = 365 * 86_400
# Whoever asks for it in this header is given no cookie and leaves no address.
_ANONYMOUS_HEADER: Final = "sp-anonymous"
_ANONYMOUS_USERID: Final = "00000000-0000-0000-0000-000000000000"
_UNKNOWN_ADDRESS: Final = "unknown"
_PREFLIGHT_S: Final = 86_400
_TRACKER: Final = "com.snowplowanalytics.snowplow"
# How paths of the API begin: what misses one of them comes from no tracker.
_API_PARTS: Final = frozenset({"api", "health"})
_BAD_REQUEST, _NOT_FOUND, _URI_TOO_LONG, _HEADERS_TOO_LARGE, _UNAVAILABLE = 400, 404, 414, 431, 503
# What the log tells of the events that were refused in one request.
_TOLD_MAX = 3


class EventSink(Protocol):
    """Where events and refused ones go."""

    async def write(self, collected: Collected, received_ms: int) -> None:
        """Return when Kafka has all of it.

        Raises:
            NotReadyError: it does not; the tracker tries again.
        """
        ...


def collector_router(sink: EventSink) -> APIRouter:
    """Return the routes that trackers use. They match many paths: they come after all others."""
    log.warning("collector_is_open", hint="for development: whoever reaches it can send events")
    router = APIRouter(tags=["collector"], include_in_schema=False)

    async def pixel(request: Request) -> Response:
        return await _answer(request, sink, with_body=False)

    async def post(request: Request) -> Response:
        if request.path_params["vendor"] in _API_PARTS:
            raise HTTPException(_NOT_FOUND)
        return await _answer(request, sink, with_body=True)

    async def preflight(request: Request) -> Response:
        allowed = {
            "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
            "Access-Control-Allow-Headers": "Content-Type, SP-Anonymous",
            "Access-Control-Max-Age": str(_PREFLIGHT_S),
        }
        return Response(headers={**_cors(request), **allowed})

    for path in ("/i", f"/{_TRACKER}/tp1", f"/{_TRACKER}/tp2"):
        router.add_api_route(path, pixel, methods=["GET", "HEAD"], response_model=None)
    # Trackers can be given a path of one's own in place of the usual one: any two parts.
    router.add_api_route("/{vendor}/{version}", post, methods=["POST"], response_model=None)
    for path in ("/i", "/{vendor}/{version}"):
        router.add_api_route(path, preflight, methods=["OPTIONS"], response_model=None)
    return router


async def _answer(request: Request, sink: EventSink, *, with_body: bool) -> Response:
    headers = _cors(request)
    if refusal := _oversized(request):
        return JSONResponse({"error": refusal[1]}, refusal[0], headers)
    arrival = _arrival(request)
    mistake = ""
    query = request.url.query
    if with_body:
        body = await request.body()
        kind = request.headers.get("content-type", "")
        try:
            collected = collect_body(body, kind, query, arrival)
        except TrackerProtocolError as error:
            mistake = str(error)
            collected = refused_request(body, error)
    else:
        collected = collect_query(query, arrival)
    _tell(collected)
    try:
        await sink.write(collected, arrival.received_ms)
    except NotReadyError as error:
        log.warning("events_not_taken", error=str(error))
        return JSONResponse({"error": str(error)}, _UNAVAILABLE, {**headers, "Retry-After": "1"})
    response: Response
    if mistake:
        response = JSONResponse({"error": mistake}, _BAD_REQUEST, headers)
    elif with_body:
        response = PlainTextResponse("ok", headers=headers)
    else:
        fresh = {"Cache-Control": "no-cache, no-store, must-revalidate"}
        response = Response(PIXEL, media_type="image/gif", headers={**headers, **fresh})
    _set_cookie(request, response, arrival.network_userid)
    return response


def _cors(request: Request) -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": request.headers.get("origin", "*"),
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
    }


def _oversized(request: Request) -> tuple[int, str] | None:
    if len(request.scope["query_string"]) > COLLECTOR_QUERY_BYTES_MAX:
        hint = "send events by POST"
        return _URI_TOO_LONG, f"the query is over {COLLECTOR_QUERY_BYTES_MAX} bytes - {hint}"
    if sum(len(name) + len(value) for name, value in request.headers.raw) > (
        COLLECTOR_HEADER_BYTES_MAX
    ):
        return _HEADERS_TOO_LARGE, f"the headers are over {COLLECTOR_HEADER_BYTES_MAX} bytes"
    return None


def _arrival(request: Request) -> Arrival:
    headers = request.headers
    anonymous = _ANONYMOUS_HEADER in headers
    return Arrival(
        received_ms=wall_ms(),
        new_event_id=_new_uuid,
        ip_address=_UNKNOWN_ADDRESS if anonymous else _ip_address(request),
        useragent=headers.get("user-agent", ""),
        page_url=headers.get("referer", ""),
        network_userid=_ANONYMOUS_USERID if anonymous else _network_userid(request),
    )


def _ip_address(request: Request) -> str:
    forwarded = request.headers.get("x-forwarded-for", "").partition(",")[0].strip()
    return forwarded or (request.client.host if request.client else "")


def _network_userid(request: Request) -> str:
    """Return the visitor of the cookie; a new one where there is none or it is not ours."""
    try:
        return str(uuid.UUID(unquote(request.cookies.get(_COOKIE, ""))))
    except ValueError:
        return _new_uuid()


def _set_cookie(request: Request, response: Response, network_userid: str) -> None:
    if network_userid == _ANONYMOUS_USERID:
        return
    # Browsers send a cookie to another site only when it is for secure connections.
    secure = request.url.scheme == "https"
    response.set_cookie(
        _COOKIE,
        network_userid,
        max_age=_COOKIE_S,
        path="/",
        secure=secure,
        httponly=True,
        samesite="none" if secure else "lax",
    )


def _new_uuid() -> str:
    return str(uuid.uuid4())


def _tell(collected: Collected) -> None:
    if collected.refused:
        told = [f"{one.reason.value}: {one.detail}" for one in collected.refused[:_TOLD_MAX]]
        log.warning("events_refused", count=len(collected.refused), why=told)

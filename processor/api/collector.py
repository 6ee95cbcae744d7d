"""Events from trackers over HTTP, answered like Snowplow's collector. Open to everyone.

A request is answered when Kafka has its events. Pages of any origin may send events, with the
collector's cookie. That cookie distinguishes visitors if the tracker sends no id.
"""

import uuid
from typing import Final, Protocol
from urllib.parse import unquote

import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from processor.api.http.client_addresses import ClientAddresses
from processor.api.http.side_thread import SideThread
from processor.clock import wall_ms
from processor.collector import (
    Arrival,
    Collected,
    collect_body,
    collect_query,
    decompressed,
    refused_request,
)
from processor.errors import NotAuthorizedError, NotReadyError, TrackerProtocolError
from processor.events.compression import compression_of
from processor.limits import (
    COLLECTED_ASIDE_BYTES,
    COLLECTOR_HEADER_BYTES_MAX,
    COLLECTOR_QUERY_BYTES_MAX,
)

log = structlog.get_logger(__name__)

# The smallest transparent GIF.
PIXEL: Final = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b"
)
_COOKIE: Final = "sp"
_COOKIE_S: Final = 365 * 86_400
# A client that sends this header gets no cookie, and its address is not stored.
_ANONYMOUS_HEADER: Final = "sp-anonymous"
_ANONYMOUS_USERID: Final = "00000000-0000-0000-0000-000000000000"
_UNKNOWN_ADDRESS: Final = "unknown"
_PREFLIGHT_S: Final = 86_400
_TRACKER: Final = "com.snowplowanalytics.snowplow"
# The beginnings of the API's paths: an unknown path below one of them is not from a tracker.
_API_PARTS: Final = frozenset({"api", "health"})
_BAD_REQUEST, _NOT_FOUND, _URI_TOO_LONG, _HEADERS_TOO_LARGE, _UNAVAILABLE = 400, 404, 414, 431, 503
_NO_REDIRECTS: Final = (
    "redirects are off: an address that leads to any other one is a gift to phishers - link to the "
    "page itself"
)
# What the log tells of the events that were refused in one request.
_TOLD_MAX = 3


class EventSink(Protocol):
    """The sink of events and refused events."""

    async def write(self, collected: Collected, received_ms: int) -> None:
        """Return when Kafka has acknowledged everything.

        Raises:
            NotReadyError: it has not; the tracker tries again.
            NotAuthorizedError: it has not, and will not before somebody has acted.
        """
        ...


def collector_router(sink: EventSink, addresses: ClientAddresses, beside: SideThread) -> APIRouter:
    """Return the routes that trackers use. They match many paths, so they must be the last ones.

    Args:
        sink: receives the events.
        addresses: finds the address that becomes `user_ipaddress`.
        beside: the thread that converts large bodies.
    """
    log.warning(
        "collector_is_open", hint="for development only: anyone who can reach it can send events"
    )
    router = APIRouter(tags=["collector"], include_in_schema=False)

    async def pixel(request: Request) -> Response:
        return await _answer(request, sink, addresses, beside, with_body=False)

    async def post(request: Request) -> Response:
        if request.path_params["vendor"] in _API_PARTS:
            raise HTTPException(_NOT_FOUND)
        return await _answer(request, sink, addresses, beside, with_body=True)

    async def preflight(request: Request) -> Response:
        allowed = {
            "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
            "Access-Control-Allow-Headers": "Content-Type, SP-Anonymous",
            "Access-Control-Max-Age": str(_PREFLIGHT_S),
        }
        return Response(headers={**_cors(request), **allowed})

    async def redirect() -> Response:
        raise HTTPException(_NOT_FOUND, _NO_REDIRECTS)

    for path in ("/i", f"/{_TRACKER}/tp1", f"/{_TRACKER}/tp2"):
        router.add_api_route(path, pixel, methods=["GET", "HEAD"], response_model=None)
    router.add_api_route("/r/{version}", redirect, methods=["GET", "HEAD"], response_model=None)
    # Trackers can be configured with a custom path of any two parts.
    router.add_api_route("/{vendor}/{version}", post, methods=["POST"], response_model=None)
    for path in ("/i", "/{vendor}/{version}"):
        router.add_api_route(path, preflight, methods=["OPTIONS"], response_model=None)
    return router


async def _answer(
    request: Request,
    sink: EventSink,
    addresses: ClientAddresses,
    beside: SideThread,
    *,
    with_body: bool,
) -> Response:
    headers = _cors(request)
    if refusal := _oversized(request):
        return JSONResponse({"error": refusal[1]}, refusal[0], headers)
    arrival = _arrival(request, addresses.of(request))
    mistake = ""
    query = request.url.query
    if with_body:
        body = await request.body()
        try:
            body = await _decompressed(beside, body, request.headers.get("content-encoding", ""))
            kind = request.headers.get("content-type", "")
            collected = await _collected(beside, body, kind, query, arrival)
        except TrackerProtocolError as error:
            mistake = str(error)
            collected = refused_request(body, error)
    else:
        collected = collect_query(query, arrival)
    _tell(collected)
    try:
        await sink.write(collected, arrival.received_ms)
    except (NotReadyError, NotAuthorizedError) as error:
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
    _set_cookie(response, arrival.network_userid, secure=addresses.is_https(request))
    return response


async def _decompressed(beside: SideThread, body: bytes, encoding: str) -> bytes:
    """Decompress a body: even a few bytes can take as long as a megabyte."""
    if compression_of(body) is None:
        return decompressed(body, encoding)
    return await beside.run(decompressed, body, encoding)


async def _collected(
    beside: SideThread, body: bytes, kind: str, query: str, arrival: Arrival
) -> Collected:
    """Convert the events of a body; a large one takes a tenth of a second."""
    if len(body) > COLLECTED_ASIDE_BYTES:
        return await beside.run(collect_body, body, kind, query, arrival)
    return collect_body(body, kind, query, arrival)


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


def _arrival(request: Request, address: str) -> Arrival:
    headers = request.headers
    anonymous = _ANONYMOUS_HEADER in headers
    return Arrival(
        received_ms=wall_ms(),
        new_event_id=_new_uuid,
        ip_address=_UNKNOWN_ADDRESS if anonymous else address,
        useragent=headers.get("user-agent", ""),
        page_url=headers.get("referer", ""),
        network_userid=_ANONYMOUS_USERID if anonymous else _network_userid(request),
    )


def _network_userid(request: Request) -> str:
    """Return the visitor in the cookie; a new one if there is no cookie or it is not ours."""
    try:
        return str(uuid.UUID(unquote(request.cookies.get(_COOKIE, ""))))
    except ValueError:
        return _new_uuid()


def _set_cookie(response: Response, network_userid: str, *, secure: bool) -> None:
    if network_userid == _ANONYMOUS_USERID:
        return
    # Browsers send a cookie to another site only if it is limited to secure connections.
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

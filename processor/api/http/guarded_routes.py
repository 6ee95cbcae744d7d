"""The checks that a request must pass before its body is read, and before the body is parsed.

 1. the host name that it requests, and the page that sent it (own_hosts.py)
 2. its token, if the route needs one
 3. its content type: JSON, which no page of another site can send without permission
 4. the body is read, within its own bounds (request_size.py)
 5. the number of values in the body

Only then does the framework parse the body, validate it, and call the route.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from processor.events.json_size import holds_more_values
from processor.request_limits import DEFINITION_VALUES_MAX, REQUEST_JSON_VALUES_MAX

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_UNSUPPORTED, _UNPROCESSABLE = 415, 422
_JSON: Final = "application/json"
_NOT_JSON: Final = "the body must be JSON - send it with Content-Type: application/json"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Need:
    """A dependency that is checked before the body is read; subclasses implement `check`."""

    async def __call__(self) -> None:
        """Do nothing: the guarded route has already checked when FastAPI calls this."""

    def check(self, request: Request) -> None:
        """Refuse the request by raising."""
        raise NotImplementedError


class GuardedRoute(APIRoute):
    """A route of the API."""

    values_max = REQUEST_JSON_VALUES_MAX

    def get_route_handler(self) -> Handler:
        """Return the function that answers a request."""
        answer = super().get_route_handler()
        found: list[Any] = [one.dependency for one in self.dependencies]  # callables, and needs
        checks = [need.check for need in found if isinstance(need, Need)]
        with_body = bool(_WITH_BODY & set(self.methods or ()))

        async def guarded(request: Request) -> Response:
            for check in checks:
                check(request)
            if with_body:
                _check_type(request)
                _check_size(await request.body(), self.values_max)
            return await answer(request)

        return guarded


class GuardedDefinitionRoute(GuardedRoute):
    """A route whose body is a definition, which may be larger than other requests."""

    values_max = DEFINITION_VALUES_MAX


def guarded_router(
    hosts: Need, *, needs: Sequence[Any] = (), definitions: bool = False, **how: Any
) -> APIRouter:
    """Return a router whose routes are guarded.

    Args:
        hosts: the need that every request must meet.
        needs: dependencies of all routes, such as a token.
        definitions: whether the bodies are definitions.
        how: further arguments of FastAPI's router.
    """
    kind = GuardedDefinitionRoute if definitions else GuardedRoute
    return APIRouter(route_class=kind, dependencies=[Depends(hosts), *needs], **how)


def _check_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        raise HTTPException(_UNSUPPORTED, _NOT_JSON)


def _check_size(body: bytes, values_max: int) -> None:
    if holds_more_values(body, values_max):
        message = f"the request has more than {values_max} values - send fewer at once"
        raise HTTPException(_UNPROCESSABLE, message)

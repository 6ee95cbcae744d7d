"""Profiles that another worker owns, fetched from it over HTTP.

Workers trust each other's values and nothing else. Nothing that a client sent to one worker, above
all its token, is passed to another, and only values of another worker's answer reach the client.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import httpx

from processor.aggregates import Result
from processor.api.http.failures import CLOSED_HEADER
from processor.api.http.worker_tokens import READ_AT_HEADER, WorkerTokens
from processor.client_tls import client_tls
from processor.clock import monotonic_s
from processor.errors import ClosedError, ForwardError, NotReadyError
from processor.request_limits import FORWARD_TIMEOUT_S, FORWARDED_BYTES_MAX, FORWARDED_VALUES_MAX
from processor.settings import Settings

PROFILES_PATH = "/api/v1/profiles"
DEFINITIONS_PATH = "/api/v1/definitions"
HEARD_PATH = "/api/v1/interventions/heard"
# A request from another worker is answered here or not at all, so that none goes in circles.
FORWARDED_HEADER = "X-Processor-Forwarded"
_OK = 200
_NOT_READY = 503
_AGAIN = "try again in a moment"
_ALIKE: Final = "give all workers the same version, PROCESSOR_API_TOKENS and PROCESSOR_TOKEN_SECRET"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who sent the request: a client, or another worker (`forwarded`), which waits for us alone."""

    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read: attributes of a key by their full names, at one time."""

    key: str
    names: Sequence[str]
    now_ms: int


class Reading(NamedTuple):
    """What was read of one profile: the values, and `since` for those that are incomplete.

    `since` holds event times in ISO 8601 by full name: the time from which events are counted.
    """

    values: list[Result]
    since: Mapping[str, str]


class Forwarder:
    """One HTTP client for all other workers, made once."""

    def __init__(self, settings: Settings, tokens: WorkerTokens) -> None:
        verify = client_tls(settings)
        self._tokens = tokens
        # Each call as a whole has its own time limit.
        self._client = httpx.AsyncClient(verify=verify, trust_env=False, timeout=None)  # noqa: S113

    async def fetch(
        self, url: str, wanted: Wanted, ids: Sequence[str], *, timeout_s: float
    ) -> dict[str, Reading]:
        """Read each id from that worker, with the values in the order of `wanted.names`.

        Raises:
            NotReadyError: it does not answer in time, or does not own all of them now.
            ForwardError: it refuses, its answer is not understood, or its URL is not allowed.
        """
        deadline = monotonic_s() + min(timeout_s, FORWARD_TIMEOUT_S)
        at_once = max(1, FORWARDED_VALUES_MAX // max(1, len(wanted.names)))
        found: dict[str, Reading] = {}
        for start in range(0, len(ids), at_once):
            left_s = max(0.0, deadline - monotonic_s())
            part = list(ids[start : start + at_once])
            found.update(await self._fetch(url, wanted, part, left_s))
        return found

    async def _fetch(
        self, url: str, wanted: Wanted, ids: list[str], timeout_s: float
    ) -> dict[str, Reading]:
        headers = {FORWARDED_HEADER: "1", READ_AT_HEADER: str(wanted.now_ms)}
        body = {"key": wanted.key, "ids": ids, "attributes": list(wanted.names)}
        status, answer, closed = await self._ask(
            url, "POST", PROFILES_PATH, timeout_s, json=body, headers=headers
        )
        if closed:
            message = f"a fault has closed the partition at the worker {url}"
            raise ClosedError(message, hint=f"{url}/health/ready states the reason and the remedy")
        if status == _NOT_READY:
            message = f"the worker at {url} is not ready"
            raise NotReadyError(message, hint=_AGAIN)
        if status != _OK:
            raise _refused(url, status)
        found = _profiles(url, answer, wanted.names)
        if found.keys() != set(ids):
            message = f"the worker at {url} answered for {len(found)} ids of {len(ids)}"
            raise ForwardError(message, hint="do all workers run the same version?")
        return found

    async def reach(self, url: str, offset: int, *, timeout_s: float) -> None:
        """Wait until the worker at `url` uses the definitions up to an offset.

        Raises:
            NotReadyError: it does not in time. ForwardError: its URL is not allowed.
        """
        query = {"offset": offset}
        status, *_ = await self._ask(url, "GET", DEFINITIONS_PATH, timeout_s, params=query)
        if status != _OK:
            message = f"the worker at {url} answered {status}"
            raise NotReadyError(message, hint=_AGAIN)

    async def is_heard(
        self, url: str, targets: Iterable[tuple[str, str]], *, timeout_s: float
    ) -> bool:
        """Return whether the worker at `url` has a subscriber for any (attribute key, id).

        Raises:
            NotReadyError: it does not answer in time. ForwardError: it refuses, its answer is not
                understood, or its URL is not allowed.
        """
        body: dict[str, list[str]] = {}
        for key, id_ in targets:
            body.setdefault(key, []).append(id_)
        status, answer, _ = await self._ask(
            url, "POST", HEARD_PATH, timeout_s, json={"targets": body}
        )
        if status != _OK:
            raise _refused(url, status)
        try:
            return json.loads(answer)["heard"] is True
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise _something_else(url, "whether somebody follows an id", error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(
        self, url: str, method: str, path: str, timeout_s: float, **request: Any
    ) -> tuple[int, bytes, bool]:
        """Return the status and body of an answer, and whether a fault has closed the partition.

        Redirects are not followed.
        """
        headers = {**request.pop("headers", {}), **self._tokens.headers(url)}
        headers["Accept-Encoding"] = "identity"
        asked = self._client.build_request(method, url + path, headers=headers, **request)
        answer = bytearray()
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._client.send(asked, stream=True)
                async with aclosing(response):
                    async for chunk in response.aiter_raw():
                        answer += chunk
                        if len(answer) > FORWARDED_BYTES_MAX:
                            raise _too_much(url)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            message = f"the worker at {url} does not answer"
            # The text of the error can quote what was sent from there.
            raise NotReadyError(message, detail=type(error).__name__, hint=_AGAIN) from error
        closed = response.status_code == _NOT_READY and CLOSED_HEADER in response.headers
        return response.status_code, bytes(answer), closed


def _profiles(url: str, answer: bytes, names: Sequence[str]) -> dict[str, Reading]:
    try:
        told: Mapping[str, Mapping[str, Any]] = json.loads(answer)
        since = told.get("since", {})
        return {
            id_: Reading([values[name] for name in names], since.get(id_, {}))
            for id_, values in told["profiles"].items()
        }
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _something_else(url, "profiles", error) from error


def _too_much(url: str) -> ForwardError:
    message = f"the answer of the worker at {url} has more than {FORWARDED_BYTES_MAX} bytes"
    return ForwardError(message, hint="ask for fewer ids at once")


def _refused(url: str, status: int) -> ForwardError:
    message = f"the worker at {url} answered {status}"
    return ForwardError(message, hint=_ALIKE)


def _something_else(url: str, wanted: str, error: Exception) -> ForwardError:
    message = f"the worker at {url} answered something else than {wanted}"
    hint = "does each worker have its own PROCESSOR_ADVERTISED_URL?"
    return ForwardError(message, detail=type(error).__name__, hint=hint)

"""Profiles that another worker owns, fetched from it over HTTP."""

import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx

from processor.aggregates import Result
from processor.errors import ForwardError, NotReadyError
from processor.limits import DETAIL_CHARS_MAX, FORWARD_TIMEOUT_S
from processor.settings import Settings

PROFILES_PATH = "/api/v1/profiles"
DEFINITIONS_PATH = "/api/v1/definitions"
HEARD_PATH = "/api/v1/interventions/heard"
# A request that another worker sent is answered here or not at all: none goes in circles.
FORWARDED_HEADER = "X-Processor-Forwarded"
# The time at which the sender reads, so that all profiles of one request are read at the same.
READ_AT_HEADER = "X-Processor-Read-At"
_OK = 200
_AGAIN = "try again in a moment"
_NOT_READY = 503


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the client's Authorization header, and whether another worker passed it on."""

    authorization: str = ""
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read: attributes of a key by their full names, at one time."""

    key: str
    names: Sequence[str]
    now_ms: int


class Reading(NamedTuple):
    """What was read of one profile: the values, and since when those are complete that are not.

    `since` is by full name: event times in ISO 8601.
    """

    values: list[Result]
    since: Mapping[str, str]


class Forwarder:
    """One HTTP client for all other workers, made once."""

    def __init__(self, settings: Settings) -> None:
        verify = ssl.create_default_context()
        if settings.tls_cert is not None:
            # Workers share their certificate; it need not be known to the system.
            verify.load_verify_locations(settings.tls_cert)
            verify.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        self._client = httpx.AsyncClient(verify=verify, trust_env=False)

    async def fetch(
        self,
        url: str,
        wanted: Wanted,
        ids: Sequence[str],
        *,
        authorization: str,
        timeout_s: float,
    ) -> dict[str, Reading]:
        """Return what was read of each id, in the order of `wanted.names`, from that worker.

        Raises:
            NotReadyError: it does not answer in time, or does not own all of them now.
            ForwardError: it refuses, or answers something else.
        """
        headers = {FORWARDED_HEADER: "1", READ_AT_HEADER: str(wanted.now_ms)}
        if authorization:
            headers["Authorization"] = authorization
        body = {"key": wanted.key, "ids": list(ids), "attributes": list(wanted.names)}
        timeout = min(timeout_s, FORWARD_TIMEOUT_S)
        try:
            response = await self._client.post(
                url + PROFILES_PATH, json=body, headers=headers, timeout=timeout
            )
        except httpx.TransportError as error:
            message = f"the worker at {url} does not answer"
            raise NotReadyError(message, detail=repr(error), hint=_AGAIN) from error
        if response.status_code == _NOT_READY:
            message = f"the worker at {url} is not ready"
            raise NotReadyError(message, hint=_AGAIN)
        found = _profiles(url, response, wanted.names)
        if found.keys() != set(ids):
            message = f"the worker at {url} answered for {len(found)} ids of {len(ids)}"
            raise ForwardError(message, hint="are all workers of the same version?")
        return found

    async def reach(self, url: str, offset: int, *, authorization: str, timeout_s: float) -> None:
        """Wait until the worker at `url` uses the definitions up to an offset.

        Raises:
            NotReadyError: it does not in time.
        """
        headers = {"Authorization": authorization} if authorization else {}
        try:
            response = await self._client.get(
                url + DEFINITIONS_PATH,
                params={"offset": offset},
                headers=headers,
                timeout=timeout_s,
            )
        except httpx.HTTPError as error:
            message = f"the worker at {url} does not answer"
            raise NotReadyError(message, detail=repr(error), hint=_AGAIN) from error
        if response.status_code != _OK:
            message = f"the worker at {url} answered {response.status_code}"
            raise NotReadyError(message, hint=_AGAIN)

    async def is_heard(
        self, url: str, targets: Iterable[tuple[str, str]], *, authorization: str, timeout_s: float
    ) -> bool:
        """Return whether the worker at `url` has a subscriber for any (attribute key, id).

        Raises:
            NotReadyError: it does not answer in time. ForwardError: it refuses.
        """
        headers = {"Authorization": authorization} if authorization else {}
        body: dict[str, list[str]] = {}
        for key, id_ in targets:
            body.setdefault(key, []).append(id_)
        try:
            response = await self._client.post(
                url + HEARD_PATH, json={"targets": body}, headers=headers, timeout=timeout_s
            )
            if response.status_code == _OK:
                return bool(response.json()["heard"])
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            message = f"the worker at {url} does not answer"
            raise NotReadyError(message, detail=repr(error), hint=_AGAIN) from error
        message = f"the worker at {url} answered {response.status_code}"
        hint = "give all workers the same PROCESSOR_API_TOKENS"
        raise ForwardError(message, detail=response.text[:DETAIL_CHARS_MAX], hint=hint)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _profiles(url: str, response: httpx.Response, names: Sequence[str]) -> dict[str, Reading]:
    if response.status_code != _OK:
        message = f"the worker at {url} answered {response.status_code}"
        hint = "give all workers the same PROCESSOR_API_TOKENS"
        raise ForwardError(message, detail=response.text[:DETAIL_CHARS_MAX], hint=hint)
    try:
        answer: Mapping[str, Mapping[str, Any]] = response.json()
        since = answer.get("since", {})
        return {
            id_: Reading([values[name] for name in names], since.get(id_, {}))
            for id_, values in answer["profiles"].items()
        }
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        message = f"the worker at {url} answered something else than profiles"
        hint = "is PROCESSOR_ADVERTISED_URL of each worker its own?"
        raise ForwardError(message, detail=repr(error), hint=hint) from error

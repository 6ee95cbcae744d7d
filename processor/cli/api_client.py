"""A client of a worker's HTTP API, for commands."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import httpx

from processor.client_tls import client_tls
from processor.errors import ForwardError, NotReadyError, ProcessorError, UsageError
from processor.request_limits import REQUEST_IDS_MAX
from processor.settings import Settings

_TIMEOUT_S = 30.0
_OK = 200
_UNAVAILABLE = 503
_WRONG = frozenset({404, 422})
_REFUSED = frozenset({401, 403})
_ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognized, not bound

Profiles = dict[str, dict[str, Any]]  # JSON values by full name, by id


class Reading(NamedTuple):
    """The values that were read, the time of the read, and since when values are complete.

    `since` holds ISO times by id and full name, for incomplete values only. Ids whose values are
    all complete are left out.
    """

    now_ms: int
    profiles: Profiles
    since: dict[str, dict[str, str]]


class ApiClient:
    """Reads profiles from any worker, which asks the others for the profiles it does not own."""

    def __init__(self, settings: Settings) -> None:
        self.url = _reachable(settings.own_url)
        verify = client_tls(settings)
        headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
        self._client = httpx.Client(
            verify=verify, trust_env=False, timeout=_TIMEOUT_S, headers=headers
        )

    def profiles(self, key: str, ids: Sequence[str], **choice: Any) -> Reading:
        """Return each id's attributes.

        `choice` is service, group or version; values that are None are left out. If there are more
        ids than fit one request, several requests are sent; the time is that of the last.

        Raises:
            ProcessorError: the API does not answer, or refuses the request.
        """
        chosen = {name: value for name, value in choice.items() if value is not None}
        found: Profiles = {}
        since: dict[str, dict[str, str]] = {}
        now_ms = 0
        for start in range(0, max(1, len(ids)), REQUEST_IDS_MAX):
            part = list(ids[start : start + REQUEST_IDS_MAX])
            answer = self._post("/api/v1/profiles", {"key": key, "ids": part, **chosen})
            now_ms = answer["now_ms"]
            found.update(answer["profiles"])
            since.update(answer.get("since", {}))
        return Reading(now_ms, found, since)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:  # JSON values
        try:
            response = self._client.post(self.url + path, json=body)
        except httpx.TransportError as error:
            message = f"no worker answers at {self.url}"
            hint = "start one with: processor up; or set the address of yours with --http"
            raise NotReadyError(message, detail=str(error), hint=hint) from error
        if response.status_code == _OK:
            answer: dict[str, Any] = response.json()
            return answer
        raise self._refusal(response)

    def _refusal(self, response: httpx.Response) -> ProcessorError:
        try:
            told = str(response.json()["error"])
        except (ValueError, LookupError, TypeError):
            told = f"{self.url} answered {response.status_code}: is this a worker?"
        if response.status_code == _UNAVAILABLE:
            return NotReadyError(told)
        if response.status_code in _REFUSED:
            return ProcessorError(told, hint="set a token in PROCESSOR_TOKEN")
        kind = UsageError if response.status_code in _WRONG else ForwardError
        return kind(told)


def _reachable(url: str) -> str:
    """Return the URL at which this machine reaches a worker, even one on all interfaces."""
    parts = urlsplit(url)
    if parts.hostname not in _ANYWHERE:
        return url
    return urlunsplit(parts._replace(netloc=f"127.0.0.1:{parts.port}"))

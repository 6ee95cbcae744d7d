"""Calls of the HTTP API: sends them, retries them if that helps, and reads the answers."""

import json
import ssl
import time
from collections.abc import Mapping
from typing import Any

import httpx

from definitions.client.errors import SignalsError

_CONNECT_S = 10.0
# Workers abandon a change of definitions after 20 s.
_ANSWER_S = 30.0
# Shorter than the time after which workers close an idle connection.
_REST_S = 2.0
# Heartbeats are sent at least every minute; by default, every 5 s.
_SILENCE_S = 90.0
_SUCCESS = frozenset({200, 201, 202})
_NOT_FOUND = 404
_UNAVAILABLE = 503


class Connection:
    """The address of the API, and one client for all calls. Used from any thread.

    Raises (all methods):
        SignalsError: the call failed.
    """

    def __init__(
        self, api_url: str, token: str, *, retry_s: float, verify: ssl.SSLContext | bool
    ) -> None:
        url = api_url.rstrip("/")
        if not url.startswith(("http://", "https://")):
            problem = f"api_url {api_url!r} does not begin with http:// or https://"
            raise SignalsError(0, [problem], "write it like http://127.0.0.1:8080")
        self.url = url + "/api/v1/"
        self.retry_s = retry_s
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._verify = verify
        self.client = self.new_client(_ANSWER_S)

    def new_client(self, read_s: float = _SILENCE_S) -> httpx.Client:
        """A separate client; a stream that is silent for `read_s` has ended."""
        return httpx.Client(
            headers=self._headers,
            timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S, read=read_s),
            limits=httpx.Limits(keepalive_expiry=_REST_S),
            verify=self._verify,
        )

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        params: Mapping[str, list[str]] | None = None,
    ) -> Any:  # JSON values
        """The JSON of the answer to a call. After "not now", the call is retried for a while."""
        deadline = time.monotonic() + self.retry_s
        again = False
        while True:
            response = self._send(method, path, body, params)
            if response.status_code in _SUCCESS:
                return _content(response)
            if again and method == "DELETE" and response.status_code == _NOT_FOUND:
                return None  # the first call was carried out; only its answer was "not now"
            error = SignalsError.of_response(response)
            pause_s = error.retry_after_s
            if response.status_code != _UNAVAILABLE or pause_s is None:
                raise error
            if time.monotonic() + pause_s > deadline:
                raise error
            time.sleep(pause_s)
            again = True

    def _send(
        self, method: str, path: str, body: object, params: Mapping[str, list[str]] | None
    ) -> httpx.Response:
        url = self.url + path
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            content = json.dumps(body, allow_nan=False).encode() if body is not None else None
            return self.client.request(method, url, content=content, params=params, headers=headers)
        except httpx.HTTPError as error:
            raise SignalsError.without_answer(self.url, error) from error
        except (httpx.InvalidURL, TypeError, ValueError, RecursionError) as error:
            problem = f"the call of {path} cannot be sent ({error})"
            raise SignalsError(
                0, [problem], "send texts and numbers that JSON can carry"
            ) from error


def _content(response: httpx.Response) -> Any:  # JSON values
    try:
        return response.json()
    except ValueError:
        raise SignalsError.of_response(response) from None

"""Why a call failed, from any kind of answer."""

from collections.abc import Sequence
from typing import Any, Self

import httpx

from definitions.limits import QUOTE_CHARS_MAX

_BETWEEN = " - "


class SignalsError(Exception):
    """A call that failed.

    `status` is the HTTP status, 0 if there was no answer. `problems` are all mistakes. `remedy`
    states what to do. `retry_after_s` is when to try again, None if that is not known to help.
    """

    def __init__(
        self,
        status: int,
        problems: Sequence[str],
        remedy: str = "",
        *,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(status, problems, remedy)
        self.status = status
        self.problems = tuple(problems)
        self.remedy = remedy
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        told = "; ".join(self.problems)
        status = f"{self.status}: " if self.status else ""
        return f"{status}{told}{_BETWEEN}{self.remedy}" if self.remedy else f"{status}{told}"

    @classmethod
    def of_response(cls, response: httpx.Response) -> Self:
        """The error in an answer whose body has been read."""
        told = _told(response)
        if not told:
            start = response.text[:QUOTE_CHARS_MAX]
            problem = f"{response.url} answered {start!r}, which is not of a worker"
            told = [f"{problem}{_BETWEEN}is api_url the address of a worker?"]
        split = [one.rpartition(_BETWEEN) for one in told]
        problems = [text or rest for text, _, rest in split]
        remedies = dict.fromkeys(rest for text, _, rest in split if text)
        remedy = "; ".join(remedies)
        retry_after_s = _seconds(response.headers.get("retry-after", ""))
        return cls(response.status_code, problems, remedy, retry_after_s=retry_after_s)

    @classmethod
    def without_answer(cls, url: str, error: Exception) -> Self:
        """The error of a call that received no answer."""
        problem = f"no answer from {url} ({error or type(error).__name__})"
        return cls(0, [problem], "does a worker serve there? api_url names it, with http or https")


def _told(response: httpx.Response) -> list[str]:
    """Return the messages of the two forms of refusals; nothing if it is neither form."""
    try:
        body: Any = response.json()
        if "error" in body:
            return [str(body["error"])]
        return [str(one["msg"]) for one in body["detail"]]
    except (ValueError, LookupError, TypeError):
        return []


def _seconds(header: str) -> float | None:
    return float(header) if header.isascii() and header.isdecimal() else None

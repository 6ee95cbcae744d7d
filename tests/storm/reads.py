"""What the workers hold in the end, asked for over HTTP as anybody would."""

import time
from collections.abc import Callable, Iterator

import httpx

from tests.storm.evidence import Read

IDS_AT_ONCE = 500
# A partition that moves is answered for by nobody; the answer says so, and it is asked again.
PATIENCE_S = 60.0
LOOK_S = 0.2


def read_profiles(urls: Callable[[], list[str]], ids: dict[str, list[str]]) -> Iterator[Read]:
    """All attributes of all ids of each key, from the workers in turn."""
    turn = 0
    for key, wanted in ids.items():
        for start in range(0, len(wanted), IDS_AT_ONCE):
            deadline = time.monotonic() + PATIENCE_S
            while True:
                turn += 1
                found = _ask(urls()[turn % len(urls())], key, wanted[start : start + IDS_AT_ONCE])
                if isinstance(found, Read):
                    yield found
                    break
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{key}: no worker answers: {found}")
                time.sleep(LOOK_S)


def _ask(url: str, key: str, ids: list[str]) -> Read | str:
    """One request; what came instead of an answer."""
    begun_ms = int(time.time() * 1_000)
    try:
        answer = httpx.post(
            f"{url}/api/v1/profiles", json={"key": key, "ids": ids}, timeout=PATIENCE_S / 2
        )
    except httpx.HTTPError as error:
        return repr(error)
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text[:300]}"
    told = answer.json()
    assert begun_ms <= told["now_ms"] <= time.time() * 1_000, "a worker lives in another time"
    return Read(key, told["now_ms"], told["profiles"])

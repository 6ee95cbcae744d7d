import resource

import pytest

from processor.open_files import allow_open_files

NONE = resource.RLIM_INFINITY


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    """The limits of the system, soft and hard, instead of the real ones."""
    of = {"files": (1024, 4096)}
    monkeypatch.setattr(resource, "getrlimit", lambda _: of["files"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: of.update(files=wanted))
    return of


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1024, 4096), (4096, 4096)),
        ((1024, NONE), (65_536, NONE)),
        ((100_000, NONE), (100_000, NONE)),
        ((4096, 4096), (4096, 4096)),
        ((NONE, NONE), (NONE, NONE)),
    ],
)
def test_the_limit_is_raised_as_far_as_the_system_allows(
    limits: dict[str, tuple[int, int]], before: tuple[int, int], after: tuple[int, int]
) -> None:
    limits["files"] = before
    allow_open_files()
    assert limits["files"] == after


def test_a_system_that_refuses_does_not_end_the_worker(
    limits: dict[str, tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    allow_open_files()
    assert limits["files"] == (1024, 4096)

"""What stands in no file of the project, and what its pages link to."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_OURS = {".git", ".venv", ".lock", "node_modules", "__pycache__", "data", "build", "dist"}
CACHES = re.compile(r"\.\w+_cache$|\.egg-info$|^\.hypothesis$|^\.venv")
# The project stands alone: these lie outside of it.
OUTSIDE = re.compile(r"\bshared/|\b(SIGNALS|DESIGN|CONTRACT|STYLE|FAUST)\.md\b")
# Where packages come from is the machine's affair; an address would bind the project to one mirror.
REGISTRY = re.compile(
    r"repo1?\.maven|pypi\.org|pythonhosted\.org|registry\.npmjs|index\.docker|registry-1\.docker"
)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def files() -> Iterator[Path]:
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.is_dir():
                if path.name not in NOT_OURS and not CACHES.search(path.name):
                    folders.append(path)
            elif b"\0" not in path.read_bytes()[:4096]:
                yield path.relative_to(ROOT)


def lines(path: Path) -> list[str]:
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


def found(pattern: re.Pattern[str], *, outside: str) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in files()
        if path.parts[0] != outside
        for number, line in enumerate(lines(path), 1)
        if pattern.search(line)
    ]


def test_the_project_names_nothing_that_its_readers_do_not_have() -> None:
    faults = found(OUTSIDE, outside="tests")
    assert not faults, "\n".join(["state the rule itself:", *faults])


def test_no_address_of_a_package_registry_stands_in_a_file() -> None:
    faults = found(REGISTRY, outside="tests")
    assert not faults, "\n".join(["leave the choice of the registry to the machine:", *faults])


def test_links_between_pages_lead_somewhere() -> None:
    faults = [
        f"{path}: {target}"
        for path in files()
        if path.suffix == ".md"
        for target in LINK.findall((ROOT / path).read_text(encoding="utf-8"))
        if not target.startswith(("http:", "https:", "mailto:"))
        and not (ROOT / path.parent / target).exists()
    ]
    assert not faults, "\n".join(["these links lead nowhere:", *faults])

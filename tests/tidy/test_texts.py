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
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
ANCHOR = re.compile(r"\]\(([^)#\s]*\.md|)#([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


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


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(page.read_text(encoding="utf-8"))
    }


def test_links_to_a_heading_lead_to_one() -> None:
    links = [
        (page, target, anchor)
        for page in files()
        if page.suffix == ".md"
        for target, anchor in ANCHOR.findall((ROOT / page).read_text(encoding="utf-8"))
    ]
    assert len(links) > 50
    faults = [
        f"{page}: {target}#{anchor}"
        for page, target, anchor in links
        if anchor not in anchors(ROOT / page.parent / target if target else ROOT / page)
    ]
    assert not faults, "\n".join(["these headings do not exist:", *faults])


def test_tests_that_pages_name_exist() -> None:
    named = [
        (page, file, name)
        for page in files()
        if page.suffix == ".md"
        for file, name in TEST.findall((ROOT / page).read_text(encoding="utf-8"))
    ]
    faults = [
        f"{page}: {file}::{name}"
        for page, file, name in named
        if not (ROOT / file).exists()
        or not re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)
    ]
    assert len(named) > 50
    assert not faults, "\n".join(["these tests do not exist:", *faults])


def test_each_decision_page_is_in_the_list_of_decisions() -> None:
    folder = ROOT / "processor" / "decisions"
    listed = set(re.findall(r"^\| \[([a-z0-9-]+\.md)\]", (folder / "README.md").read_text(), re.M))
    assert listed == {page.name for page in folder.glob("*.md")} - {"README.md"}

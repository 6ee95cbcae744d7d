"""Native code has no lint, is formatted, and is built where cargo is at hand."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from processor.streaming.source import native_code

ROOT = Path(__file__).parents[2]
CRATE = ROOT / "processor" / "native"
CARGO = shutil.which(
    "cargo", path=os.pathsep.join([os.environ["PATH"], str(Path.home() / ".cargo/bin")])
)
with_cargo = pytest.mark.skipif(CARGO is None, reason="cargo is not installed")


def cargo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    assert CARGO is not None
    path = os.pathsep.join([str(Path(CARGO).parent), os.environ["PATH"]])
    return subprocess.run(
        [CARGO, *arguments],
        cwd=CRATE,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@with_cargo
def test_the_linter_of_rust_finds_nothing() -> None:
    done = cargo("clippy", "--locked", "--quiet", "--", "-D", "warnings")
    assert done.returncode == 0, done.stderr


@with_cargo
def test_every_file_of_rust_is_formatted() -> None:
    done = cargo("fmt", "--check")
    assert done.returncode == 0, f"run `cargo fmt` in processor/native:\n{done.stdout}{done.stderr}"


@with_cargo
def test_native_code_is_built_where_cargo_is_at_hand() -> None:
    assert native_code.code_in_use() == "native", "run `make test`, which builds it"


def test_both_sides_have_the_same_number_of_format() -> None:
    source = (CRATE / "src" / "lib.rs").read_text(encoding="utf-8")
    assert re.findall(r"const FORMAT: u32 = (\d+);", source) == [str(native_code._FORMAT)]


def test_files_of_rust_fit_the_eye_and_have_no_unsafe_code() -> None:
    for path in sorted((CRATE / "src").glob("*.rs")):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("//! "), f"{path.name}: it begins with what it is for"
        assert len(text.splitlines()) <= 400, f"{path.name}: split it"
        assert "unsafe" not in text, path.name


def test_the_lock_of_rust_names_the_public_registry_alone() -> None:
    lock = (CRATE / "Cargo.lock").read_text(encoding="utf-8")
    sources = set(re.findall(r'^source = "(.*)"$', lock, re.MULTILINE))
    assert sources == {"registry+https://github.com/rust-lang/crates.io-index"}

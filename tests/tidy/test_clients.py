"""Clients of librdkafka are made in processor/kafka alone."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLIENTS = {"Consumer", "Producer", "AdminClient"}


def test_clients_of_librdkafka_are_made_in_one_package() -> None:
    faults = [
        f"{path.relative_to(ROOT)}:{node.lineno}: use processor/kafka in place of {name.name}"
        for path in sorted((ROOT / "processor").rglob("*.py"))
        if path.parent.name != "kafka"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("confluent_kafka")
        for name in node.names
        if name.name in CLIENTS
    ]
    assert not faults, "\n".join(["", *faults])

"""Writes the JSON Schemas of the registry objects: `python -m definitions.schemas DIR`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from definitions.attribute_groups import (
    BatchAttributeGroup,
    ExternalBatchAttributeGroup,
    StreamAttributeGroup,
)
from definitions.attribute_keys import AttributeKey
from definitions.event_logs import EventLog
from definitions.interventions import RuleIntervention
from definitions.services import Service

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TYPES: Final[Mapping[str, TypeAdapter[Any]]] = {
    "attribute_key": TypeAdapter(AttributeKey),
    "attribute_group": TypeAdapter(
        StreamAttributeGroup | BatchAttributeGroup | ExternalBatchAttributeGroup
    ),
    "service": TypeAdapter(Service),
    "intervention": TypeAdapter(RuleIntervention),
    "event_log": TypeAdapter(EventLog),
}


def schema_files() -> dict[str, str]:
    """The text of each schema file, by its path below the directory of schemas."""
    return {
        f"definitions/{kind}.json": json.dumps(
            {"$schema": _DIALECT, **adapter.json_schema(by_alias=True)}, indent=2
        )
        + "\n"
        for kind, adapter in _TYPES.items()
    }


def write_schemas(directory: Path) -> None:
    """Write every schema file anew below a directory."""
    for name, text in schema_files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))

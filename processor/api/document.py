"""Writes the API's description, as at /openapi.json: `python -m processor.api.document FILE`.

The file is schemas/api.json.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from processor.api.application import create_api
from processor.api.backend import Backend
from processor.settings import Settings
from processor.stages import Stage


def api_document() -> str:
    """Return the text of the file."""
    # It is never called.
    no_worker = cast("Backend", SimpleNamespace(stage=Stage.PROFILES, metrics_beside=None))
    api = create_api(no_worker, Settings.model_construct())
    return json.dumps(api.openapi(), indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(api_document(), encoding="utf-8")

"""Writes the API's description, as at /openapi.json: `python -m processor.api.document FILE`.

The file is schemas/api.json.
"""

import json
import sys
from pathlib import Path
from typing import cast

from processor.api.application import create_api
from processor.api.backend import Backend
from processor.settings import Settings


def api_document() -> str:
    """Return the text of the file."""
    no_worker = cast("Backend", None)  # it is never called
    api = create_api(no_worker, Settings.model_construct())
    return json.dumps(api.openapi(), indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(api_document(), encoding="utf-8")

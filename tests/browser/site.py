"""A shop's site on this machine: one page, and the npm packages that its script imports."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PACKAGES = Path(__file__).parent / "node_modules"
# What a bundler looks up in package.json: where a package's module for browsers stands.
MODULES = {
    "@snowplow/browser-tracker": "dist/index.module.js",
    "@snowplow/browser-tracker-core": "dist/index.module.js",
    "@snowplow/signals-browser-plugin": "dist/index.module.js",
    "@snowplow/tracker-core": "dist/index.module.js",
    "tslib": "tslib.es6.mjs",
    "uuid": "dist/esm-browser/index.js",
}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>A shop</title>
<script type="importmap">{imports}</script>
</head>
<body>
<h1>A shop</h1>
{body}
</body>
</html>
"""


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, page: bytes, *arguments: Any) -> None:
        self._page = page
        super().__init__(*arguments, directory=str(PACKAGES))

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(200, self._page)
        elif self.path == "/favicon.ico":
            self._answer(204, b"")
        else:
            super().do_GET()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def site(body: str) -> Iterator[str]:
    """Serve a page with this body; yield its address."""
    imports = {name: f"/{name}/{module}" for name, module in MODULES.items()}
    page = PAGE.format(imports=json.dumps({"imports": imports}), body=body)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, page.encode())) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()

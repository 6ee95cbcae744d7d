"""What a peer in Python has done so far, told over HTTP to whoever asks."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any


class Counts:
    """Events seen and contributions applied; each is counted by one thread only."""

    def __init__(self) -> None:
        self.seen = 0
        self.applied = 0

    def serve(self, port: int) -> None:
        """Answer at this port, from a thread that does nothing else."""
        counts = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told = json.dumps({"seen": counts.seen, "applied": counts.applied}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_: Any) -> None:
                pass

        Thread(target=HTTPServer(("127.0.0.1", port), Handler).serve_forever, daemon=True).start()

"""Host names that lead to a port of this machine, as a line of /etc/hosts and a port forwarding do.

As a program it runs another one so: `python hosts.py '{"signals.example.com": 8443}' program.py`.
Only the resolution of names is another one, in that process alone.
"""

import json
import runpy
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any

Resolve = Callable[..., Any]


def resolving(ports: Mapping[str, int], resolve: Resolve = socket.getaddrinfo) -> Resolve:
    """What to put in the place of `socket.getaddrinfo`."""

    def resolved(host: Any, port: Any, *arguments: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in ports:
            return resolve("127.0.0.1", ports[name], *arguments, **more)
        return resolve(host, port, *arguments, **more)

    return resolved


if __name__ == "__main__":
    socket.getaddrinfo = resolving(json.loads(sys.argv[1]))
    runpy.run_path(sys.argv[2], run_name="__main__")

"""A port on which nobody listens."""

import socket


def free_port(host: str) -> int:
    """Return a port of a host of this machine that is free now."""
    bare = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in bare else socket.AF_INET) as probe:
        probe.bind((bare, 0))
        port: int = probe.getsockname()[1]
        return port

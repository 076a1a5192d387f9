"""A port for a server that has to keep its own over restarts."""

import contextlib
import random
import socket


def free_port() -> int:
    """One that nobody listens on, from below those that systems give to outgoing connections."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port was found")

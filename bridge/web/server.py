"""Serving the routes inside the bridge's own event loop."""

import contextlib
import socket
from collections.abc import Generator

import uvicorn
from starlette.applications import Starlette

from bridge.errors import ConfigError


def listen_on(address: str) -> socket.socket:
    """A listening socket for "host:port". Raises ConfigError if the address cannot be had."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            [f'bridge.http: cannot listen on "{address}" ({error}): choose another port, or "" to turn it off']
        ) from error


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield  # signals are the bridge's own business


async def serve(application: Starlette, listening: socket.socket) -> None:
    """Serves until cancelled."""
    config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    await _Server(config).serve(sockets=[listening])

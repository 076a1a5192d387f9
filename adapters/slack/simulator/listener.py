"""The port: starts and stops the HTTP server, with the sockets' route and their pings."""

import asyncio
import contextlib

from aiohttp import web

from adapters.slack.simulator.faults import Faults
from adapters.slack.simulator.socket_mode import SocketMode
from adapters.slack.simulator.web_api import hang_up

MAX_BODY = 32 * 1024 * 1024  # bytes

SHUTDOWN_TIMEOUT = 1.0  # seconds for calls under way when the server stops


class Listener:
    """One aiohttp server. A body over `MAX_BODY` is refused with HTTP 413."""

    def __init__(self, host: str, port: int, sockets: SocketMode, faults: Faults) -> None:
        self.application = web.Application(client_max_size=MAX_BODY)
        self.application.router.add_get("/link/", self._link)
        self.url = ""
        self._host = host
        self._port = port
        self._sockets = sockets
        self._faults = faults
        self._runner: web.AppRunner | None = None
        self._pings: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listens; the port is known afterwards."""
        self._runner = web.AppRunner(self.application, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, backlog=4096, reuse_address=True).start()
        port = self._runner.addresses[0][1]
        self.url = f"http://{self._host}:{port}"
        self._pings = asyncio.create_task(self._sockets.ping())

    async def stop(self) -> None:
        """Closes sockets, connections and the port."""
        if self._pings is not None:
            self._pings.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pings
        await self._sockets.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _link(self, request: web.Request) -> web.StreamResponse:
        return hang_up(request) if self._faults.blackout else await self._sockets.handle(request)

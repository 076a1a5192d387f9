"""`threadbridge demo-instance`: the demo's agent alone, Chowder's API under /v1 and OpenComputer's under /v3."""

import asyncio
import contextlib
import signal

from aiohttp import web
from rich.console import Console

from bridge.demo.instance_server import MAX_BODY_BYTES, DemoInstanceServer
from bridge.demo.opencomputer_server import DemoOpenComputerServer
from bridge.errors import BridgeError

_out = Console(soft_wrap=True, highlight=False)

_SAYS = """\
The demo's agent listens at {address}, until Ctrl-C. For config.toml:

[instances.main]
type = "chowder"
base_url = "{chowder.base_url}"
instance_id = "{chowder.instance_id}"
api_key = "env:CHOWDER_API_KEY"            # in .env: CHOWDER_API_KEY={chowder.api_key}
model = "demo"

[instances.computer]
type = "opencomputer"
base_url = "{computer.base_url}"
agent = "{computer.agent_id}"
api_key = "env:OPENCOMPUTER_API_KEY"       # in .env: OPENCOMPUTER_API_KEY={computer.api_key}

What a message may steer it with: bridge/demo/instance_agent.py, bridge/demo/opencomputer_agent.py."""


def run(host: str, port: int) -> None:
    """Serves until SIGINT or SIGTERM. Raises BridgeError if the address cannot be had."""
    asyncio.run(_serve(host, port))


async def _serve(host: str, port: int) -> None:
    chowder, computer = DemoInstanceServer(host=host), DemoOpenComputerServer(host=host)
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.add_routes([*chowder.routes(), *computer.routes()])
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(computer.stop)
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise BridgeError(f"{host}:{port} cannot be had ({error.strerror}): choose another --port") from error
        chowder.port = computer.port = int(runner.addresses[0][1])
        says = _SAYS.format(address=computer.base_url, chowder=chowder, computer=computer)
        _out.print(says, markup=False)
        await ended.wait()

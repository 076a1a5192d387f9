"""`threadbridge demo`: one writes at a terminal, sees a short story elsewhere, or sends one message with `--say`."""

import asyncio
from collections.abc import Awaitable, Callable

from rich.console import Console

from bridge.demo.one_message import one_message
from bridge.demo.stage import DemoError, Stage
from bridge.demo.story import story
from bridge.demo.typed import typed

_out = Console(soft_wrap=True, highlight=False)


def run(*, say: str | None, logs: bool, interactive: bool) -> None:
    """Plays it to its end. Raises BridgeError if anything is not as it should be."""

    async def scene(stage: Stage) -> None:
        if say is not None:
            await one_message(stage, _out, say)
        else:
            await (typed if interactive else story)(stage, _out)

    asyncio.run(_play(scene, logs=logs))


async def _play(scene: Callable[[Stage], Awaitable[None]], *, logs: bool) -> None:
    async with Stage(logs=logs) as stage:
        for simulator in stage.simulators.values():
            _out.print(f"[dim]simulated {simulator.source}: {simulator.settings().get('api_base', '')}[/dim]")
        _out.print(f"[dim]demo agent: {stage.agent.base_url}[/dim]")
        seconds = await stage.start_bridge()
        _out.print(f"[dim]the real bridge: process {stage.pid}, connected after {seconds:.1f} s[/dim]\n")
        try:
            await scene(stage)
        except DemoError as error:
            raise DemoError(f"{error}\n{stage.log()}".strip()) from error

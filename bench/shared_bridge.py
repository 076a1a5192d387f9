"""The whole bridge in several processes on one store and one platform: how fast, and how soon one is replaced."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import bots
from bench.bots import Process
from bench.load import flood, idle, settled
from bench.protocol import Platform
from bench.stage import BenchError, Stage, running_stage

AT_ONCE = 256
"""Turns that all processes together may run at once."""
MEETS_SECONDS = 2.0
"""Within which those that run already notice a new one."""
TAKEOVER_SECONDS = 30.0
OWN_SECONDS = 2.0
"""Within which those that still run answer what they have once the agent does."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done in a round."""

    idle: int = 100
    threads: int = 200
    per_thread: int = 5
    held: int = 40
    """Turns that run when one process is killed."""


async def measure(
    make: Callable[[], Platform], url: str, processes: int, size: Size, server_cpu: Callable[[], float]
) -> dict[str, float]:
    """Messages one by one, then all at once, on an empty store."""
    async with running_stage(make()) as stage, _bridges(stage, url, processes) as running:
        every = Process(running[-1].started_in, *(pid for process in running for pid in process.pids))
        figures = {key: value for key, value in (await idle(stage, size.idle)).items() if key.endswith("p50")}
        opened = [stage.say() for _ in range(size.threads)]
        await settled(stage, [number for number, _ in opened])
        spent = server_cpu()
        figures |= await flood(stage, every, [thread for _, thread in opened], size.per_thread)
        figures["server_cpu"] = (server_cpu() - spent) / (size.threads * size.per_thread) * 1000
        return figures


async def takeover(make: Callable[[], Platform], url: str, size: Size) -> tuple[float, float]:
    """Seconds from SIGKILL of one of two processes until the first and the last answer to what it was at."""
    async with running_stage(make()) as stage, _bridges(stage, url, 2, at_once=size.held) as (killed, _):
        opened = [stage.say() for _ in range(size.held)]
        await settled(stage, [number for number, _ in opened])
        before = stage.agent.received
        stage.agent.hold()
        numbers = [stage.say(thread)[0] for _, thread in opened]
        async with asyncio.timeout(TAKEOVER_SECONDS):
            await stage.agent.wait_for_requests(before + len(numbers))
        killed.kill()
        at = time.monotonic()
        stage.agent.release()
        if not await stage.answered(numbers, TAKEOVER_SECONDS):
            raise BenchError(f"not all was answered within {TAKEOVER_SECONDS:.0f} s after a process was killed")
        answered = [stage.posts[number][0] - at for number in numbers]
        taken_over = [seconds for seconds in answered if seconds > OWN_SECONDS]
        if not taken_over:
            raise BenchError("the process that was killed had no turns")
        return min(taken_over), max(taken_over)


@asynccontextmanager
async def _bridges(
    stage: Stage, url: str, processes: int, *, at_once: int = AT_ONCE
) -> AsyncGenerator[Sequence[Process]]:
    """So many, one after the other, all of them connected; together they ask for so many turns at once."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="threadbridge-bench-")))
        bot = bots.bridge(stage, folder, (), at_once, store=url)
        running = [
            await stack.enter_async_context(bots.started(bot, stage, folder, running_already=number))
            for number in range(processes)
        ]
        await asyncio.sleep(MEETS_SECONDS if processes > 1 else 0)
        yield running

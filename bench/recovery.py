"""How soon a killed bridge goes on: with one unfinished turn in its store, and with very many."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench import bots, prefill
from bench.protocol import Platform
from bench.stage import BenchError, Stage, running_stage

UNFINISHED = 10_000
TAKEN_SECONDS = 180.0
"""That the bridge may take to store all of them."""
RESUMED_SECONDS = 60.0


async def run(make: Callable[[], Platform], unfinished: int, rounds: int) -> None:
    """Prints each pair, and the median of the pairs' ratios."""
    ratios: list[float] = []
    for number in range(1, rounds + 1):
        few, many = [await measure(make, count) for count in (1, unfinished)]
        ratios.append(many / few)
        print(
            f"round {number} of {rounds}: from start to the first resumed turn {few:.2f} s with 1 unfinished, "
            f"{many:.2f} s with {unfinished:,}",
            flush=True,
        )
    print(f"ratio {median(ratios):.2f}")


async def measure(make: Callable[[], Platform], unfinished: int) -> float:
    """Seconds from the start of the process to the first request at the agent.

    The turns are in the store because a bridge took them, whose agent did not answer, and which was then killed.
    """
    async with running_stage(make()) as stage:
        threads = stage.platform.old_threads(unfinished)
        with tempfile.TemporaryDirectory(prefix="threadbridge-bench-") as created:
            folder = Path(created)
            bot = bots.bridge(stage, folder, threads, 1)
            stage.agent.hold()
            async with bots.started(bot, stage, folder) as process:
                for thread in threads:
                    stage.say(thread)
                await _all_taken(stage, bots.store_url(folder), unfinished)
                process.kill()
            before = stage.agent.received
            began = time.monotonic()
            stage.agent.release()
            async with asyncio.timeout(RESUMED_SECONDS):
                async with bots.started(bot, stage, folder):
                    await stage.agent.wait_for_requests(before + 1)
                    return time.monotonic() - began


async def _all_taken(stage: Stage, url: str, count: int) -> None:
    """Returns once the store has so many open turns and the agent the first of them."""
    try:
        async with asyncio.timeout(TAKEN_SECONDS):
            await stage.agent.wait_for_requests(1)
            while prefill.waiting(url) < count:  # noqa: ASYNC110 - another process tells nobody
                await asyncio.sleep(bots.POLL)
    except TimeoutError:
        raise BenchError(f"the bridge did not take {count} messages within {TAKEN_SECONDS:.0f} s") from None

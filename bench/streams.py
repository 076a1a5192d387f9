"""Whether showing many answers as they grow slows the bridge for everybody else, or runs into the platform's limits."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from bench import bots
from bench.figures import percentile
from bench.load import LOAD_SECONDS, SETTLE
from bench.protocol import Limited
from bench.stage import BenchError, Stage, running_stage

STREAMS = 200
"""Answers that grow at the same time."""
SECONDS = 20
"""That each of them takes."""
OTHERS = 100
"""Threads in which people write meanwhile."""
PER_SECOND = 25
"""Messages in all of these together; each thread then stays within what platforms allow there."""
AT_ONCE = 256

HOW = {"silent": f"[[sleep:{SECONDS}]]", "growing": f"[[drip:{SECONDS * 10}:0.1]]"}
"""The agent says nothing until its answer is whole, or a word every tenth of a second."""


async def run(make: Callable[[], Limited], rounds: int) -> None:
    """Prints each pair, and the medians of the pairs' ratios."""
    ratios: list[dict[str, float]] = []
    for number in range(1, rounds + 1):
        found = {how: await measure(make, how) for how in HOW}
        for how, figures in found.items():
            shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
            print(f"round {number} of {rounds}, {how}: {shown}", flush=True)
        silent, growing = found["silent"], found["growing"]
        ratios.append({name: growing[name] / silent[name] for name in ("p50 ms", "p99 ms", "CPU s")})
    print("growing against silent: " + ", ".join(f"{name} {_median(ratios, name):.2f}" for name in ratios[0]))


def _median(ratios: Sequence[dict[str, float]], name: str) -> float:
    return median(one[name] for one in ratios)


async def measure(make: Callable[[], Limited], how: str) -> dict[str, float]:
    """Event to posted answer of the messages elsewhere, the bridge's CPU, and how many of its calls were refused."""
    platform = make()
    async with running_stage(platform) as stage:
        threads = platform.old_threads(STREAMS + OTHERS)
        with tempfile.TemporaryDirectory(prefix="threadbridge-bench-") as created:
            folder = Path(created)
            bot = bots.bridge(stage, folder, threads, AT_ONCE, stream=True)
            async with bots.started(bot, stage, folder) as process:
                cpu = process.cpu()
                held, others = await _write(stage, threads, HOW[how])
                if not await stage.answered([*held, *others], LOAD_SECONDS):
                    raise BenchError("not every message was answered")
                while any(one.finished is None for one in stage.agent.requests):  # noqa: ASYNC110 - other tasks write it
                    await asyncio.sleep(bots.POLL)
                await asyncio.sleep(SETTLE)
                took = [stage.posts[number][0] - stage.emitted[number] for number in others]
                refused = Counter(platform.refused())
                return {
                    "p50 ms": percentile(took, 50) * 1000,
                    "p99 ms": percentile(took, 99) * 1000,
                    "CPU s": process.cpu() - cpu,
                    "shown as they grew": platform.edited(),
                    "calls refused": refused.total(),
                }


async def _write(stage: Stage, threads: Sequence[str], directive: str) -> tuple[Sequence[int], Sequence[int]]:
    """A long answer is asked for in each of the first threads, then people write evenly in the others."""
    stage.agent.record = True
    held: list[int] = []
    for thread in threads[:STREAMS]:
        held.append(stage.say(thread, directive)[0])
        await asyncio.sleep(0)
    others = threads[STREAMS:]
    began = time.monotonic()
    asked: list[int] = []
    for number in range(SECONDS * PER_SECOND):
        await asyncio.sleep(began + number / PER_SECOND - time.monotonic())
        asked.append(stage.say(others[number % len(others)])[0])
    return held, asked

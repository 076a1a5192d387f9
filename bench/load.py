"""What is done to a bot, and what is measured while it is done."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bench.bots import Process, running
from bench.figures import percentile
from bench.protocol import Platform
from bench.stage import BenchError, Stage, out_of_order, running_stage

ANSWER_SECONDS = 20.0
"""That one answer, or the opening of all threads, may take."""
LOAD_SECONDS = 120.0
"""After which what is not answered counts as missing."""
SETTLE = 1.0
"""Seconds for answers that should not come: a second one to the same message."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done in a round."""

    idle: int = 100
    """Messages one after the other."""
    threads: int = 200
    per_thread: int = 10
    """Messages in each of these threads, all at once."""
    known: int = 10_000
    """Threads answered in before, in the second part."""
    in_flight: int = 200
    """Turns that run at the same time while heartbeats are watched."""
    held: int = 10
    """Seconds that each of them takes."""
    elsewhere: int = 50
    """Messages a second in other threads meanwhile."""


async def measure(make: Callable[[], Platform], bot: str, size: Size) -> dict[str, float]:
    """All figures of one bot: a fresh process with an empty memory, then another that knows many threads."""
    figures: dict[str, float] = {}
    async with running_stage(make()) as stage, running(bot, stage) as process:
        figures |= _at_rest(process)
        figures |= await idle(stage, size.idle)
        opened = [stage.say() for _ in range(size.threads)]
        await settled(stage, [number for number, _ in opened])
        figures |= await flood(stage, process, [thread for _, thread in opened], size.per_thread)
    async with running_stage(make()) as stage:
        known = stage.platform.old_threads(size.known)
        async with running(bot, stage, known) as process:
            some = known[:: max(1, len(known) // size.threads)][: size.threads]
            warm = [stage.say(thread) for thread in some]
            await settled(stage, [number for number, _ in warm])
            found = {"start": process.started_in, **await flood(stage, process, some, size.per_thread)}
            figures |= {f"known_{key}": value for key, value in found.items()}
    return figures


async def idle(stage: Stage, count: int) -> dict[str, float]:
    """Messages one after the other: by turns a mention that opens a thread, and a plain one in that thread."""
    numbers: list[int] = []
    thread: str | None = None
    stage.agent.record = True
    for _ in range(count):
        number, where = stage.say(thread)
        thread = where if thread is None else None
        numbers.append(number)
        await settled(stage, [number])
    stage.agent.record = False
    asked = stage.asked()
    to_agent = [asked[number] - stage.emitted[number] for number in numbers]
    to_post = [stage.posts[number][0] - stage.emitted[number] for number in numbers]
    return {
        "idle_request_p50": percentile(to_agent, 50) * 1000,
        "idle_request_p99": percentile(to_agent, 99) * 1000,
        "idle_post_p50": percentile(to_post, 50) * 1000,
        "idle_post_p99": percentile(to_post, 99) * 1000,
    }


async def flood(stage: Stage, process: Process, threads: Sequence[str], per_thread: int) -> dict[str, float]:
    """Plain messages into all threads at once, in turn; ends with the last answer."""
    platform = stage.platform
    delivered, cpu, own_cpu = platform.delivered(), process.cpu(), time.process_time()
    process.peak = 0
    watching = asyncio.create_task(process.watch_memory())
    began = time.monotonic()
    numbers = [stage.say(thread)[0] for _ in range(per_thread) for thread in threads]
    answered_all = await stage.answered(numbers, LOAD_SECONDS)
    own_cpu = time.process_time() - own_cpu
    missing = sum(number not in stage.posts for number in numbers)
    if missing == len(numbers):
        raise BenchError(f"none of {len(numbers)} messages was answered within {LOAD_SECONDS:.0f} s")
    last = max(stage.posts[number][0] for number in numbers if number in stage.posts)
    await asyncio.sleep(SETTLE if answered_all else 0)
    with suppress(asyncio.CancelledError):
        watching.cancel()
        await watching
    took = [stage.posts[number][0] - stage.emitted[number] for number in numbers if number in stage.posts]
    done = len(numbers) - missing
    posts = sum(len(stage.posts[number]) for number in numbers if number in stage.posts)
    found = {
        "peak_mb": process.peak / 1e6,
        "per_second": done / (last - began),
        "post_p50": percentile(took, 50) * 1000,
        "post_p99": percentile(took, 99) * 1000,
        "cpu": (process.cpu() - cpu) / done * 1000,
        "missing": missing,
        "doubled": posts - done,
        "out_of_order": sum(out_of_order(stage.posted_in[thread]) for thread in threads),
        "driver_percent": own_cpu / (last - began) * 100,
    }
    if platform.redelivers:  # the bot's own posts are events, too
        found["redelivered"] = platform.delivered() - delivered - len(numbers) - posts
    return found


def _at_rest(process: Process) -> dict[str, float]:
    return {
        "start": process.started_in,
        "rest_mb": process.resident() / 1e6,
        "rest_unshared_mb": process.unshared() / 1e6,
    }


async def settled(stage: Stage, numbers: Sequence[int]) -> None:
    """Returns once each of them has an answer. Raises BenchError if that takes too long."""
    if not await stage.answered(numbers, ANSWER_SECONDS):
        missing = sum(number not in stage.posts for number in numbers)
        raise BenchError(f"{missing} of {len(numbers)} messages were not answered within {ANSWER_SECONDS:.0f} s")

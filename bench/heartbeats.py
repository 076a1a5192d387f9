"""Whether heartbeats come in time while many turns run, on platforms that end a connection without them."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from bench.bots import running
from bench.figures import percentile
from bench.load import LOAD_SECONDS, Size
from bench.protocol import Beating
from bench.stage import BenchError, Stage, running_stage

INTERVAL = 1.0
"""Seconds between two heartbeats. Real platforms want them seldom; a short measurement would see none then."""
AT_ONCE = 256
"""Turns that the bridge runs at the same time here: those that are held, and others."""
OTHERS = 50
"""Threads in which people write meanwhile."""
TICK = 0.005
"""Seconds between two looks at how late this process is itself."""


async def measure(make: Callable[[float], Beating], bot: str, size: Size) -> dict[str, float]:
    """The figures of one bot, a fresh process that answered in all these threads before."""
    platform = make(INTERVAL)
    async with running_stage(platform) as stage:
        threads = platform.old_threads(size.in_flight + OTHERS)
        stage.agent.record = True
        async with running(bot, stage, threads, AT_ONCE):
            watching = asyncio.create_task(_worst_own_delay(stop := asyncio.Event()))
            held, others = await _write(stage, threads[: size.in_flight], threads[size.in_flight :], size)
            await stage.answered([*held, *others], LOAD_SECONDS)
            stop.set()
            took = [stage.posts[number][0] - stage.emitted[number] for number in others if number in stage.posts]
            if not took:
                raise BenchError(f"no message was answered while {size.in_flight} turns were in flight")
            return {
                "beat_delay": platform.worst_heartbeat_delay() * 1000,
                "beats": platform.heartbeats(),
                "beat_lost": platform.connections_lost(),
                "beat_in_flight": most_at_once(
                    (one.started, one.finished) for one in stage.agent.requests if _sleeps(size) in one.input
                ),
                "beat_post_p50": percentile(took, 50) * 1000,
                "beat_post_p99": percentile(took, 99) * 1000,
                "beat_missing": sum(number not in stage.posts for number in (*held, *others)),
                "beat_own": await watching * 1000,
            }


async def _write(
    stage: Stage, long: Sequence[str], others: Sequence[str], size: Size
) -> tuple[Sequence[int], Sequence[int]]:
    """A message that takes long to answer into each thread of the former, then others evenly while these take."""
    held: list[int] = []
    for thread in long:
        held.append(stage.say(thread, _sleeps(size))[0])
        await asyncio.sleep(0)  # the simulator shall hear heartbeats meanwhile
    began = time.monotonic()
    asked: list[int] = []
    for number in range(size.held * size.elsewhere):
        await asyncio.sleep(began + number / size.elsewhere - time.monotonic())
        asked.append(stage.say(others[number % len(others)])[0])
    return held, asked


def most_at_once(times: Iterable[tuple[float, float | None]]) -> int:
    """How many ran at the same time when it was most, by their beginnings and ends; one without an end runs on."""
    changes: list[tuple[float, int]] = []
    for began, ended in times:
        changes += [(began, 1), (math.inf if ended is None else ended, -1)]
    return max(accumulate(change for _, change in sorted(changes)), default=0)


def _sleeps(size: Size) -> str:
    """Makes the demo agent take its time."""
    return f"[[sleep:{size.held}]]"


async def _worst_own_delay(stop: asyncio.Event) -> float:
    """The longest time, in seconds, by which this process itself was late: so late it may hear a heartbeat."""
    worst = 0.0
    while not stop.is_set():
        due = time.monotonic() + TICK
        await asyncio.sleep(TICK)
        worst = max(worst, time.monotonic() - due)
    return worst

"""What both bots talk to: a simulator and the demo agent in this process, and who answered what, when."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager

from bench.protocol import Platform
from bridge.demo.instance_server import DemoInstanceServer

LATENCY = 0.02
"""Seconds that the agent takes for an answer."""
PEOPLE = 20

_NUMBER = re.compile(r"number (\d+)")


class BenchError(Exception):
    """The measurement could not be made."""


class Stage:
    """People number their messages, the agent repeats them, so every answer is known by its message's number."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.agent = DemoInstanceServer(latency=LATENCY, record=False)
        self.emitted: dict[int, float] = {}
        """Number -> when its first event was handed to the simulator's transport; `time.monotonic`, as all times."""
        self.posts: dict[int, list[float]] = defaultdict(list)
        """Number -> when each of its answers was posted."""
        self.posted_in: dict[str, list[int]] = defaultdict(list)
        """Thread -> the numbers answered there, in the order of the posts."""
        self._next = 0
        self._awaited: set[int] = set()
        self._all_there = asyncio.Event()
        platform.on_answer(self._answered)

    def say(self, thread: str | None = None, also: str = "") -> tuple[int, str]:
        """Somebody writes into the thread, or opens one with a mention. Returns the message's number and thread."""
        self._next += 1
        number = self._next
        said = self.platform.say(f"Person {number % PEOPLE}", f"number {number} {also}".rstrip(), thread)
        self.emitted[number] = said.emitted
        return number, said.thread

    async def answered(self, numbers: Collection[int], seconds: float) -> bool:
        """Whether each of them has an answer within that time."""
        self._awaited = {number for number in numbers if number not in self.posts}
        self._all_there.clear()
        if not self._awaited:
            return True
        try:
            await asyncio.wait_for(self._all_there.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def asked(self) -> dict[int, float]:
        """Number -> when the agent was asked about it, for the requests that `agent.record` kept."""
        return {number_in(request.input): request.started for request in self.agent.requests}

    def _answered(self, thread: str, text: str) -> None:
        number = number_in(text)
        self.posts[number].append(time.monotonic())
        self.posted_in[thread].append(number)
        self._awaited.discard(number)
        if not self._awaited:
            self._all_there.set()


def number_in(text: str) -> int:
    """The number of the message that a text repeats. Raises BenchError if it is none."""
    found = _NUMBER.search(text)
    if found is None:
        raise BenchError(f"a bot said something that answers no message: {text[:80]!r}")
    return int(found[1])


def out_of_order(numbers: Sequence[int]) -> int:
    """How many of a thread's answers came after the answer to a later message; repetitions do not count."""
    newest = count = 0
    for number in dict.fromkeys(numbers):
        count += number < newest
        newest = max(newest, number)
    return count


@asynccontextmanager
async def running_stage(platform: Platform) -> AsyncGenerator[Stage]:
    """That platform, not started before, and a fresh agent."""
    stage = Stage(platform)
    await platform.simulator.start()
    try:
        async with stage.agent:
            yield stage
    finally:
        await platform.simulator.stop()

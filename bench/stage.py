"""What both bots talk to: the Slack simulator and the demo agent in this process, and who answered what, when."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager

from adapters.slack.simulator import SlackSimulator
from adapters.slack.simulator.workspace import Message
from bridge.demo.instance_server import DemoInstanceServer

LATENCY = 0.02
"""Seconds that the agent takes for an answer."""
ROOM = "#bench"
PEOPLE = 20

_NUMBER = re.compile(r"number (\d+)")


class BenchError(Exception):
    """The measurement could not be made."""


class Stage:
    """People number their messages, the agent repeats them, so every answer is known by its message's number."""

    def __init__(self) -> None:
        self.simulator = SlackSimulator(rate_limits=False, record_calls=False)
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
        self.simulator.on_post(self._posted)

    def say(self, thread: str | None = None) -> tuple[int, str]:
        """Somebody writes into the thread, or opens one with a mention. Returns the message's number and thread."""
        self._next += 1
        number = self._next
        said = self.simulator.say_in(
            f"Person {number % PEOPLE}", f"number {number}", room=ROOM, thread_ts=thread, mention=thread is None
        )
        self.emitted[number] = self.simulator.journal.emitted_at[said.id]
        return number, thread or said.id

    def old_threads(self, count: int) -> list[str]:
        """Threads that are in the room already; nobody is told of their messages now."""
        workspace = self.simulator.workspace
        room, person = workspace.room(ROOM), workspace.person("Person 0")
        drafts = (Message(room.id, "", person.id, f"<@{workspace.bot.id}> hello") for _ in range(count))
        return [workspace.post(room, draft).ts for draft in drafts]

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

    def _posted(self, message: Message) -> None:
        number = number_in(message.text)
        self.posts[number].append(time.monotonic())
        self.posted_in[message.thread_ts].append(number)
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
async def running_stage() -> AsyncGenerator[Stage]:
    """A fresh workspace and a fresh agent."""
    stage = Stage()
    async with stage.simulator, stage.agent:
        yield stage

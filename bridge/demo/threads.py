"""Waiting for what a person would see in a thread."""

import asyncio
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape

from bridge.demo.stage import in_time
from bridge.testing.simulator import Said, Simulator


class Onlooker:
    """Sees every message of one platform as it appears, shows it, and waits for answers."""

    def __init__(self, simulator: Simulator, out: Console | None = None) -> None:
        self._simulator = simulator
        self._out = out
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        simulator.watch(self._seen)

    async def answers(self, thread: str, count: int) -> Sequence[Said]:
        """The bot's messages in the thread, once there are so many."""
        await in_time(f"answer {count} in thread {thread}", self._until(lambda: len(self.by_bot(thread)) >= count))
        return self.by_bot(thread)

    def by_bot(self, thread: str) -> Sequence[Said]:
        """The bot's messages in the thread so far."""
        return [said for said in self._simulator.read(thread) if said.by_bot]

    async def _until(self, true: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(true)

    def _seen(self, said: Said) -> None:
        if self._out is not None and (said.by_bot or not said.edited):
            colour = "green" if said.by_bot else "cyan"
            lines = escape(said.text).replace("\n", "\n      ")
            edits = " [dim](edits)[/dim]" if said.edited else ""
            self._out.print(f"   [dim]{said.thread}[/dim] [{colour}]{escape(said.author)}[/{colour}]{edits}: {lines}")
        task = asyncio.create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

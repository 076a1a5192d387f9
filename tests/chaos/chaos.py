"""Conversations on all platforms with a bridge that is killed over and over, and a count of what became of them."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge import faultpoints
from tests.chaos.outcome import RANDOM, Outcome, Size
from tests.chaos.scene import Scene
from tests.journeys.program import PATIENCE

DEFAULT = Size(messages=10_000, faults=500)
PLACES = (*faultpoints.POINTS, RANDOM) * 2 + (RANDOM,) * len(faultpoints.POINTS)
"""Each of them twice, and as often at random."""
STEP = 0.05
"""Seconds between two messages, on average."""
LONGEST = 4.0
"""Seconds until a bridge that did not come to its place is killed where it is."""


class Chaos:
    """One run in an empty folder."""

    def __init__(
        self,
        folder: Path,
        size: Size,
        *,
        places: Sequence[str] = PLACES,
        module: Sequence[str] = ("bridge",),
        prepare: Callable[[Path], None] | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`places`: where it is killed, over and over. `module` runs instead of the program, `prepare` makes the store;
        `say` is told of progress.
        """
        self._folder = folder
        self._store = folder / "threadbridge.db"
        self._size = size
        self._places = places
        self._module = module
        self._prepare = prepare
        self._say = say
        self._chance = random.Random(size.seed)
        self._outcome = Outcome(size)

    async def run(self) -> Outcome:
        """Everything, and what it led to."""
        began = time.monotonic()
        async with Scene(self._outcome, self._chance, f"sqlite:///{self._store}") as self._scene:
            self._program = self._scene.bridge(self._folder, "sqlite:///threadbridge.db", self._module)
            if self._prepare is not None:
                self._prepare(self._store)
            try:
                await self._go_on()
            finally:
                if self._program.running:
                    await self._program.kill()
        self._outcome.minutes = (time.monotonic() - began) / 60
        return self._outcome

    async def _go_on(self) -> None:
        # The bridge takes what is said from its very first start on.
        await self._started(None)
        await self._end_by_kill()
        for number in range(self._size.faults):
            await self._one_life(self._places[number % len(self._places)], self._messages_in(number))
            if (number + 1) % 20 == 0:
                said = len(self._scene.people.questions)
                self._say(f"{number + 1} of {self._size.faults} kills, {said} messages")
        await self._started(None)
        await self._scene.redelivered(lambda: self._program.running)
        await self._program.terminate()
        self._scene.note_broken(self._program)
        await self._scene.judge()

    def _messages_in(self, life: int) -> int:
        each, more = divmod(self._size.messages, self._size.faults)
        return each + (life < more)

    async def _one_life(self, place: str, messages: int) -> None:
        """The bridge starts, people write before and after, something goes wrong, and it is killed."""
        chance, scene = self._chance, self._scene
        while_down = chance.randrange(messages // 2 + 1)
        for _ in range(while_down):
            await scene.people.say()
        times = 1 if place.startswith(("backfill.", "preview.")) else chance.choice((1, 1, 2, 3, 8))
        await self._started(None if place == RANDOM else f"{place}:{times}")
        scene.trouble()
        writing = asyncio.create_task(scene.write(messages - while_down, STEP))
        alive = asyncio.create_task(self._program.ended())
        patience = chance.uniform(0.0, 1.5) if place == RANDOM else LONGEST
        await asyncio.wait({alive}, timeout=patience)
        died_there = alive.done()
        if not died_there:
            await self._end_by_kill()
        await alive
        await writing
        self._outcome.killed_at[place if died_there else RANDOM] += 1
        scene.note_broken(self._program)
        await scene.note_acknowledged()
        scene.calm()

    async def _started(self, die_at: str | None) -> None:
        """Starts the bridge; returns when it is connected everywhere or dead."""
        self._program.environment.pop(faultpoints.VARIABLE, None)
        if die_at is not None:
            self._program.environment[faultpoints.VARIABLE] = die_at
        await self._program.start()
        connected = asyncio.create_task(self._scene.connected())
        ended = asyncio.create_task(self._program.ended())
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({connected, ended}, return_when=asyncio.FIRST_COMPLETED)
        for task in (connected, ended):
            task.cancel()
        await asyncio.gather(connected, ended, return_exceptions=True)

    async def _end_by_kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            await self._program.kill()

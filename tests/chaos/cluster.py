"""Conversations on all platforms with three bridges on one PostgreSQL, all of which get into every kind of trouble."""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bridge import faultpoints
from bridge.errors import StoreError
from bridge.store import database
from tests.chaos.faults import GONE, KILLED, STOPPED, STOPPED_AT_WORK, Faults
from tests.chaos.outcome import Outcome, Size
from tests.chaos.scene import Scene
from tests.chaos.stored import write_down
from tests.chaos.supervised import REPLACED, Supervised
from tests.chaos.takeover import Takeovers
from tests.journeys.program import in_time
from tests.postgresql import PostgreSQL
from tests.proxy import Proxy

DEFAULT = Size(messages=3_000, faults=180)
PROCESSES = 3
STEP = 0.3
"""Seconds between two messages, on average."""
ARMED = 0.8
"""How often a process is started that dies at a named place."""
AWAY = 30.0
"""Seconds for which the database is gone."""
AWAY_EVERY = 60
"""Faults between two such."""
DECK = (
    *(KILLED,) * 5,
    *(STOPPED,) * 3,
    *(STOPPED_AT_WORK,) * 3,
    *("cut off from the database",) * 2,
    *("frozen network to the database",) * 3,
    "slow network to the database",
    "the database restarted",
    "the database crashed and restarted",
    REPLACED,
)
"""Each fault as often as it comes among so many."""


class ClusterChaos:
    """One run in an empty folder."""

    def __init__(
        self,
        folder: Path,
        size: Size,
        *,
        kinds: Sequence[str] = DECK,
        away: float | None = AWAY,
        places: Sequence[str] = tuple(faultpoints.POINTS),
        armed: float = ARMED,
        asleep: float = 0.0,
        step: float = STEP,
        module: Sequence[str] = ("bridge",),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`kinds`: what happens, in an order that chance makes. `away`: see `AWAY`; None: never. `armed`: see `ARMED`; at
        which `places`, and how many of them are `asleep` there instead of dying: a process that sleeps between its last
        look at its lease and the post that is on its way can post what another one posts meanwhile.
        `module` runs instead of the program; `say` is told of progress. Raises NotInstalled.
        """
        self._folder = folder
        self._size = size
        self._kinds = kinds
        self._away = away
        self._places = places
        self._armed = armed
        self._asleep = asleep
        self._step = step
        self._module = module
        self._say = say
        self._chance = random.Random(size.seed)
        self._outcome = Outcome(size)
        self._database = PostgreSQL(durable=True)

    async def run(self) -> Outcome:
        """Everything, and what it led to."""
        began = time.monotonic()
        try:
            self._database.start()
            store = self._database.database("chaos")
            await asyncio.to_thread(database.migrate_at, store)
            async with Scene(self._outcome, self._chance, store) as self._scene, AsyncExitStack() as stack:
                self._bridges = await self._made(stack)
                await self._go_on()
                await self._scene.judge()
                await asyncio.to_thread(write_down, store, self._folder / "store")
        finally:
            self._database.close()
        self._outcome.minutes = (time.monotonic() - began) / 60
        return self._outcome

    async def _made(self, stack: AsyncExitStack) -> Sequence[Supervised]:
        takeovers = Takeovers(self._scene)
        places = itertools.cycle(self._chance.sample(self._places, len(self._places)))
        bridges: list[Supervised] = []
        for number in range(PROCESSES):
            proxy = await stack.enter_async_context(Proxy(self._database.port))
            folder = self._folder / str(number)
            folder.mkdir()
            program = self._scene.bridge(folder, self._database.url("chaos", proxy.port), self._module)
            bridges.append(
                Supervised(
                    program,
                    proxy,
                    self._scene,
                    log=folder / "log",
                    takeovers=takeovers,
                    places=places,
                    armed=self._armed,
                    asleep=self._asleep,
                )
            )
            stack.push_async_callback(bridges[-1].kill)
        return bridges

    async def _go_on(self) -> None:
        keeping = [asyncio.create_task(bridge.keep()) for bridge in self._bridges]
        try:
            await in_time("the start", self._scene.connected())
            await self._in_trouble()
            self._scene.calm()
            for bridge in self._bridges:
                bridge.disarm()
            await self._scene.redelivered(lambda: not any(task.done() for task in keeping))
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)
        await asyncio.gather(*(bridge.end() for bridge in self._bridges))

    async def _in_trouble(self) -> None:
        """Everything is said meanwhile, and every fault is over."""
        faults = Faults(self._bridges, self._database, self._scene, away=self._away or 0.0)
        async with asyncio.TaskGroup() as group:
            for number, kind in enumerate(self._plan()):
                await self._scene.write(self._messages_before(number), self._step)
                group.create_task(faults.happens(kind))
                self._scene.calm()
                self._scene.trouble()
                with contextlib.suppress(StoreError):
                    await self._scene.note_acknowledged()
                if (number + 1) % 10 == 0:
                    self._say(
                        f"{number + 1} of {self._size.faults} faults, {len(self._scene.people.questions)} messages"
                    )

    def _plan(self) -> Iterator[str]:
        """What happens, one after the other."""
        kinds: list[str] = []
        for number in range(self._size.faults):
            if self._away is not None and number % AWAY_EVERY == min(AWAY_EVERY, self._size.faults) // 2:
                yield GONE
                continue
            kinds = kinds or self._chance.sample(self._kinds, len(self._kinds))
            yield kinds.pop()

    def _messages_before(self, fault: int) -> int:
        each, more = divmod(self._size.messages, self._size.faults)
        return each + (fault < more)

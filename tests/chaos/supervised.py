"""One process of several, started again whenever it ended, as a supervisor would."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from bridge import faultpoints
from bridge.errors import StoreError
from tests.chaos.outcome import RANDOM
from tests.chaos.scene import Scene
from tests.chaos.sleeper import SLEPT
from tests.chaos.stored import in_work
from tests.chaos.takeover import Takeovers
from tests.journeys.program import Program
from tests.proxy import Proxy

REPLACED = "ended by SIGTERM"
SLEEPER = ("tests.chaos.sleeper",)
LONGEST_AWAY = 5.0
"""Seconds until it is started again, at most."""


class Supervised:
    """A bridge and its network to the database."""

    def __init__(
        self,
        program: Program,
        proxy: Proxy,
        scene: Scene,
        *,
        log: Path,
        takeovers: Takeovers,
        places: Iterator[str],
        armed: float,
        asleep: float,
    ) -> None:
        """`log`: the file to which each start's log is added.

        Starts with the probability `armed` so that it dies at the next of `places`; `asleep` of these sleep there.
        """
        self._program = program
        self._log = log
        self.proxy = proxy
        self.in_trouble = False
        """Whether something is being done to it."""
        self._scene = scene
        self._takeovers = takeovers
        self._places = places
        self._share_armed = armed
        self._share_asleep = asleep
        self._place: str | None = None
        self._awake = program.module
        self._ends = False

    @property
    def running(self) -> bool:
        return self._program.running

    @property
    def pid(self) -> int:
        return self._program.pid

    async def keep(self) -> None:
        """Starts it, notes how it ended, and starts it again after a while, until this is cancelled."""
        chance = self._scene.chance
        while True:
            self._ends = False
            await self._start()
            code = await self._program.lived()
            await self._note_end(code)
            await asyncio.sleep(chance.uniform(0, LONGEST_AWAY))

    async def _start(self) -> None:
        self._program.module = self._awake
        self._place = next(self._places) if self._scene.chance.random() < self._share_armed else None
        self._program.environment.pop(faultpoints.VARIABLE, None)
        if self._place is not None:
            times = (
                1 if self._place.startswith(("backfill.", "preview.")) else self._scene.chance.choice((1, 1, 2, 3, 8))
            )
            self._program.environment[faultpoints.VARIABLE] = f"{self._place}:{times}"
            if self._scene.chance.random() < self._share_asleep:
                self._program.module = SLEEPER
        await self._program.start()

    async def _note_end(self, code: int) -> None:
        outcome, at = self._scene.outcome, time.monotonic()
        self._note_log()
        if code == -signal.SIGKILL:
            outcome.killed_at[RANDOM if self._ends or self._place is None else self._place] += 1
            with contextlib.suppress(StoreError):
                work = await asyncio.to_thread(in_work, self._scene.store)
                self._takeovers.killed([number for pid, number in work if pid == self.pid], at)
        elif self._ends and code in {0, -signal.SIGTERM if self._starts else 0}:
            outcome.faults[REPLACED] += 1
        elif self._starts:
            outcome.refused += 1
        else:
            outcome.broke.append(f"it ended by itself with {code}: {self._program.text()[-2000:]}")

    def _note_log(self) -> None:
        self._scene.note_broken(self._program)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(self._program.text() + "\n")
        if self._place is not None:
            self._scene.outcome.slept_at[self._place] += len(self._program.events(SLEPT))

    @property
    def _starts(self) -> bool:
        """Whether it has not come to its work yet."""
        return not self._program.events("bridge.started")

    def disarm(self) -> None:
        """From now on it dies nowhere by itself."""
        self._share_armed = 0.0
        if self._place is not None:
            self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Sends it, if it runs; by those that end it, it ends where it is."""
        self._ends |= number in {signal.SIGKILL, signal.SIGTERM}
        with contextlib.suppress(ProcessLookupError):
            self._program.signal(number)

    async def end(self) -> None:
        """It ends by itself, and well; nothing if it does not run. For when nobody keeps it any more."""
        if self.running:
            await self._program.logged("bridge.started")
            code = await self._program.terminate()
            self._note_log()
            if code != 0:
                self._scene.outcome.broke.append(f"it did not end well: {code}")

    async def kill(self) -> None:
        """Whatever state it is in."""
        if self.running:
            await self._program.kill()

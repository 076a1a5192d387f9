"""What happens to the processes of a cluster and to their database: each kind by its name."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

from bridge.demo.instance_server import DemoInstanceServer
from bridge.errors import StoreError
from tests.chaos.people import words_in
from tests.chaos.scene import Scene
from tests.chaos.stored import in_work
from tests.chaos.supervised import REPLACED, Supervised
from tests.postgresql import PostgreSQL

KILLED = "killed"
STOPPED = "stopped for a while"
STOPPED_AT_WORK = "stopped for longer than a lease while its agent works"
GONE = "the database gone"
LONGEST = 15.0
"""Seconds that a process is stopped or cut off, at most."""
LONGER_THAN_A_LEASE = (6.5, 12.0)
AT_WORK = 10.0
"""Seconds within which some agent is asked something."""
KILLED_ASLEEP = 0.2
"""How often one that is stopped never wakes."""
MOST = 2
"""Processes in trouble at once; now and then it is all of them."""
ALL = 0.15
"""How often that is."""


class Faults:
    """Does them, to whichever process is free of trouble."""

    def __init__(self, bridges: Sequence[Supervised], database: PostgreSQL, scene: Scene, *, away: float) -> None:
        """`away`: seconds for which the database is gone."""
        self._bridges = bridges
        self._database = database
        self._scene = scene
        self._away = away
        self._chance = scene.chance
        self._on_the_database = asyncio.Lock()
        self.kinds: Mapping[str, Callable[[], Awaitable[None]]] = {
            KILLED: lambda: self._signalled(signal.SIGKILL),
            REPLACED: lambda: self._signalled(signal.SIGTERM),
            STOPPED: self._stopped,
            STOPPED_AT_WORK: self._stopped_at_work,
            "cut off from the database": self._cut,
            "frozen network to the database": self._frozen,
            "slow network to the database": self._slow,
            "the database restarted": lambda: self._restarted("fast"),
            "the database crashed and restarted": lambda: self._restarted("immediate"),
            GONE: self._gone,
        }

    async def happens(self, kind: str) -> None:
        """Does that, and returns when it is over."""
        await self.kinds[kind]()
        if kind not in {KILLED, REPLACED}:  # these are counted where the process ends
            self._scene.outcome.faults[kind] += 1

    async def _signalled(self, number: signal.Signals) -> None:
        async with self._one() as bridge:
            bridge.signal(number)

    async def _stopped(self) -> None:
        async with self._one() as bridge:
            bridge.signal(signal.SIGSTOP)
            await asyncio.sleep(self._chance.uniform(0.2, LONGEST))
            bridge.signal(signal.SIGKILL if self._chance.random() < KILLED_ASLEEP else signal.SIGCONT)

    async def _stopped_at_work(self) -> None:
        try:
            async with self._one(self._at_work) as bridge:
                bridge.signal(signal.SIGSTOP)
                self._scene.agent.release()
                await asyncio.sleep(self._chance.uniform(*LONGER_THAN_A_LEASE))
                bridge.signal(signal.SIGCONT)
        finally:
            self._scene.agent.release()

    async def _at_work(self) -> Sequence[int]:
        """The pids of those whose agents work, once there is one; nothing if that takes too long.

        Until `release` no agent answers: not for long, or others lose their leases while it still works for them.
        """

        def asked(agent: DemoInstanceServer) -> set[int]:
            unanswered = [one for one in agent.requests if one.finished is None and not one.aborted]
            return {words_in(one.input)[0][0] for one in unanswered}

        agent = self._scene.agent
        agent.hold()
        with contextlib.suppress(TimeoutError, StoreError):
            await asyncio.wait_for(agent.until(lambda agent: bool(asked(agent))), AT_WORK)
            work = await asyncio.to_thread(in_work, self._scene.store)
            return [pid for pid, number in work if number in asked(agent)]
        return []

    async def _cut(self) -> None:
        async with self._one() as bridge:
            bridge.proxy.cut()
            await asyncio.sleep(self._chance.uniform(0.2, LONGEST))

    async def _frozen(self) -> None:
        async with self._one() as bridge:
            bridge.proxy.freeze()
            await asyncio.sleep(self._chance.uniform(1.0, LONGEST))

    async def _slow(self) -> None:
        async with self._one() as bridge:
            bridge.proxy.slow(self._chance.uniform(0.01, 0.3))
            await asyncio.sleep(self._chance.uniform(1.0, LONGEST))

    async def _restarted(self, how: str) -> None:
        async with self._on_the_database:
            await asyncio.to_thread(self._database.restart, how)

    async def _gone(self) -> None:
        async with self._on_the_database:
            await asyncio.to_thread(self._database.stop, self._chance.choice(("fast", "immediate")))
            await asyncio.sleep(self._away)
            await asyncio.to_thread(self._database.start)

    @contextlib.asynccontextmanager
    async def _one(self, rather: Callable[[], Awaitable[Sequence[int]]] | None = None) -> AsyncGenerator[Supervised]:
        """One that runs and to which nothing else is done, by chance or `rather` one of these pids.

        Waits for it; afterwards its network is whole.
        """
        most = len(self._bridges) if self._chance.random() < ALL else MOST
        bridge = None
        while bridge is None:
            while not self._free(most):  # noqa: ASYNC110 - another process tells nobody
                await asyncio.sleep(0.1)
            pids = await rather() if rather else ()
            free = self._free(most)  # something else may have been faster
            best = [one for one in free if one.pid in pids] or free
            bridge = self._chance.choice(best) if best else None
        bridge.in_trouble = True
        try:
            yield bridge
        finally:
            await bridge.proxy.mend()
            bridge.in_trouble = False

    def _free(self, most: int) -> Sequence[Supervised]:
        if sum(one.in_trouble for one in self._bridges) >= most:
            return []
        return [one for one in self._bridges if one.running and not one.in_trouble]

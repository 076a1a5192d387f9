"""Several real bridges on one PostgreSQL, each behind a network of its own; one platform and one agent for all."""

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import psutil
import psycopg

from bridge.demo.instance_server import DemoInstanceServer
from bridge.testing.simulator import Said
from tests.journeys.program import Platform, World, eventually, in_time
from tests.proxy import Proxy

LEASE = 5.0  # seconds until what a process worked on is free, if it is heard of no more
_WORKER = """
    SELECT processes.name FROM open_turns AS open JOIN processes ON processes.id = open.owner
    WHERE open.session_id = %s AND open.lease_until > extract(epoch FROM clock_timestamp())
"""
_POSTER = _WORKER.replace("open_turns", "open_deliveries")
_OPEN = "SELECT (SELECT count(*) FROM open_turns) + (SELECT count(*) FROM open_deliveries)"
_TAKEN = "SELECT count(*) FROM turns"
_NEWEST = "SELECT max(seen_at) FROM processes"
_MET = "SELECT count(*) FROM processes WHERE seen_at > %s"

_World = TypeVar("_World", bound=World[Any])


class Cluster(Generic[_World]):
    """Numbered from 0. Each has a folder and a configuration of its own, which differ in the port of the database."""

    def __init__(self, worlds: Sequence[_World], proxies: Sequence[Proxy], url: str) -> None:
        """`url`: the database without a proxy between."""
        self.worlds = worlds
        self.proxies = proxies
        self.url = url
        for world in worlds:
            world.store_url = url

    @property
    def world(self) -> _World:
        """Any of them, for what does not depend on which."""
        return self.worlds[0]

    @property
    def platform(self) -> Platform:
        return self.world.platform

    @property
    def agent(self) -> DemoInstanceServer:
        return self.world.agent

    def configure(
        self, *rules: Mapping[str, object], bridge: Mapping[str, object] | None = None, **tables: Any
    ) -> None:
        """Writes every config.toml, as `World.configure` does."""
        for world, proxy in zip(self.worlds, self.proxies, strict=True):
            here, there = self.url.rsplit("/", 1)
            store = f"{here.rsplit(':', 1)[0]}:{proxy.port}/{there}"
            world.configure(*rules, bridge={**(bridge or {}), "store": store}, **tables)

    async def start(self, *rules: Mapping[str, object], **tables: Any) -> None:
        """Configures and starts them one after another, so that they are connected in the order of their numbers."""
        self.configure(*rules, **tables)
        for number in range(len(self.worlds)):
            await self.restart(number)

    async def start_together(self, *rules: Mapping[str, object], **tables: Any) -> None:
        """Configures and starts them all at once."""
        self.configure(*rules, **tables)
        await asyncio.gather(*(world.program.start() for world in self.worlds))
        await in_time("every connection", self.platform.connected(len(self.worlds)))

    async def restart(self, number: int) -> None:
        """Starts one that does not run, and waits until it is connected besides the others."""
        before = self.platform.connections()
        await self.worlds[number].program.start()
        await self.worlds[number].program.logged("channel.connected")
        await in_time("the bridge's connection", self.platform.connected(before + 1))

    async def acquainted(self) -> None:
        """Returns once each that runs knows of the others: until then it takes what it can get."""
        newest = (await self._read(_NEWEST))[0]
        running = sum(world.program.running for world in self.worlds)

        async def all_met() -> bool | None:
            return True if (await self._read(_MET, newest))[0] >= running else None

        await eventually("a sign of life of each", all_met)

    async def kill(self, number: int) -> None:
        """SIGKILL; returns once the platform knows that its connection is gone."""
        before = self.platform.connections()
        await self.worlds[number].program.kill()
        await in_time("the end of its connection", self.platform.until(lambda: self.platform.connections() < before))

    async def stop(self, number: int) -> None:
        """SIGSTOP: its connections stay, and it does nothing at all until `go_on`."""
        program = self.worlds[number].program
        program.signal(signal.SIGSTOP)

        async def stopped() -> bool | None:
            return True if psutil.Process(program.pid).status() == psutil.STATUS_STOPPED else None

        await eventually("the standstill", stopped)

    def go_on(self, number: int) -> None:
        """SIGCONT."""
        self.worlds[number].program.signal(signal.SIGCONT)

    def cut(self, number: int) -> None:
        """Its connections to the database are reset, and new ones refused."""
        self.proxies[number].cut()

    def freeze(self, number: int) -> None:
        """It hears nothing of the database any more, not even an end."""
        self.proxies[number].freeze()

    async def mend(self, number: int) -> None:
        """It reaches the database again."""
        await self.proxies[number].mend()

    async def end(self) -> None:
        """SIGTERM to all that run; they end well. What stands in the threads now is all there is."""
        await asyncio.gather(*(world.end() for world in self.worlds if world.program.running))

    async def say(self, text: str, thread: Said | str | None = None, *, person: str = "Ada") -> Said:
        """See `World.say`."""
        return await self.world.say(text, thread, person=person)

    async def ask(self, text: str, thread: Said | str | None = None, *, person: str = "Ada") -> tuple[Said, str]:
        """Says it and waits for the next thing that the bot writes in that thread."""
        before = len(self.shown(thread)) if thread else 0
        said = await self.say(text, thread, person=person)
        return said, (await self.until_shown(said, before + 1))[-1]

    def shown(self, thread: Said | str) -> list[str]:
        """What the bot wrote in the thread so far."""
        return self.world.answers(thread)

    async def until_shown(self, thread: Said | str, count: int) -> list[str]:
        """What the bot wrote in the thread, once that is so many messages."""
        await self.until(f"answer {count}", thread, lambda shown: len(shown) >= count)
        return self.shown(thread)

    async def until(self, what: str, thread: Said | str, holds: Callable[[list[str]], bool]) -> None:
        """Returns once that holds of what the bot wrote in the thread."""
        try:
            await in_time(what, self.platform.until(lambda: holds(self.shown(thread))))
        except AssertionError as error:
            raise AssertionError(f"{error}; there is {self.shown(thread)}\n{self.logs()}") from None

    async def taken(self, count: int) -> None:
        """Returns once so many messages are in the store."""

        async def enough() -> bool | None:
            return True if (await self._read(_TAKEN))[0] >= count else None

        await eventually(f"message {count} in the store", enough)

    async def asked(self, count: int) -> None:
        """Returns once the agent was asked so often."""
        await in_time(f"request {count}", self.agent.wait_for_requests(count))

    async def settled(self) -> None:
        """See `World.settled`. Not while one is stopped: that takes nothing."""
        await self.world.settled()

    async def all_done(self) -> None:
        """Returns once no turn and no delivery is open."""

        async def nothing_open() -> bool | None:
            return True if (await self._read(_OPEN))[0] == 0 else None

        await eventually("the end of all work", nothing_open)

    async def worker(self, session: str) -> int:
        """The number of the one that works on a turn of that session, once one does."""
        return await self._holder(_WORKER, session)

    async def worker_in(self, thread: Said | str) -> int:
        """The same of the thread's own session."""
        return await self.worker(self.world.session_of(thread))

    async def poster_in(self, thread: Said | str) -> int:
        """The number of the one that posts something of that session, once one does."""
        return await self._holder(_POSTER, self.world.session_of(thread))

    def sessions(self) -> dict[str, dict[str, Any]]:
        """What the store knows of sessions, by session id."""
        return self.world.sessions()

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines about that event in all logs."""
        return [line for world in self.worlds for line in world.program.events(event)]

    def logs(self) -> str:
        """Everything that they logged since each one's last start."""
        return "\n".join(f"--- {number}:\n{world.program.text()}" for number, world in enumerate(self.worlds))

    async def _read(self, query: str, *values: object) -> Any:
        """The first row; None if there is none."""
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            return await (await connection.execute(query.encode(), values)).fetchone()

    async def _holder(self, query: str, session: str) -> int:
        async def held() -> int | None:
            row = await self._read(query, session)
            pid = row and int(row[0].rpartition(":")[2])
            running = [number for number, world in enumerate(self.worlds) if world.program.running]
            return next((number for number in running if self.worlds[number].program.pid == pid), None)

        return await eventually(f"work on {session}", held)

"""How long a turn may run: as long as its instance allows, or until somebody stops it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

import structlog

from bridge.errors import InstanceError, LeaseLost, TurnInterrupted
from bridge.instance import CanStop, Instance, Turn

_log = structlog.get_logger(__name__)

GRACE = 10.0
"""Seconds that an agent which was told to stop has to say that it did."""


class Stopped(Exception):
    """Somebody wanted the turn to stop, and nobody listens to its agent any more."""


@dataclass(slots=True)
class _Running:
    turn: Turn
    limit: asyncio.Timeout
    stopped: bool = False
    lost: bool = False


class RunningTurns:
    """The turns that one instance works on in this process."""

    def __init__(self, instance: Instance, longest: float) -> None:
        """`longest`: the seconds of its settings."""
        self._instance = instance
        self._longest = longest
        self._running: dict[int, _Running] = {}
        self._telling: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def limited(self, seq: int, turn: Turn, until_lost: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
        """While this is open the turn may be stopped, which ends what is done here with Stopped.

        Raises TurnInterrupted if it takes too long, and LeaseLost once `until_lost` is over: then another process asks
        the agent. One that would work on without us is told not to, unless somebody else listens to it from now on.
        """
        one = _Running(turn, asyncio.timeout(self._longest))
        self._running[seq] = one
        watching = asyncio.ensure_future(self._hang_up(one, until_lost))
        try:
            async with one.limit:
                try:
                    yield
                finally:
                    watching.cancel()
                    del self._running[seq]
        except TimeoutError:
            if one.lost:
                raise LeaseLost("its agent was hung up on, since another process asks it from now on") from None
            if one.stopped:
                raise Stopped from None
            await self._tell(turn)
            limit = f"it was not done after {self._longest:.0f} seconds (longest of [instances.{self._instance.name}])"
            raise TurnInterrupted(limit, why="long") from None

    def stop(self, seq: int) -> None:
        """Stops it if it runs here. An agent that can be told so has some seconds to come to an end of its own."""
        one = self._running.get(seq)
        if one is None or one.stopped:
            return
        one.stopped = True
        now = asyncio.get_running_loop().time()
        if not isinstance(self._instance, CanStop):
            one.limit.reschedule(now)
            return
        one.limit.reschedule(now + GRACE)
        telling = asyncio.create_task(self._tell(one.turn))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    @staticmethod
    async def _hang_up(one: _Running, until_lost: Callable[[], Awaitable[None]]) -> None:
        await until_lost()
        if not one.limit.expired():
            one.lost = True
            one.limit.reschedule(asyncio.get_running_loop().time())

    async def _tell(self, turn: Turn) -> None:
        if isinstance(self._instance, CanStop):
            try:
                await self._instance.stop(turn)
            except InstanceError as error:
                _log.warning("turn.not_stopped", session=turn.session, reason=str(error))

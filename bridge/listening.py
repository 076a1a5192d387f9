"""Keeps one channel listening whatever ends it, and says whether it hears anything and why not."""

import asyncio
from collections.abc import Callable

import structlog

from bridge import retry
from bridge.abilities import CanSayWhyAway
from bridge.backfill import Backfill
from bridge.channel import Accept, Channel, Facts, Hearing
from bridge.envelope import Envelope
from bridge.errors import BridgeError

_log = structlog.get_logger(__name__)

LONGEST_ABSENCE = 10.0
"""Seconds between two attempts to connect a channel."""
LOOK = 0.5
"""Seconds between two looks whether the channel is connected."""

NOT_YET = "it is not connected yet"
LOST = "its connection was lost; a new one is being made"
DEAF = "its connection is open but brings nothing; it is being replaced"


class Listening:
    """One channel's way in."""

    def __init__(
        self,
        channel: Channel,
        accept: Accept,
        backfill: Backfill,
        *,
        problem: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        """`problem`: what else is known to be wrong with the channel of a name."""
        self._problem = problem
        self._channel = channel
        self._accept = accept
        self._backfill = backfill
        self._why_away = NOT_YET

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            await self._listen()

    def hearing(self) -> Hearing:
        """What is known now; asks nobody."""
        if not self._connected():
            said = self._channel.why_away() if isinstance(self._channel, CanSayWhyAway) else None
            return Hearing(connected=False, hears=False, problem=said or self._why_away)
        if self._backfill.deaf:
            return Hearing(connected=True, hears=False, problem=DEAF)
        problem = self._backfill.problem or self._problem(self._channel.name)
        return Hearing(connected=True, hears=True, problem=problem)

    async def _listen(self) -> None:
        name = self._channel.name
        attempt = 0
        while True:
            attempt += 1
            try:
                await self._channel.listen(self._hear)
            except BridgeError as error:
                self._why_away = "; ".join(str(error).splitlines())
                _log.warning("channel.away", channel=name, reason=self._why_away)
            except Exception as error:  # noqa: BLE001 - one channel must not take the others down
                self._why_away = f"the bridge itself failed ({type(error).__name__}): see the log"
                _log.exception("channel.broke", channel=name)
            await asyncio.sleep(min(retry.wait(attempt, 0), LONGEST_ABSENCE))

    async def _watch(self) -> None:
        """What kept a channel away is no reason any more once it was connected."""
        while True:
            self._connected()
            await asyncio.sleep(LOOK)

    def _connected(self) -> bool:
        connected = self._channel.connected()
        if connected:
            self._why_away = LOST
        return connected

    async def _hear(self, envelope: Envelope, facts: Facts) -> None:
        self._backfill.heard_live()
        await self._accept(envelope, facts)

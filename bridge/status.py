"""Shows in the conversation that an answer is being worked on, as long as it is."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import structlog

from bridge.abilities import CanShowStatus
from bridge.channel import Channel
from bridge.envelope import Envelope
from bridge.errors import ChannelError, RateLimited

_log = structlog.get_logger(__name__)

LONGEST_END = 1.0
"""Seconds that the work waits for the end of its being shown."""
EVERY = 2.0
"""Seconds between two things that are being done, at least."""


class Statuses:
    """What is being worked on in one channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._endings: set[asyncio.Task[float]] = set()

    @contextlib.asynccontextmanager
    async def shown(self, envelope: Envelope) -> AsyncGenerator["Status"]:
        """While this is open, the channel shows it where it can. Nothing waits for it, and no failure of it matters."""
        status = Status()
        if not isinstance(self._channel, CanShowStatus):
            yield status
            return
        task = asyncio.create_task(_show(self._channel, envelope, status))
        try:
            yield status
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=LONGEST_END)
            if status.shown:
                self._end(self._channel, envelope)

    def _end(self, channel: CanShowStatus, envelope: Envelope) -> None:
        task = asyncio.create_task(_unless_it_fails(channel.end_status(envelope), envelope))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)


class Status:
    """What one turn is doing."""

    def __init__(self) -> None:
        self.shown = False
        """Whether something may be seen of it."""
        self._doing: str | None = None
        self._news = asyncio.Event()

    def does(self, what: str) -> None:
        """From now on it does this."""
        if what != self._doing:
            self._doing = what
            self._news.set()

    def take(self) -> str | None:
        """The newest of what it does; until there is something else, `changed` waits."""
        self._news.clear()
        return self._doing

    async def changed(self, within: float) -> None:
        """Returns once it does something else, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._news.wait()


async def _show(channel: CanShowStatus, envelope: Envelope, status: Status) -> None:
    await asyncio.sleep(channel.status_after)
    while True:
        status.shown = True
        wait = await _unless_it_fails(channel.show_status(envelope, status.take()), envelope)
        await asyncio.sleep(max(EVERY, wait))
        await status.changed(within=channel.status_seconds * 0.8 - EVERY)


async def _unless_it_fails(call: Coroutine[Any, Any, None], envelope: Envelope) -> float:
    """Seconds that the platform asks to wait."""
    try:
        await call
    except RateLimited as error:
        return error.retry_after
    except ChannelError as error:
        _log.debug("status.not_shown", envelope=envelope.id, reason=str(error))
    except Exception as error:  # noqa: BLE001 - the answer matters, this does not
        _log.warning("status.broke", envelope=envelope.id, reason=type(error).__name__)
    return 0.0

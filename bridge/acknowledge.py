"""A sign on a message that was taken, or was not, for whoever wrote it. Nothing waits for it, no failure matters."""

import asyncio
import time

import structlog

from bridge.abilities import CanReact
from bridge.channel import Channel
from bridge.envelope import Envelope
from bridge.errors import ChannelError, RateLimited
from bridge.pace import Clock, Pace

_log = structlog.get_logger(__name__)

AFTER = 0.5
"""Seconds for which it waits: what is answered by then needs no sign, and the question goes first."""
AT_ONCE = 4
"""Messages that wait for theirs; under load the others get none."""
FAILURES = 3
"""After so many one after the other it is left for a while."""
PAUSE = 600.0
"""Seconds."""


class Acknowledging:
    """Signs for one channel's messages."""

    def __init__(self, channel: Channel, clock: Clock = time.monotonic) -> None:
        self._channel = channel
        self._clock = clock
        self._pace = Pace(clock)
        self._failures = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def taken(self, envelope: Envelope) -> None:
        """The message is the bridge's now."""
        if isinstance(self._channel, CanReact):
            self._show(self._channel, envelope, self._channel.reaction)

    def not_taken(self, envelope: Envelope) -> None:
        """The message is not taken as it stands there now."""
        if isinstance(self._channel, CanReact):
            self._show(self._channel, envelope, self._channel.not_taken)

    def _show(self, channel: CanReact, envelope: Envelope, sign: str) -> None:
        if not sign or len(self._tasks) >= AT_ONCE:
            return
        task = asyncio.create_task(self._react(channel, envelope, sign))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _react(self, channel: CanReact, envelope: Envelope, sign: str) -> None:
        at = self._pace.next(channel.react_seconds, not_before=self._clock() + AFTER)
        await asyncio.sleep(at - self._clock())
        try:
            await channel.react(envelope, sign)
        except RateLimited as error:
            self._pace.hold(error.retry_after)
        except ChannelError as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - the answer matters, this does not
            self._failed(type(error).__name__)
        else:
            self._failures = 0

    def _failed(self, reason: str) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._failures = 0
            self._pace.hold(PAUSE)
            _log.info("reactions.left", reason=reason, seconds=PAUSE)

"""Shows in the conversation that an answer is being worked on, as long as it is."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import structlog

from bridge.channel import CanShowStatus, Channel
from bridge.envelope import Envelope
from bridge.errors import ChannelError, RateLimited

_log = structlog.get_logger(__name__)

LONGEST_END = 1.0
"""Seconds that the work waits for the end of its being shown."""


@contextlib.asynccontextmanager
async def shown(channel: Channel, envelope: Envelope) -> AsyncGenerator[None]:
    """While this is open, the channel shows it where it can. Nothing waits for it, and no failure of it matters."""
    if not isinstance(channel, CanShowStatus):
        yield
        return
    task = asyncio.create_task(_show(channel, envelope))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=LONGEST_END)


async def _show(channel: CanShowStatus, envelope: Envelope) -> None:
    while True:
        pause = channel.status_seconds * 0.8
        try:
            await channel.show_status(envelope)
        except RateLimited as error:
            pause = max(pause, error.retry_after)
        except ChannelError as error:
            _log.debug("status.not_shown", envelope=envelope.id, reason=str(error))
        except Exception as error:  # noqa: BLE001 - the answer matters, this does not
            _log.warning("status.broke", envelope=envelope.id, reason=type(error).__name__)
        await asyncio.sleep(pause)

"""Tells Discord which commands there are, if it does not know yet."""

import asyncio
from typing import cast

import structlog

from adapters.discord.client import DiscordClient
from adapters.discord.commands import COMMANDS, are_registered
from bridge.errors import ChannelError, NotSent, RateLimited, Rejected
from bridge.foreign import items_at, text_at

_log = structlog.get_logger(__name__)

FIRST_PAUSE = 15.0
LONGEST_PAUSE = 3600.0
"""Seconds before the next attempt."""
REMEDY = "/help and the like may be missing until it works; !help and the like can be written all the same"
_PATH = "/applications/{application_id}/commands"


async def register(channel: str, client: DiscordClient) -> None:
    """Returns when they are registered, or when Discord refuses them; raises nothing. What is wrong is said once.

    All global commands of the application are overwritten at once, and only where they differ: 200 may be created a
    day. https://docs.discord.com/developers/interactions/application-commands#bulk-overwrite-global-application-commands
    """
    pause, said = FIRST_PAUSE, False
    while True:
        wait = pause
        try:
            if await _register(client):
                _log.info("commands.registered", channel=channel, count=len(COMMANDS))
        except ChannelError as error:
            log = _log.debug if said else _log.warning
            log("commands.not_registered", channel=channel, reason=str(error), remedy=REMEDY)
            said = True
            if isinstance(error, Rejected):
                return
            if isinstance(error, RateLimited):
                wait = max(error.retry_after, pause)
        else:
            return
        await asyncio.sleep(wait)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _register(client: DiscordClient) -> bool:
    """Whether they were not registered like that before. Raises ChannelError."""
    application = text_at(await client.application(), "id")
    if application is None:
        raise NotSent("GET /applications/@me: the answer is not Discord's")
    found = await client.call("GET", _PATH, application_id=application)
    if not isinstance(found, list):
        raise NotSent(f"GET {_PATH}: the answer is not Discord's")
    if are_registered(items_at({"found": cast("object", found)}, "found")):
        return False
    await client.call("PUT", _PATH, json=COMMANDS, application_id=application)
    return True

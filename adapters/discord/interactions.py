"""Buttons that were pressed and commands that were used: each taken, and then answered to that person alone.

Discord waits three seconds for the answer, which is the acknowledgement, and without one shows the person that it
failed. https://docs.discord.com/developers/interactions/receiving-and-responding (2026-11-22)
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from adapters.discord import limits, parse
from adapters.discord.client import DiscordClient
from bridge.actions import TakeCommand, TakePress
from bridge.errors import ChannelError, TakenElsewhere
from bridge.foreign import dig, text_at

_log = structlog.get_logger(__name__)

APPLICATION_COMMAND, MESSAGE_COMPONENT = 2, 3
"""The types of an interaction that is a command, or a press; others are not ours.
https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-interaction-type"""

_Take = Callable[[object], Awaitable[str]]


class Interactions:
    """The presses and commands of one channel. Until somebody takes them they are not answered."""

    def __init__(self, channel: str, client: DiscordClient) -> None:
        self._channel = channel
        self._client = client
        self._takers: dict[int, _Take] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def on_press(self, take: TakePress) -> None:
        """Gives every press to `take` from now on."""
        self._takers[MESSAGE_COMPONENT] = lambda data: take(parse.press(data))

    def on_command(self, take: TakeCommand) -> None:
        """Gives every command to `take` from now on."""
        self._takers[APPLICATION_COMMAND] = lambda data: take(parse.invocation(data))

    def takes_commands(self) -> bool:
        """Whether somebody does."""
        return APPLICATION_COMMAND in self._takers

    def put(self, payload: dict[str, Any]) -> None:
        """Takes an INTERACTION_CREATE; nothing waits for it."""
        kind = dig(payload, "d", "type")
        take = self._takers.get(kind) if isinstance(kind, int) else None
        if take is None:
            return
        task = asyncio.create_task(self._take(dig(payload, "d"), take))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Lets go of what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, data: object, take: _Take) -> None:
        interaction, token = text_at(data, "id"), text_at(data, "token")
        try:
            if interaction is None or token is None:
                raise parse.Malformed("an interaction without id or token")
            async with asyncio.timeout(limits.ANSWER_SECONDS):
                await self._client.answer(interaction, token, await take(data))
        except parse.Malformed as error:
            _log.warning("event.malformed", channel=self._channel, id=interaction, reason=str(error))
        except TakenElsewhere:
            pass
        except ChannelError as error:
            _log.info("interaction.not_answered", channel=self._channel, reason=str(error))
        except Exception as error:  # noqa: BLE001 - Discord tells that person that it failed
            _log.warning("interaction.not_taken", channel=self._channel, reason=type(error).__name__)

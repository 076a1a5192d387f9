"""What was said while nobody listened, read from the history of rooms, threads and direct conversations."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from adapters.slack import ids, parse
from adapters.slack.client import SlackClient
from adapters.slack.parse import Bot, Malformed
from bridge.channel import Facts
from bridge.envelope import Conversation, Envelope
from bridge.errors import ChannelError, RateLimited, Rejected
from bridge.foreign import text_at

_log = structlog.get_logger(__name__)

ROOTS_BACK = 24 * 3600.0
"""Seconds before that time in which a thread may have begun and yet be found by its newest reply."""

Found = Sequence[tuple[Envelope, Facts]]


class Missed:
    """Reads what is newer than a time."""

    def __init__(self, channel: str, client: SlackClient) -> None:
        self._channel = channel
        self._client = client

    async def read(self, since: float, known: Sequence[Conversation], bot: Bot, *, everywhere: bool) -> Found:
        """Oldest first. Raises ChannelError.

        `everywhere` includes the threads that began up to ROOTS_BACK seconds before, known or not.
        """
        oldest = f"{since:.6f}"
        roots = f"{max(since - ROOTS_BACK, 0):.6f}" if everywhere else oldest
        places = [ids.place(conversation.ref) for conversation in known]
        rooms = dict.fromkeys(place.room for place in places)
        if everywhere:
            rooms |= dict.fromkeys(await self._all_rooms())
        threads = dict.fromkeys((place.room, place.thread) for place in places if place.thread)
        messages: list[tuple[str, dict[str, Any]]] = []
        for room in rooms:
            for message in await self._since(ids.Place(bot.team, room, None), roots):
                if (text_at(message, "ts") or "") >= oldest:
                    messages.append((room, message))
                if (text_at(message, "latest_reply") or "") >= oldest:
                    threads[room, text_at(message, "ts") or ""] = None
        for room, thread in threads:
            messages += [(room, one) for one in await self._since(ids.Place(bot.team, room, thread), oldest)]
        return self._parsed(messages, bot)

    async def _all_rooms(self) -> Sequence[str]:
        """Empty where the app may not list them: then the rooms of known conversations have to do."""
        try:
            return await self._client.rooms()
        except ChannelError as error:
            if error.code != "missing_scope":
                raise
            _log.warning("rooms.unknown", channel=self._channel, reason=str(error))
            return ()

    async def _since(self, where: ids.Place, oldest: str) -> Sequence[dict[str, Any]]:
        while True:
            try:
                return await self._client.since(where, oldest)
            except RateLimited as error:  # with many rooms this is how it goes: on from here, not from the beginning
                await asyncio.sleep(error.retry_after)
            except Rejected as error:  # gone, or not for us: nothing can be missed there
                _log.debug("room.unreadable", channel=self._channel, room=where.room, reason=str(error))
                return ()

    def _parsed(self, messages: Sequence[tuple[str, dict[str, Any]]], bot: Bot) -> Found:
        found: dict[str, tuple[Envelope, Facts]] = {}
        for room, message in messages:
            try:
                parsed = parse.message(message, bot.team, bot, message, room=room)
            except Malformed as error:
                _log.warning("message.malformed", channel=self._channel, reason=str(error))
            else:
                if parsed is not None:
                    found.setdefault(parsed[0].id, parsed)
        return sorted(found.values(), key=lambda one: one[0].ts)

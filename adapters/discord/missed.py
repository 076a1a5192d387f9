"""What was said while nobody listened, read from the history of rooms, threads and direct conversations."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from adapters.discord import ids, parse
from adapters.discord.client import DiscordClient
from adapters.discord.markup import NameOf
from adapters.discord.parse import Bot, Malformed, Where
from bridge.channel import Facts
from bridge.envelope import Conversation, Envelope
from bridge.errors import Rejected
from bridge.foreign import dig, text_at

_log = structlog.get_logger(__name__)

SILENT = (4, 14, 15, 16)
"""Types of channels that hold no messages themselves: category, directory, forum, media."""

Found = Sequence[tuple[Envelope, Facts]]
Place = tuple[str | None, Where]
"""The server, None for a direct conversation, and where in it."""


class Missed:
    """Reads what is newer than a time."""

    def __init__(
        self, channel: str, client: DiscordClient, guilds: Callable[[], Sequence[str]], name_of: NameOf
    ) -> None:
        self._channel = channel
        self._client = client
        self._guilds = guilds
        self._name_of = name_of

    async def read(self, since: float, known: Sequence[Conversation], bot: Bot, *, everywhere: bool) -> Found:
        """Oldest first. Raises ChannelError."""
        after = ids.first_at(since)
        places: dict[str, Place | None] = {**_near(known)}
        if everywhere:
            for guild in self._guilds():
                places |= await self._listed(guild, after)
        found: dict[str, tuple[Envelope, Facts]] = {}
        for channel, place in places.items():
            if place is not None:
                for envelope, facts in await self._messages(channel, *place, after, bot):
                    found.setdefault(envelope.id, (envelope, facts))
        return sorted(found.values(), key=lambda one: int(ids.message_of(one[0].id)))

    async def _listed(self, guild: str, after: str) -> Mapping[str, Place | None]:
        """The rooms and threads that Discord lists for a server, by id; None where nothing was said since.

        It lists no archived threads.
        """
        places: dict[str, Place | None] = {}
        for channel in await self._client.places(guild):
            own, last = text_at(channel, "id"), text_at(channel, "last_message_id")
            if own is None:
                continue
            silent = last is None or dig(channel, "type") in SILENT or _number(last) < _number(after)
            try:
                places[own] = None if silent else (guild, parse.where(channel))
            except Malformed as error:
                _log.warning("room.malformed", channel=self._channel, reason=str(error))
        return places

    async def _messages(self, channel: str, guild: str | None, where: Where, after: str, bot: Bot) -> Found:
        try:
            page = await self._client.after(channel, after)
        except Rejected as error:  # gone, or not for us: nothing can be missed there
            _log.debug("room.unreadable", channel=self._channel, room=channel, reason=str(error))
            return []
        found: list[tuple[Envelope, Facts]] = []
        for one in page:
            try:
                parsed = parse.message(one, guild, where, bot, self._name_of)
            except Malformed as error:
                _log.warning("message.malformed", channel=self._channel, reason=str(error))
            else:
                found += [parsed] if parsed else []
        return found


def _near(known: Sequence[Conversation]) -> dict[str, Place]:
    """The threads and rooms of these conversations."""
    places: dict[str, Place] = {}
    for conversation in known:
        place = ids.place(conversation.ref)
        places[place.room] = (place.guild, Where(place.room))
        if place.thread is not None:
            places[place.thread] = (place.guild, Where(place.room, place.thread))
    return places


def _number(snowflake: str) -> int:
    return int(snowflake) if snowflake.isdecimal() else 0

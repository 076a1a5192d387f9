"""The Discord channel: what listens, parses, renders and posts, wired together."""

import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import ClassVar, Literal, Protocol, Self, cast

import structlog
from pydantic import Field, field_validator

from adapters.discord import ids, limits, listen, manifest, markup, parse, registering
from adapters.discord import render as rendering
from adapters.discord.arrivals import Arrivals
from adapters.discord.client import DiscordClient
from adapters.discord.failures import UNKNOWN_CHANNEL
from adapters.discord.files import Files
from adapters.discord.groups import Groups
from adapters.discord.interactions import Interactions
from adapters.discord.missed import Missed
from adapters.discord.threads import Threads
from bridge.abilities import (
    Attachment,
    CanDescribeRoom,
    CanEdit,
    CanFetchFiles,
    CanFindSent,
    CanMention,
    CanReact,
    CanReadHistory,
    CanReadLinks,
    CanReadMissed,
    CanReconnect,
    CanResolveGroups,
    CanSayWhyAway,
    CanSendFiles,
    CanShowStatus,
    HasManifest,
    LinkedMessage,
)
from bridge.actions import Button, CanShowButtons, CanTakeCommands, CanTellChanges, TakeChange, TakeCommand, TakePress
from bridge.channel import Accept, Channel, Delivery, Facts, MessageRef, Payload
from bridge.envelope import Conversation, Envelope
from bridge.errors import ChannelError, NotSent
from bridge.foreign import dig, text_at
from bridge.room import Room
from bridge.settings import Secret, Section, asked

_log = structlog.get_logger(__name__)

READS_CONTENT = (1 << 18) | (1 << 19)
"""Flags of an application that may read messages, as verified or as small one.
https://docs.discord.com/developers/resources/application#application-object-application-flags"""
SETTLE_SECONDS = 5.0
"""How long the end waits for what came in to be stored."""
PLACES_KEPT = 10_000
"""Rooms and threads that are remembered because the gateway did not tell of them."""


class DiscordSettings(Section):
    """`[channels.…]` with `type = "discord"`."""

    type: Literal["discord"]
    token: Secret = Field(json_schema_extra=asked("Bot token, from the developer portal > Bot > Reset Token"))
    api_base: str = "https://discord.com/api/v10"
    reaction: str = Field(default="👀", max_length=100)
    """The emoji that is put on a message once it is taken, or `name:id` of one of the server's own; empty: none.
    Needs the permission Add Reactions."""
    not_taken: str = Field(default="⌛", max_length=100)
    """The emoji on a message that is not taken as it stands there now, in the same form; empty: none."""
    commands: bool = True
    """Whether /help, /stop and the others are registered for the application, in place of all that it has."""

    @field_validator("api_base")
    @classmethod
    def _base(cls, value: str) -> str:
        if not re.match(r"https?://[^/\s]+", value):
            raise ValueError('write an address, as in "https://discord.com/api/v10"')
        return value.rstrip("/")


class DiscordChannel:
    """One Discord bot, in all servers that it was invited to."""

    Settings: ClassVar[type[Section]] = DiscordSettings
    source: ClassVar[str] = "discord"
    posts_at_once = 256
    """Many: a post that Discord's buckets hold back waits among them."""
    edit_seconds = limits.EDIT_SECONDS
    file_bytes = limits.FILE_BYTES
    previews_at_once = 200
    status_after = 0.0
    status_seconds = limits.TYPING_SECONDS
    react_seconds = limits.REACT_SECONDS

    def __init__(self, name: str, settings: DiscordSettings) -> None:
        self.name = name
        self._token = settings.token.get_secret_value()
        self._client = DiscordClient(name, self._token, settings.api_base)
        self._threads = Threads(name, self._client)
        self._files = Files(self._client, settings.api_base)
        self._missed = Missed(name, self._client, self._guilds, self._name_of)
        self.reaction, self.not_taken = settings.reaction, settings.not_taken
        self._registers = settings.commands
        self._interactions = Interactions(name, self._client)
        self._groups = Groups(self._client, self._guild_of_role)
        self._changed: TakeChange | None = None
        self._gateway: listen.Gateway | None = None
        self._refusal: str | None = None
        self._places: dict[str, parse.Where] = {}

    @classmethod
    def create(cls, name: str, settings: Section) -> Self:
        return cls(name, cast("DiscordSettings", settings))

    async def verify(self) -> None:
        try:
            await self._identify()
            flags = dig(await self._client.application(), "flags")
        except ChannelError as error:
            _log.warning("channel.unreachable", channel=self.name, reason=str(error))
            return
        if isinstance(flags, int) and not flags & READS_CONTENT:
            _log.error("channel.lacks_intent", channel=self.name, remedy=listen.REFUSALS[listen.DISALLOWED_INTENT])

    async def _identify(self) -> parse.Bot:
        me = await self._client.me()
        user = text_at(me, "id")
        if user is None:
            raise ChannelError("GET /users/@me: the answer is not Discord's")
        return parse.Bot(user, text_at(me, "global_name") or text_at(me, "username") or user)

    async def listen(self, accept: Accept) -> None:
        bot = await self._identify()
        wanted = self._registers and self._interactions.takes_commands()
        registering_them = asyncio.create_task(registering.register(self.name, self._client)) if wanted else None
        try:
            await self._listen_for_ever(bot, accept)
        finally:
            if registering_them is not None:
                registering_them.cancel()
                await asyncio.gather(registering_them, return_exceptions=True)

    async def _listen_for_ever(self, bot: parse.Bot, accept: Accept) -> None:
        while True:
            try:
                await self._listen_as(bot, accept)
            except listen.Refused as refused:
                _log.error("channel.refused", channel=self.name, code=refused.code, remedy=str(refused))
                if refused.code == listen.DISALLOWED_INTENT and bot.reads_content:
                    # Mentions and direct messages can be read all the same.
                    bot = replace(bot, reads_content=False)
                else:
                    self._refusal = str(refused)
                    await asyncio.sleep(listen.REFUSED_PAUSE)
                    self._refusal = None

    async def _listen_as(self, bot: parse.Bot, accept: Accept) -> None:
        arrivals = Arrivals(
            self.name, bot, self._where, self._guild_of, name_of=self._name_of, accept=accept, changed=self._changed
        )
        gateway = listen.Gateway(
            self.name,
            await self._client.library(),
            self._client.call,
            arrivals.put,
            self._threads.deleted,
            changed=arrivals.put_change,
            interacted=self._interactions.put,
            message_content=bot.reads_content,
        )
        self._gateway = gateway
        try:
            await gateway.connect()
        finally:
            self._gateway = None
            await gateway.end()
            await arrivals.settle(SETTLE_SECONDS)

    def connected(self) -> bool:
        return self._gateway is not None and self._gateway.hears()

    def why_away(self) -> str | None:
        return self._refusal

    @classmethod
    def render(cls, text: str) -> Sequence[Payload]:
        return rendering.render(text)

    @classmethod
    def render_with_buttons(cls, text: str, buttons: Sequence[Button]) -> Sequence[Payload]:
        return rendering.render_with_buttons(text, buttons)

    def on_press(self, take: TakePress) -> None:
        self._interactions.on_press(take)

    def on_command(self, take: TakeCommand) -> None:
        self._interactions.on_command(take)

    def on_change(self, take: TakeChange) -> None:
        self._changed = take

    async def send(self, delivery: Delivery) -> MessageRef:
        return await self._threads.post(delivery)

    def sends_files(self) -> bool:
        return True  # where it may not, Discord says so

    async def edit(self, ref: MessageRef, payload: Payload) -> None:
        await self._client.edit(ref, payload)

    async def find_sent(self, delivery: Delivery) -> Sequence[MessageRef]:
        return await self._threads.find(delivery)

    async def show_status(self, envelope: Envelope, doing: str | None) -> None:  # noqa: ARG002 - typing has no words
        place, message = ids.place(envelope.conversation.ref), ids.message_of(envelope.id)
        there = self._post_of(place) or await self._threads.prepare(place, message, envelope.text)
        await self._client.show_typing(there)

    def mention(self, parts: Sequence[Payload], asked: Envelope) -> Sequence[Payload]:
        return rendering.mention(parts, ids.user_of(asked.actor.id)) if asked.actor.type == "human" else parts

    async def end_status(self, envelope: Envelope) -> None:
        """Typing goes by itself."""

    async def react(self, envelope: Envelope, sign: str) -> None:
        where, message = ids.place(envelope.conversation.ref), ids.message_of(envelope.id)
        # The message that a thread begins with stands in the thread's room, unless that is a forum.
        beside = where.thread in (None, message) and not self._post_of(where)
        channel = where.room if beside or where.thread is None else where.thread
        await self._client.react(channel, message, sign)

    async def missed(
        self, since: float, known: Sequence[Conversation], *, everywhere: bool
    ) -> Sequence[tuple[Envelope, Facts]]:
        return await self._missed.read(since, known, await self._identify(), everywhere=everywhere)

    async def reconnect(self) -> None:
        if self._gateway is not None:
            await self._gateway.reconnect()

    async def earlier_in_thread(self, envelope: Envelope) -> Sequence[tuple[Envelope, Facts]]:
        bot = await self._identify()
        place = ids.place(envelope.conversation.ref)
        if place.thread is None:
            return []
        try:
            page = await self._client.before(place.thread, ids.message_of(envelope.id), limits.PAGE)
        except ChannelError as error:
            if error.code == UNKNOWN_CHANNEL:  # a conversation outside of threads
                return []
            raise
        found: list[tuple[Envelope, Facts]] = []
        where = parse.Where(place.room, place.thread)
        for one in page:
            said = dig(one, "referenced_message") if dig(one, "type") == parse.STARTER else one
            try:
                parsed = parse.message(said, place.guild, where, bot, self._name_of) if said else None
            except parse.Malformed as error:
                _log.warning("message.malformed", channel=self.name, reason=str(error))
            else:
                found += [parsed] if parsed else []
        return found

    async def describe_room(self, envelope: Envelope) -> Room:
        place = ids.place(envelope.conversation.ref)
        found = self._gateway.room(place.room, place.thread) if self._gateway else None
        if found is None:
            raise NotSent("the gateway has not told of the room yet")
        return replace(found, topic=markup.to_plain(found.topic, {}, {}, self._name_of))

    async def groups_of(self, facts: Facts, groups: Collection[str]) -> frozenset[str]:
        return await self._groups.of(facts, groups)

    async def groups_problem(self, groups: Collection[str]) -> str | None:
        return self._groups.problem(groups) if self.connected() else None

    async def attached(self, envelope: Envelope) -> Sequence[Attachment]:
        return self._files.attached(envelope)

    async def fetch(self, envelope: Envelope, attachment: Attachment, most: int) -> bytes | None:
        return await self._files.fetch(envelope, attachment, most)

    def _post_of(self, place: ids.Place) -> str | None:
        """The forum's post that it is; None for any other place."""
        return place.thread if self._gateway is not None and self._gateway.is_forum(place.room) else None

    async def _where(self, channel: str) -> parse.Where:
        """What is known of a room or thread; Discord is asked where the gateway did not tell."""
        known = (self._gateway.where(channel) if self._gateway else None) or self._places.get(channel)
        if known is None:
            if len(self._places) >= PLACES_KEPT:
                self._places.clear()
            answer = await self._client.channel(channel)
            if text_at(answer, "id") is None:
                raise NotSent(f"GET /channels/{channel}: the answer is not Discord's")
            known = self._places[channel] = parse.where(answer)
        return known

    def _guild_of(self, channel: str) -> str | None:
        return self._gateway.guild_of(channel) if self._gateway else None

    def _guild_of_role(self, role: str) -> str | None:
        if self._gateway is None or not self._gateway.guild_ids():
            raise NotSent("it is not known yet which servers the bot is in")
        return self._gateway.guild_of_role(role)

    def _guilds(self) -> Sequence[str]:
        return self._gateway.guild_ids() if self._gateway else ()

    def _name_of(self, thing: str) -> str | None:
        return self._gateway.name_of(thing) if self._gateway else None

    @classmethod
    def read_link(cls, link: str) -> LinkedMessage | None:
        return ids.linked_message(link)

    @classmethod
    def manifest(cls) -> str:
        return manifest.MANIFEST

    async def close(self) -> None:
        await self._groups.close()
        await self._interactions.close()
        await self._threads.close()
        await self._client.close()


class _Abilities(
    Channel,
    CanDescribeRoom,
    CanEdit,
    CanFetchFiles,
    CanFindSent,
    CanMention,
    CanReact,
    CanReadHistory,
    CanReadLinks,
    CanReadMissed,
    CanReconnect,
    CanResolveGroups,
    CanSayWhyAway,
    CanSendFiles,
    CanShowButtons,
    CanShowStatus,
    CanTellChanges,
    CanTakeCommands,
    HasManifest,
    Protocol,
):
    """All that it can."""


_proof: type[_Abilities] = DiscordChannel

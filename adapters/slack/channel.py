"""The Slack channel: what listens, parses, renders and posts, wired together."""

import asyncio
import re
from collections.abc import Collection, Sequence
from typing import ClassVar, Literal, Protocol, Self, cast

import structlog
from pydantic import Field, field_validator, model_validator
from slack_bolt.app.async_app import AsyncApp

from adapters.slack import ids, limits, listen, manifest, parse
from adapters.slack import render as rendering
from adapters.slack.client import SlackClient
from adapters.slack.files import Files
from adapters.slack.groups import Groups
from adapters.slack.invocations import Invocations
from adapters.slack.missed import Missed
from adapters.slack.names import Names
from adapters.slack.presses import Presses
from adapters.slack.streams import KEY, Streams, opening, streamable
from adapters.slack.uploads import Uploads
from bridge import files
from bridge.abilities import (
    Attachment,
    CanDescribeRoom,
    CanFetchFiles,
    CanFindSent,
    CanMention,
    CanReact,
    CanReadHistory,
    CanReadLinks,
    CanReadMissed,
    CanReceiveWebhooks,
    CanReconnect,
    CanResolveGroups,
    CanResolveNames,
    CanSendFiles,
    CanShareWaits,
    CanShowStatus,
    CanStream,
    HasManifest,
    LinkedMessage,
    SharesEvents,
    WebhookRequest,
    WebhookResponse,
)
from bridge.actions import Button, CanShowButtons, CanTakeCommands, CanTellChanges, TakeChange, TakeCommand, TakePress
from bridge.channel import Accept, Channel, Delivery, Facts, MessageRef, Payload
from bridge.envelope import Conversation, Envelope
from bridge.errors import ChannelError, ConfigError
from bridge.kept import Kept
from bridge.room import Room
from bridge.settings import Secret, Section, asked

_log = structlog.get_logger(__name__)

FILES_SCOPE = "files:write"
LACKS_FILES = (
    "very long answers stay messages, and files of agents are not posted: add it to the app and install it again"
)
CONTEXT_MESSAGES = 100
"""The most that an agent is given of what was said before."""
STATUS = "is working on it…"


class SlackSettings(Section):
    """`[channels.…]` with `type = "slack"`."""

    type: Literal["slack"]
    mode: Literal["socket", "http"] = Field(
        default="socket", json_schema_extra=asked("How events come in: socket (needs no public address) or http")
    )
    bot_token: Secret = Field(json_schema_extra=asked("Bot User OAuth Token (xoxb-…), from OAuth & Permissions"))
    app_token: Secret | None = Field(
        default=None,
        json_schema_extra=asked("App-Level Token (xapp-…), from Basic Information", when=("mode", "socket")),
    )
    signing_secret: Secret | None = Field(
        default=None,
        json_schema_extra=asked("Signing Secret, from Basic Information > App Credentials", when=("mode", "http")),
    )
    api_base: str = "https://slack.com/api/"
    streaming: Literal["native", "edits"] = "native"
    """How a growing answer is shown: by Slack's own streams, of which only whoever asked sees every bit, or by edits,
    which everybody sees."""
    reaction: str = Field(default="eyes", pattern=r"^[a-z0-9_+:'-]{0,100}$")
    """The emoji that is put on a message once it is taken; empty: none. Needs the scope reactions:write."""
    not_taken: str = Field(default="hourglass", pattern=r"^[a-z0-9_+:'-]{0,100}$")
    """The emoji on a message that is not taken as it stands there now; empty: none."""

    @field_validator("api_base")
    @classmethod
    def _base(cls, value: str) -> str:
        if not re.match(r"https?://[^/\s]+", value):
            raise ValueError('write an address, as in "https://slack.com/api/"')
        return value.rstrip("/") + "/"

    @model_validator(mode="after")
    def _mode_has_what_it_needs(self) -> Self:
        if self.mode == "socket" and self.app_token is None:
            raise ValueError('mode = "socket" needs app_token = "env:SLACK_APP_TOKEN" (it begins with xapp-)')
        if self.mode == "http" and self.signing_secret is None:
            raise ValueError('mode = "http" needs signing_secret = "env:SLACK_SIGNING_SECRET"')
        return self


class SlackChannel:
    """One Slack app in one workspace."""

    Settings: ClassVar[type[Section]] = SlackSettings
    source: ClassVar[str] = "slack"
    shares_events: Literal[True] = True
    """https://docs.slack.dev/apis/events-api/using-socket-mode#connections"""
    posts_at_once = 64
    edit_seconds = limits.EDIT_SECONDS
    file_bytes = files.MAX_BYTES
    """Slack names no limit; a workspace may have one, and says so."""
    previews_at_once = 20
    stream_limits = limits.STREAM
    status_after = 0.4
    status_seconds = limits.STATUS_SECONDS
    react_seconds = limits.REACT_SECONDS

    def __init__(self, name: str, settings: SlackSettings) -> None:
        self.name = name
        self._settings = settings
        self._client = SlackClient(
            name, settings.bot_token.get_secret_value(), settings.api_base, connections=self.posts_at_once * 2
        )
        self._streams = Streams(name, self._client)
        self._missed = Missed(name, self._client)
        self.reaction, self.not_taken = settings.reaction, settings.not_taken
        self._files = Files(name, self._client, settings.bot_token.get_secret_value(), settings.api_base)
        self._presses = Presses(name, self._client)
        self._groups = Groups(self._client)
        self._rooms: Kept[str, Room] = Kept(self._client.room)
        self._changed: TakeChange | None = None
        self._invocations = Invocations()
        self._uploads = Uploads(name, self._client, settings.api_base)
        self._bot: parse.Bot | None = None
        self._app_token_is_good = settings.mode != "socket"
        self._socket: listen.SocketMode | None = None
        self._app: AsyncApp | None = None
        self._names = Names(name, self._client)

    @classmethod
    def create(cls, name: str, settings: Section) -> Self:
        return cls(name, cast("SlackSettings", settings))

    async def verify(self) -> None:
        problems: list[str] = []
        for check in (self._identify, self._check_app_token):
            try:
                await check()
            except ConfigError as error:
                problems += error.problems
            except ChannelError as error:
                _log.warning("channel.unreachable", channel=self.name, reason=str(error))
        if problems:
            raise ConfigError(problems)

    async def _identify(self) -> parse.Bot:
        if self._bot is None:
            self._bot = await self._client.who_am_i()
            if not self.sends_files():
                _log.warning("channel.lacks_scope", channel=self.name, scope=FILES_SCOPE, remedy=LACKS_FILES)
        return self._bot

    async def _check_app_token(self) -> None:
        # The SDK retries a wrong app token for ever without a word (seen), so it is tried here first.
        if not self._app_token_is_good and self._settings.app_token is not None:
            await self._client.check_app_token(self._settings.app_token.get_secret_value())
            self._app_token_is_good = True

    async def listen(self, accept: Accept) -> None:
        settings = self._settings
        await self._check_app_token()
        bot = await self._identify()
        secret = settings.signing_secret.get_secret_value() if settings.signing_secret else None
        self._app = listen.bolt_app(
            self.name,
            self._client.web,
            bot,
            accept,
            presses=self._presses,
            invocations=self._invocations,
            changed=self._changed,
            bot_token=settings.bot_token.get_secret_value(),
            signing_secret=secret,
        )
        try:
            if settings.mode == "socket" and settings.app_token is not None:
                self._socket = listen.SocketMode(self.name, bot, self._app, settings.app_token.get_secret_value())
                await self._socket.run()
            else:
                _log.info("channel.connected", channel=self.name, mode="http")
                await asyncio.Event().wait()
        finally:
            self._app = self._socket = None

    def connected(self) -> bool:
        if self._settings.mode == "http":
            return self._app is not None
        return self._socket is not None and self._socket.connected()

    async def receive(self, request: WebhookRequest) -> WebhookResponse:
        secret = self._settings.signing_secret
        if self._app is None or secret is None or self._settings.mode != "http":
            return WebhookResponse(503, b"this channel does not take events over HTTP now")
        return await listen.dispatch(self._app, secret.get_secret_value(), request)

    @classmethod
    def render(cls, text: str) -> Sequence[Payload]:
        return rendering.render(text)

    @classmethod
    def render_with_buttons(cls, text: str, buttons: Sequence[Button]) -> Sequence[Payload]:
        return rendering.render_with_buttons(text, buttons)

    def on_press(self, take: TakePress) -> None:
        self._presses.on_press(take)

    def on_change(self, take: TakeChange) -> None:
        self._changed = take

    def on_command(self, take: TakeCommand) -> None:
        self._invocations.on_command(take)

    async def send(self, delivery: Delivery) -> MessageRef:
        file = files.read(delivery.payload)
        if file is not None:
            return await self._uploads.post(delivery, file)
        return await (self._streams if KEY in delivery.payload else self._client).post(delivery)

    def paced_with(self, conversation: Conversation) -> str:
        return ids.place(conversation.ref).room

    def hold(self, place: str, seconds: float) -> None:
        self._client.hold(place, seconds)

    def sends_files(self) -> bool:
        return self._client.scopes is None or FILES_SCOPE in self._client.scopes

    async def edit(self, ref: MessageRef, payload: Payload) -> None:
        await self._streams.edit(ref, payload)

    def streamable(self, text: str) -> str:
        return streamable(text)

    def opening(self, text: str, asked: Envelope, otherwise: Payload, *, mention: bool) -> Payload | None:
        if self._settings.streaming != "native":
            return None
        return opening(text, asked, otherwise, mention=mention)

    def mention(self, parts: Sequence[Payload], asked: Envelope) -> Sequence[Payload]:
        return rendering.mention(parts, ids.user_of(asked.actor.id)) if asked.actor.type == "human" else parts

    async def append(self, ref: MessageRef, text: str) -> None:
        await self._streams.append(ref, text)

    async def show_status(self, envelope: Envelope, doing: str | None) -> None:
        where = ids.place(envelope.conversation.ref)
        if where.thread is not None:
            await self._client.set_status(where.room, where.thread, STATUS, [_line(doing)] if doing else ())

    async def end_status(self, envelope: Envelope) -> None:
        where = ids.place(envelope.conversation.ref)
        if where.thread is not None:
            await self._client.set_status(where.room, where.thread, "")

    async def react(self, envelope: Envelope, sign: str) -> None:
        room = ids.place(envelope.conversation.ref).room
        await self._client.react(room, ids.ts_of(envelope.id), sign)

    async def find_sent(self, delivery: Delivery) -> Sequence[MessageRef]:
        if KEY in delivery.payload:
            return await self._streams.find(delivery, await self._identify())
        find = self._client.find if files.read(delivery.payload) is None else self._uploads.find
        found = await find(delivery)
        return [] if found is None else [found]

    async def missed(
        self, since: float, known: Sequence[Conversation], *, everywhere: bool
    ) -> Sequence[tuple[Envelope, Facts]]:
        return await self._missed.read(since, known, await self._identify(), everywhere=everywhere)

    async def reconnect(self) -> None:
        if self._socket is not None:
            await self._socket.reconnect()

    async def earlier_in_thread(self, envelope: Envelope) -> Sequence[tuple[Envelope, Facts]]:
        bot = await self._identify()
        where = ids.place(envelope.conversation.ref)
        found: list[tuple[Envelope, Facts]] = []
        for message in await self._client.before(where, ids.ts_of(envelope.id), CONTEXT_MESSAGES):
            try:
                parsed = parse.message(message, where.team, bot, message, room=where.room)
            except parse.Malformed as error:
                _log.warning("message.malformed", channel=self.name, reason=str(error))
            else:
                found += [parsed] if parsed else []
        return found

    async def attached(self, envelope: Envelope) -> Sequence[Attachment]:
        return await self._files.attached(envelope)

    async def fetch(self, envelope: Envelope, attachment: Attachment, most: int) -> bytes | None:  # noqa: ARG002
        return await self._files.fetch(attachment, most)

    async def groups_of(self, facts: Facts, groups: Collection[str]) -> frozenset[str]:
        return await self._groups.of(facts.author, groups)

    async def groups_problem(self, groups: Collection[str]) -> str | None:
        return await self._groups.problem(groups)

    async def describe_room(self, envelope: Envelope) -> Room:
        return await self._rooms.get(ids.place(envelope.conversation.ref).room)

    async def resolve_names(self, envelope: Envelope) -> Envelope:
        return await self._names.resolved(envelope)

    @classmethod
    def read_link(cls, link: str) -> LinkedMessage | None:
        return ids.linked_message(link)

    @classmethod
    def manifest(cls) -> str:
        return manifest.MANIFEST

    async def close(self) -> None:
        self._names.close()
        await self._groups.close()
        await self._rooms.close()
        await self._presses.close()
        await self._client.close()


def _line(text: str) -> str:
    return text if len(text) <= limits.STATUS_CHARS else text[: limits.STATUS_CHARS - 1] + "…"


class _Abilities(
    Channel,
    CanDescribeRoom,
    CanFetchFiles,
    CanFindSent,
    CanMention,
    CanReact,
    CanReadHistory,
    CanReadLinks,
    CanReadMissed,
    CanReceiveWebhooks,
    CanReconnect,
    CanResolveGroups,
    CanResolveNames,
    CanSendFiles,
    CanShareWaits,
    CanShowButtons,
    CanShowStatus,
    CanStream,
    CanTellChanges,
    CanTakeCommands,
    HasManifest,
    SharesEvents,
    Protocol,
):
    """All that it can."""


_proof: type[_Abilities] = SlackChannel

"""Messages that are written bit by bit, by `chat.startStream`, `chat.appendStream` and `chat.stopStream`.

https://docs.slack.dev/reference/methods/chat.startStream and its neighbours (read 2026-11-22). While one is open, Slack
takes no `chat.update` of it; it ends one by itself after some minutes, or when nothing is appended for a while.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import replace

import structlog

from adapters.slack import ids, limits
from adapters.slack.client import SlackClient, delivery_id
from adapters.slack.parse import Bot, own, team_of_author
from bridge.channel import Delivery, MessageRef, Payload
from bridge.envelope import Envelope
from bridge.errors import ChannelError, OutcomeUnknown, RateLimited, Rejected
from bridge.foreign import text_at

_log = structlog.get_logger(__name__)

KEY = "stream"
"""In a payload: the arguments of `chat.startStream`, beside the message that stands for it where Slack refuses."""
NOT_OPEN = "message_not_in_streaming_state"
STILL_OPEN = "streaming_state_conflict"
"""What `chat.update` is refused with, as https://github.com/odefun/ode/pull/210 found (read 2026-11-22)."""
PAUSE = 600.0
"""Seconds without another try after Slack refused one."""

COMPARED = 40
"""Letters by which a stream is known again, however Slack writes what is between them."""

_CONTROL = re.compile(r"<(?=[@#!])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_UNFINISHED = re.compile(r"(?:<|&#?\w{0,40})\Z")
"""What the next bit may make a mention or an entity of."""
_APART = "<\u200b"


def streamable(text: str) -> str:
    """What Slack may be given of a growing Markdown text: it mentions nobody, and more text only adds to it."""
    said = _UNFINISHED.sub("", text)
    return _ENTITY.sub("&amp;", _CONTROL.sub(_APART, said))


def opening(text: str, asked: Envelope, otherwise: Payload, *, mention: bool = False) -> Payload | None:
    """The payload of a message that is begun with this text; None where there is no thread or nobody to write it for.

    Only whoever asked sees each bit at once; the others see it whole when it ends.
    """
    place = ids.place(asked.conversation.ref)
    said = streamable(text)
    if place.thread is None or asked.actor.type != "human" or not said.strip() or len(said) > limits.STREAM.chars:
        return None
    user, team = ids.user_of(asked.actor.id), team_of_author(asked.raw) or place.team
    shown = f"<@{user}>\n\n{said}" if mention else said
    stream = {"markdown_text": shown, "recipient_user_id": user, "recipient_team_id": team}
    return {**otherwise, KEY: stream}


class Streams:
    """The streams of one bot; what it does not know of, it asks Slack about."""

    def __init__(self, name: str, client: SlackClient) -> None:
        self._name = name
        self._client = client
        self._open: set[MessageRef] = set()
        self._refused_until = 0.0  # monotonic seconds

    async def post(self, delivery: Delivery) -> MessageRef:
        """Begins what the payload asks for; an ordinary message where Slack does not take that."""
        stream = delivery.payload[KEY]
        plain = replace(delivery, payload={key: value for key, value in delivery.payload.items() if key != KEY})
        if time.monotonic() >= self._refused_until:
            try:
                return await self._start(delivery, stream)
            except (RateLimited, OutcomeUnknown):
                raise
            except ChannelError as error:
                self._refused_until = time.monotonic() + PAUSE
                _log.info("stream.refused", channel=self._name, reason=str(error), seconds=PAUSE)
        return await self._client.post(plain)

    async def _start(self, delivery: Delivery, arguments: Payload) -> MessageRef:
        where = ids.place(delivery.conversation.ref)
        where_to = {"channel": where.room, "thread_ts": where.thread}
        try:
            answer = await self._client.in_room(where.room, "chat.startStream", {**where_to, **arguments})
        except OutcomeUnknown:
            self._refused_until = time.monotonic() + PAUSE
            raise
        begun = text_at(answer, "ts")
        if begun is None:
            raise OutcomeUnknown("chat.startStream answered without the message's ts")
        ref = ids.message_ref(where.room, begun)
        self._open.add(ref)
        return ref

    async def append(self, ref: MessageRef, text: str) -> None:
        """Raises Rejected where nothing can be appended."""
        if ref not in self._open:
            raise Rejected("the message is no stream")
        room, ts = ids.message(ref)
        try:
            await self._client.call("chat.appendStream", {"channel": room, "ts": ts, "markdown_text": text})
        except ChannelError as error:
            if error.code == NOT_OPEN:
                self._open.discard(ref)
                raise Rejected(str(error), code=error.code) from error
            raise

    async def edit(self, ref: MessageRef, payload: Payload) -> None:
        """Makes a message say this; if it is a stream, also one of another process, that ends first."""
        if ref in self._open:
            await self._stop(ref)
        try:
            await self._client.edit(ref, payload)
        except ChannelError as error:
            if error.code != STILL_OPEN:
                raise
        else:
            return
        await self._stop(ref)
        await self._client.edit(ref, payload)

    async def _stop(self, ref: MessageRef) -> None:
        room, ts = ids.message(ref)
        try:
            await self._client.call("chat.stopStream", {"channel": room, "ts": ts})
        except ChannelError as error:
            if error.code != NOT_OPEN:
                raise
        self._open.discard(ref)

    async def find(self, delivery: Delivery, bot: Bot) -> Sequence[MessageRef]:
        """What an earlier `post` may have left, oldest first.

        A stream carries no delivery's id: it is a message of ours without one that begins with the same words.
        """
        room = ids.place(delivery.conversation.ref).room
        words = _letters(delivery.payload[KEY]["markdown_text"])
        alike: list[MessageRef] = []
        async for message in self._client.since_made(delivery):
            ref, named = ids.message_ref(room, message["ts"]), delivery_id(message)
            if named == delivery.id:
                return [ref]
            if named is None and own(message, bot) and _letters(text_at(message, "text") or "").startswith(words):
                alike.append(ref)
        return alike


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))[:COMPARED]

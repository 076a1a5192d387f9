"""Where an answer goes: into a thread, opened if it is not there yet; where none may be, into the room as a reply.

A thread has the id of the message that began it. So an answer is posted there, and if there is no such thread it is
opened from that message first: nothing has to be remembered for that between two attempts. What an earlier attempt
posted is looked for in both places.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from adapters.discord import failures, ids, markup, parse, sent, sentences
from adapters.discord.client import DiscordClient
from bridge import files
from bridge.channel import Delivery, MessageRef
from bridge.errors import ChannelError, FileRefused
from bridge.foreign import text_at

_log = structlog.get_logger(__name__)

REMEMBERED = 10_000
"""Conversations that are remembered because something was said about them."""
LOOK_BACK = 300.0
"""Seconds before a delivery was made from which it is looked for: more than two clocks may differ."""
NOT_THERE = frozenset({failures.UNKNOWN_CHANNEL, 404})
NOT_OURS = frozenset({None, 401, 40001, 50014, *NOT_THERE, failures.UNKNOWN_MESSAGE, failures.THREAD_EXISTS})
"""What does not say that a thread may not be opened."""
HOLDS_NOTHING = frozenset({failures.UNKNOWN_CHANNEL, failures.NOT_FOR_TEXT, failures.WRONG_CHANNEL_TYPE})
"""What says that no message stands in a room or thread: it is not there, or is a forum."""


class Threads:
    """Posts into threads and rooms."""

    def __init__(self, name: str, client: DiscordClient) -> None:
        self._name = name
        self._client = client
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._threadless: OrderedDict[str, str] = OrderedDict()  # message that begins a conversation -> why
        self._deleted: OrderedDict[str, None] = OrderedDict()
        self._told: OrderedDict[str, None] = OrderedDict()  # nonces of sentences about conversations

    async def close(self) -> None:
        """Lets go of what was begun."""
        opening = list(self._opening.values())
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)

    def deleted(self, thread: str) -> None:
        """Somebody deleted it: it is not opened again."""
        _remember(self._deleted, thread, None)

    async def prepare(self, place: ids.Place, message: str, text: str) -> str:
        """The channel in which the answer to `message` will be; its thread is opened if the message begins one."""
        if place.guild is None or place.thread is None:
            return place.room
        if message == place.thread and not (place.thread in self._threadless or place.thread in self._deleted):
            try:
                await self._open(place.room, place.thread, text)
            except ChannelError as error:
                if error.code == failures.WRONG_CHANNEL_TYPE and await self._is_there(place.thread):
                    return place.thread  # a forum's post
                if error.code not in NOT_OURS:
                    self._do_without(place, sentences.NO_THREAD.get(error.code, sentences.NO_THREAD_HERE), error)
                elif error.code != failures.THREAD_EXISTS:
                    raise
        return place.room if place.thread in self._threadless else place.thread

    async def post(self, delivery: Delivery) -> MessageRef:
        """Posts one message where it belongs. Raises ChannelError."""
        place = ids.place(delivery.conversation.ref)
        if place.thread is None:
            return await self._post_in(place.room, delivery)
        if place.thread in self._opening:
            await asyncio.wait([self._opening[place.thread]])
        if place.thread in self._threadless:
            return await self._reply(place, place.thread, delivery)
        try:
            return await self._post_in_thread(place, place.thread, delivery)
        except ChannelError as error:
            if error.code in NOT_THERE:
                return await self._open_and_post(place, place.thread, delivery)
            raise

    async def _post_in_thread(self, place: ids.Place, thread: str, delivery: Delivery) -> MessageRef:
        """Posts in a thread that is there, or beside it where we opened it and may not write."""
        try:
            return await self._post_in(thread, delivery)
        except ChannelError as error:
            if error.code not in sentences.SHUT or isinstance(error, FileRefused):
                raise
            if not await self._is_ours(place.room, thread, error):
                await self._tell_shut(place, error)
                raise
            self._do_without(place, sentences.NO_WRITING, error)
        return await self._reply(place, thread, delivery)

    async def find(self, delivery: Delivery) -> Sequence[MessageRef]:
        """Our messages, oldest first, that an earlier `post` of this may have made. Raises ChannelError.

        None where we may not read the history. `post` may have been allowed something else then than it is now, so
        both places are read: the thread, and the room for replies to the message that begins the conversation.
        """
        place = ids.place(delivery.conversation.ref)
        if place.thread is None:
            found = await self._find_in(place.room, delivery)
        else:
            try:
                found = await self._find_in(place.thread, delivery)
            except ChannelError as error:
                if error.code in sentences.SHUT:
                    await self._tell_shut(place, error)
                raise
            found |= await self._find_in(place.room, delivery, answers=place.thread)
        return [found[message] for message in sorted(found)]

    async def _find_in(self, channel: str, delivery: Delivery, *, answers: str | None = None) -> dict[int, MessageRef]:
        """Message id -> name of what looks like the delivery in a room or thread."""
        me = text_at(await self._client.me(), "id") or ""
        file = files.read(delivery.payload)
        content = text_at(delivery.payload, "content") or ""
        found: dict[int, MessageRef] = {}
        oldest = int(ids.first_at(delivery.created_at - LOOK_BACK))
        if delivery.answers is not None:
            oldest = min(oldest, int(ids.message_of(delivery.answers)))
        try:
            async for page in self._client.pages_after(channel, str(oldest)):
                alike = (
                    sent.looking_like(content, page, me, answers=answers)
                    if file is None
                    else sent.holding(file, page, me, answers=answers)
                )
                for message in alike:
                    found[int(message)] = ids.message_ref(channel, message)
        except ChannelError as error:
            if error.code not in HOLDS_NOTHING:
                raise
        return found

    async def _open_and_post(self, place: ids.Place, thread: str, delivery: Delivery) -> MessageRef:
        try:
            try:
                if thread not in self._deleted:
                    await self._open(place.room, thread)
            except ChannelError as error:
                if error.code not in NOT_OURS:
                    self._do_without(place, sentences.NO_THREAD.get(error.code, sentences.NO_THREAD_HERE), error)
                    return await self._reply(place, thread, delivery)
                if error.code != failures.THREAD_EXISTS:
                    raise
            return await self._post_in_thread(place, thread, delivery)
        except ChannelError as error:
            if error.code in {*NOT_THERE, failures.UNKNOWN_MESSAGE}:
                await self._tell(place.room, f"gone{thread}", sentences.GONE)
            raise

    async def _post_in(self, channel: str, delivery: Delivery) -> MessageRef:
        return ids.message_ref(channel, await self._client.post(channel, delivery.payload, delivery.id))

    async def _reply(self, place: ids.Place, beginning: str, delivery: Delivery) -> MessageRef:
        """Posts in the room, as a reply to the message that begins the conversation, and says once why."""
        await self._tell(
            place.room, f"why{beginning}", self._threadless[beginning] + sentences.GO_ON, answers=beginning
        )
        posted = await self._post_reply(place.room, beginning, delivery.payload, delivery.id)
        return ids.message_ref(place.room, posted)

    async def _post_reply(self, room: str, beginning: str, payload: Mapping[str, Any], nonce: str) -> str:
        reference = {"message_id": beginning, "channel_id": room, "fail_if_not_exists": False}
        try:
            return await self._client.post(room, {**payload, "message_reference": reference}, nonce)
        except ChannelError as error:
            if error.code != failures.NO_REPLY_WITHOUT_HISTORY:
                raise
        return await self._client.post(room, payload, nonce)

    def _do_without(self, place: ids.Place, why: str, error: ChannelError) -> None:
        if place.thread is not None:
            _log.warning("thread.not_opened", channel=self._name, room=place.room, reason=str(error))
            _remember(self._threadless, place.thread, why)

    async def _tell(self, room: str, nonce: str, sentence: str, *, answers: str | None = None) -> None:
        """Says something in the room, once. It does no harm if that cannot be."""
        if nonce in self._told:
            return
        try:
            if answers is None:
                await self._client.post(room, {"content": sentence}, nonce)
            else:
                await self._post_reply(room, answers, {"content": sentence}, nonce)
        except ChannelError as error:
            _log.warning("sentence.not_posted", channel=self._name, room=room, reason=str(error))
        else:
            _remember(self._told, nonce, None)

    async def _tell_shut(self, place: ids.Place, error: ChannelError) -> None:
        await self._tell(place.room, f"shut{place.thread}", sentences.SHUT[error.code].format(thread=place.thread))

    async def _is_ours(self, room: str, thread: str, error: ChannelError) -> bool:
        """Whether we opened a thread in which we may not write."""
        if error.code != failures.MISSING_PERMISSIONS:
            return False
        try:
            beginning = await self._client.message(room, thread)
            owner = text_at(beginning, "thread", "owner_id")
            return owner is not None and owner == text_at(await self._client.me(), "id")
        except ChannelError:
            return False

    async def _is_there(self, thread: str) -> bool:
        try:
            await self._client.channel(thread)
        except ChannelError:
            return False
        return True

    async def _open(self, room: str, thread: str, text: str | None = None) -> None:
        """Opens the thread of a message, named after its text. Whoever wants that meanwhile waits for it, too."""
        task = self._opening.get(thread)
        if task is None:
            task = self._opening[thread] = asyncio.create_task(self._open_now(room, thread, text))
            task.add_done_callback(lambda done: self._opened(thread, done))
        await asyncio.shield(task)

    def _opened(self, thread: str, task: "asyncio.Task[None]") -> None:
        del self._opening[thread]
        if not task.cancelled():
            task.exception()  # whoever waits for it has it; nobody may

    async def _open_now(self, room: str, thread: str, text: str | None) -> None:
        if text is None:
            beginning = await self._client.message(room, thread)
            me = await self._client.me()
            text = parse.words(beginning, {text_at(me, "id") or "": text_at(me, "username") or ""}, lambda _: None)
        try:
            await self._client.open_thread(room, thread, markup.thread_name(text))
        except ChannelError as error:
            if error.code not in {failures.INVALID_FORM, failures.TITLE_BLOCKED}:
                raise
            await self._client.open_thread(room, thread, markup.NAMELESS_THREAD)


def _remember(memory: "OrderedDict[str, Any]", key: str, value: object) -> None:
    memory[key] = value
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)

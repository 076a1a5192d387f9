"""Every message that came in, and every change of one, offered until it is taken, in the order of its room or thread.

Discord waits for no acknowledgement and repeats nothing within a session, so what came in is kept here until then.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from adapters.discord import parse
from adapters.discord.markup import NameOf
from adapters.discord.parse import Bot, Malformed, Where
from bridge.actions import Change, TakeChange
from bridge.channel import Accept, Facts
from bridge.envelope import Envelope
from bridge.errors import ChannelError, RateLimited, Rejected, Unstorable
from bridge.foreign import dig, text_at

_log = structlog.get_logger(__name__)

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
"""Seconds before a message is offered again."""
REMEMBERED = 10_000
"""Threads of which it is remembered that they were told something."""


class Arrivals:
    """The messages of one channel on their way into the store.

    `locate(channel)` says what is known of a room or thread; it raises ChannelError. `guild_of(channel)` is its server,
    if that is known.
    """

    def __init__(
        self,
        channel: str,
        bot: Bot,
        locate: Callable[[str], Awaitable[Where]],
        guild_of: Callable[[str], str | None],
        *,
        name_of: NameOf,
        accept: Accept,
        changed: TakeChange | None = None,
    ) -> None:
        self._channel = channel
        self._bot = bot
        self._locate = locate
        self._guild_of = guild_of
        self._name_of = name_of
        self._accept = accept
        self._changed = changed
        self._unreadable: set[tuple[str, ...]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[str, asyncio.Task[None]] = {}  # room or thread -> the newest message's task
        self._coming: dict[str, asyncio.Task[None]] = {}  # message -> its task

    def put(self, payload: dict[str, Any]) -> None:
        """Takes a MESSAGE_CREATE. The next one of the same room or thread waits for it, others do not."""
        room, message = text_at(payload, "d", "channel_id"), text_at(payload, "d", "id")
        if room is None or message is None or not (room + message).isdecimal():
            _log.warning("event.malformed", channel=self._channel, reason="a message without channel_id or id")
            return
        if text_at(payload, "d", "author", "id") == self._bot.user:
            return
        # What is said in a thread comes after the message that begins it, which has its id and stands elsewhere.
        task = self._in_line(room, lambda: self._parse_and_accept(room, payload), message)
        self._coming[message] = task

    def put_change(self, payload: dict[str, Any]) -> None:
        """Takes a MESSAGE_UPDATE, MESSAGE_DELETE or MESSAGE_DELETE_BULK, after what came before it."""
        room = text_at(payload, "d", "channel_id")
        if self._changed is None or room is None or not room.isdecimal():
            return
        data, taker = dig(payload, "d"), self._changed
        if text_at(payload, "t") != "MESSAGE_UPDATE":
            self._in_line(room, lambda: self._take_deleted(payload, taker))
        elif parse.is_edit(data) and dig(data, "author", "id") != self._bot.user:
            self._in_line(room, lambda: self._take_edited(room, payload, taker))

    def _in_line(self, room: str, work: Callable[[], Awaitable[None]], message: str = "") -> "asyncio.Task[None]":
        before = [task for task in (self._last.get(room), self._coming.get(room)) if task is not None]
        task = self._last[room] = asyncio.create_task(self._take(room, work, before))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(room, message, done))
        return task

    async def settle(self, seconds: float) -> None:
        """Waits so long for what came in; the rest is let go."""
        if self._tasks:
            _, pending = await asyncio.wait(self._tasks, timeout=seconds)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def _ended(self, room: str, message: str, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        for waiting, key in ((self._last, room), (self._coming, message)):
            if waiting.get(key) is task:
                del waiting[key]

    async def _take(
        self, room: str, work: Callable[[], Awaitable[None]], before: Sequence["asyncio.Task[None]"]
    ) -> None:
        if before:
            await asyncio.wait(before)
        try:
            await work()
        except Malformed as error:
            _log.warning("event.malformed", channel=self._channel, room=room, reason=str(error))
        except Unstorable as error:
            _log.error("message.unstorable", channel=self._channel, room=room, reason=str(error))
        except Rejected as error:
            _log.warning("event.unplaced", channel=self._channel, room=room, reason=str(error))
        except Exception:  # noqa: BLE001 - the next one is another message
            _log.exception("event.broke", channel=self._channel)

    async def _take_edited(self, room: str, payload: dict[str, Any], take: TakeChange) -> None:
        parsed = await self._parsed(room, payload)
        if parsed is not None:
            await self._patiently(lambda: take(Change(parsed[0].id, parsed)))

    async def _take_deleted(self, payload: dict[str, Any], take: TakeChange) -> None:
        for change in parse.deleted(payload):
            await self._patiently(functools.partial(take, change))

    async def _parsed(self, room: str, payload: dict[str, Any]) -> tuple[Envelope, Facts] | None:
        data = dig(payload, "d")
        guild = text_at(data, "guild_id") or self._guild_of(room)
        where = Where(room) if guild is None else await self._patiently(lambda: self._locate(room))
        return parse.message(data, guild, where, self._bot, self._name_of, raw=payload)

    async def _parse_and_accept(self, room: str, payload: dict[str, Any]) -> None:
        parsed = await self._parsed(room, payload)
        if parsed is None or (parsed[0].kind == "unreadable" and self._told(parsed[1])):
            return
        await self._patiently(lambda: self._accept(*parsed))

    def _told(self, facts: Facts) -> bool:
        """Whether people of that thread were told before that we cannot read them."""
        told = facts.thread in self._unreadable or not facts.in_thread
        if len(self._unreadable) >= REMEMBERED:
            self._unreadable.clear()
        self._unreadable.add(facts.thread)
        return told

    async def _patiently(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Repeats it until it works. Raises Rejected, Malformed and Unstorable, which no repetition mends."""
        pause = FIRST_PAUSE
        while True:
            wait = pause
            try:
                return await ask()
            except (Rejected, Malformed, Unstorable):
                raise
            except RateLimited as error:
                wait = max(error.retry_after, pause)
            except ChannelError as error:
                _log.warning("room.unknown", channel=self._channel, reason=str(error))
            except Exception as error:  # noqa: BLE001 - whatever keeps the store from taking it
                _log.warning("message.waits", channel=self._channel, reason=type(error).__name__)
            await asyncio.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)

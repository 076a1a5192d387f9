"""Events in, over the gateway: one session, held open and resumed whatever happens to it.

discord.py speaks the protocol and keeps what is known of rooms and threads. Its own loop ends at a refused connection,
a malformed event or a close code and waits long after an outage, so the loop around it is ours.

Source: https://docs.discord.com/developers/events/gateway
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from adapters.discord.client import Library
from adapters.discord.parse import Where
from bridge.errors import ChannelError, NotSent, RateLimited
from bridge.foreign import dig, text_at
from bridge.room import Room

_log = structlog.get_logger(__name__)

CONNECT_SECONDS = 15.0
"""How long a connection may take until Discord calls it ready."""
CLOSE_SECONDS = 2.0
"""How long the other side may take to agree to an end."""
ASK_AFTER = 8.0
"""After so many seconds of silence we ask whether anybody is there."""
SILENT_AFTER = 15.0
"""After so many nobody is."""
RESUMES = 3
"""Attempts to resume a session before a new one is begun."""
FORGOTTEN = frozenset({4003, 4007, 4009})
"""Close codes after which a new session is begun.
https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway"""
STEADY_SECONDS = 30.0
"""A connection that held so long was a good one: the next attempt comes at once."""
LONGEST_PAUSE = 10.0
"""Seconds between two attempts to connect."""
REFUSED_PAUSE = 300.0
"""Seconds before the next attempt where Discord refused us for good: sessions are counted, 1,000 a day."""
SPARING_FROM = 200
"""From so few sessions left for today on, new ones are spread over what is left of the day."""
DISALLOWED_INTENT = 4014
REFUSALS: Mapping[int, str] = {
    # close code -> what to do. https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway
    4004: "Discord does not accept the token: reset and copy it at the developer portal > Bot, then start again",
    4010: "Discord does not accept our shard: report this",
    4011: "the bot is in too many servers for one connection: leave some, sharding is not built",
    4012: "Discord does not speak this version any more: update threadbridge",
    4013: "Discord does not know an intent: update threadbridge",
    DISALLOWED_INTENT: (
        "the Message Content intent is switched off: switch it on at the developer portal > Bot > Privileged Gateway "
        "Intents, then start again"
    ),
}
HEARTBEAT, RECONNECT, INVALID_SESSION = 1, 7, 9
"""Opcodes."""
MOST_OF_A_SIGNAL = 200
"""Characters: what is longer is an event."""
CHANGES = ("MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK")
"""https://docs.discord.com/developers/events/gateway-events#message-update and what follows there."""
_TAKEN = ("MESSAGE_CREATE", *CHANGES, "INTERACTION_CREATE")
"""Events that we take as they come."""
_WANTED = tuple(f'"{name}"' for name in (*_TAKEN, "READY", "RESUMED", "GUILD_DELETE", "THREAD_DELETE"))


@dataclass(frozen=True, slots=True)
class _Session:
    """What is needed to go on where a connection ended."""

    gateway: yarl.URL
    id: str
    sequence: int | None


class Refused(Exception):
    """Discord closed the connection with a code that no repetition mends."""

    def __init__(self, code: int) -> None:
        super().__init__(REFUSALS[code])
        self.code = code


class _Over(Exception):
    """The connection is not to be kept. The text says why."""


class _NoNoise(logging.Filter):
    """discord.py measures how late an acknowledgement is by its own heartbeats only, and complains about ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Can't keep up")


logging.getLogger("discord.gateway").addFilter(_NoNoise())


class Gateway(discord.Client):
    """Gives every message to `take`, every one of `CHANGES` to `changed` and every interaction to `interacted`, as the
    gateway sent them, and every deleted thread to `deleted`.

    `library` is logged in and stays open; `call(method, path)` asks the REST API and raises ChannelError.
    """

    def __init__(
        self,
        channel: str,
        library: Library,
        call: Callable[[str, str], Awaitable[object]],
        take: Callable[[dict[str, Any]], None],
        deleted: Callable[[str], None],
        *,
        changed: Callable[[dict[str, Any]], None],
        interacted: Callable[[dict[str, Any]], None],
        message_content: bool,
    ) -> None:
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # we do not speak
        super().__init__(
            intents=discord.Intents(
                guilds=True, guild_messages=True, dm_messages=True, message_content=message_content
            ),
            enable_debug_events=True,  # on_socket_raw_receive
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
        )
        self.http = self._connection.http = self._library = library
        for taken_as_it_comes in _TAKEN:
            self._connection.parsers.pop(taken_as_it_comes, None)
        self._call = call
        self._channel = channel
        self._take = take
        self._deleted = deleted
        self._interacted = interacted
        self._changed = changed
        self._ready_on: DiscordWebSocket | None = None
        self._ready_at = self._heard_at = self._asked_at = 0.0  # monotonic seconds
        self._told_to_go_at: float | None = None
        self._failures = self._resumes = self._unreachable = 0
        self._identified = False

    def hears(self) -> bool:
        """Whether a message written now would be given to `take` now."""
        heard = time.monotonic() - self._heard_at < SILENT_AFTER
        return self._ready_on is not None and self._ready_on is self.ws and self.ws.open and heard

    def guild_ids(self) -> list[str]:
        """The servers that the bot is in."""
        return [str(guild.id) for guild in self.guilds]

    async def reconnect(self) -> None:
        """Gives the connection up; the session goes on with another one."""
        if self._ready_on is not None:
            await self._let_go(self._ready_on)

    def where(self, channel: str) -> Where | None:
        """What is known of a room or thread, from what the gateway told."""
        known = self.get_channel(int(channel))
        if known is None or isinstance(known, discord.abc.PrivateChannel):
            return None
        role = known.guild.self_role
        own_role = str(role.id) if role else None
        if isinstance(known, discord.Thread):
            return Where(str(known.parent_id), channel, own_role, known.name)
        return Where(channel, None, own_role)

    def room(self, room: str, thread: str | None) -> Room | None:
        """What a room and its thread are called, from what the gateway told."""
        known, opened = self.get_channel(int(room)), self.get_channel(int(thread or 0))
        if known is None or isinstance(known, discord.abc.PrivateChannel):
            return None
        title = opened.name if isinstance(opened, discord.Thread) else ""
        return Room(known.name, getattr(known, "topic", None) or "", title)

    def is_forum(self, room: str) -> bool:
        """Whether its threads are posts, which hold the message that they begin with themselves."""
        return isinstance(self.get_channel(int(room)), discord.ForumChannel)

    def guild_of(self, channel: str) -> str | None:
        """The server of a room or thread, where the gateway told of it."""
        guild = getattr(self.get_channel(int(channel)), "guild", None)
        return str(guild.id) if guild is not None else None

    def guild_of_role(self, role: str) -> str | None:
        """The server that has a role."""
        known = (guild for guild in self.guilds if role.isdecimal() and guild.get_role(int(role)))
        return next((str(guild.id) for guild in known), None)

    def name_of(self, thing: str) -> str | None:
        """The name of a room, thread or role."""
        known = self.get_channel(int(thing))
        if known is not None:
            return getattr(known, "name", None)
        roles = (guild.get_role(int(thing)) for guild in self.guilds)
        return next((role.name for role in roles if role), None)

    async def on_socket_raw_receive(self, received: str) -> None:
        """discord.py gives us everything that comes, in order, before it makes its own of it."""
        self._heard_at = time.monotonic()
        if not any(name in received for name in _WANTED) and len(received) > MOST_OF_A_SIGNAL:
            return
        try:
            payload: object = json.loads(received)
        except ValueError:
            return  # connect sees it, too
        if dig(payload, "op") in {RECONNECT, INVALID_SESSION}:
            self._told_to_go_at = time.monotonic()
        match text_at(payload, "t"):
            case "MESSAGE_CREATE" if isinstance(dig(payload, "d"), dict):
                self._take(cast("dict[str, Any]", payload))
            case name if name in CHANGES:
                self._changed(cast("dict[str, Any]", payload))
            case "INTERACTION_CREATE":
                self._interacted(cast("dict[str, Any]", payload))
            case "READY" | "RESUMED" as event:
                self._ready_on, self._ready_at, self._resumes = self.ws, time.monotonic(), 0
                _log.info("channel.connected", channel=self._channel, mode="gateway", resumed=event == "RESUMED")
            case "THREAD_DELETE":
                self._deleted(text_at(payload, "d", "id") or "")
            case "GUILD_DELETE" if not dig(payload, "d", "unavailable"):
                _log.warning("guild.left", channel=self._channel, guild=text_at(payload, "d", "id"))
            case _:
                pass

    async def connect(self, *, reconnect: bool = True) -> None:  # noqa: ARG002 - the library's own
        """Holds a connection open until cancelled. Raises Refused.

        Resumes the session wherever that is possible, also after an event that discord.py cannot read: nothing that
        was written meanwhile is missed then.
        """
        await self._async_setup_hook()
        session: _Session | None = None
        while True:
            try:
                await asyncio.sleep(self._pause())
                session = await self._hold(session)
            except RateLimited as error:
                _log.warning("channel.away", channel=self._channel, reason=str(error), wait=round(error.retry_after))
                await asyncio.sleep(error.retry_after)
            except ChannelError as error:
                _log.warning("channel.away", channel=self._channel, reason=str(error))

    async def end(self) -> None:
        """Ends the session, whether the other side answers or not. The library stays open."""
        if self.ws is not None:  # pyright: ignore[reportUnnecessaryComparison]
            await self._let_go(self.ws, code=1000)

    async def _hold(self, session: _Session | None) -> _Session | None:
        """One connection, until it ends. Returns what can be resumed."""
        gateway = session.gateway if session else await self._gateway_address()
        connection: DiscordWebSocket | None = None
        forgotten = False
        try:
            beginning = DiscordWebSocket.from_client(
                self,
                initial=not self._identified,  # later ones wait five seconds, as Discord asks
                gateway=gateway,
                resume=session is not None,
                session=session.id if session else None,
                sequence=session.sequence if session else None,
            )
            self._library.socket = None
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = self.ws = await beginning
            self._resumes += session is not None
            self._unreachable = 0
            self._identified = True
            await self._poll_and_watch(connection)
            reason = "ended"
        except ReconnectWebSocket as ended:
            forgotten = not ended.resume or _code(connection) in FORGOTTEN
            reason = "session forgotten" if forgotten else f"ended with {_code(connection) or 'no code'}"
        except discord.ConnectionClosed as closed:
            if closed.code in REFUSALS:
                raise Refused(closed.code) from closed
            reason = f"closed with {closed.code}"
        except _Over as over:
            reason = str(over)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = f"no connection ({type(error).__name__})"
        except Exception as error:  # noqa: BLE001 - whatever the library cannot read
            reason = f"an event that cannot be read ({type(error).__name__})"
        _log.warning("channel.away", channel=self._channel, reason=reason)
        if connection is not None:
            await self._let_go(connection)
            session = _session_of(connection)
        elif self._library.socket is not None:
            await _close(self._library.socket)
        if connection is None and session is not None:
            session = await self._elsewhere(session)
        return None if forgotten or self._resumes >= RESUMES else session

    async def _elsewhere(self, session: _Session) -> _Session:
        """The session, at the address where new ones begin if its own cannot be reached: it may be gone."""
        self._unreachable += 1
        if self._unreachable % RESUMES:
            return session
        try:
            return replace(session, gateway=await self._gateway_address())
        except ChannelError as error:
            _log.warning("channel.away", channel=self._channel, reason=str(error))
            return session

    async def _poll_and_watch(self, connection: DiscordWebSocket) -> None:
        """Until the connection ends, is not called ready in time, or falls silent. Raises."""
        self._heard_at = self._asked_at = began = time.monotonic()
        self._told_to_go_at = None
        polling = asyncio.create_task(self._poll(connection))
        try:
            while not polling.done():
                await asyncio.wait({polling}, timeout=1.0)
                if not polling.done():
                    await self._watch(connection, began)
            polling.result()
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)

    @staticmethod
    async def _poll(connection: DiscordWebSocket) -> None:
        while True:
            await connection.poll_event()

    async def _watch(self, connection: DiscordWebSocket, began: float) -> None:
        """Raises _Over if nothing is to be expected of the connection any more."""
        now = time.monotonic()
        if self._ready_on is not connection and now - began > CONNECT_SECONDS:
            raise _Over("Discord does not call the connection ready")
        if self._told_to_go_at is not None and now - self._told_to_go_at > CLOSE_SECONDS:
            raise _Over("Discord asked for a new connection")
        if now - self._heard_at > SILENT_AFTER:
            raise _Over("Discord is silent")
        if now - self._heard_at > ASK_AFTER and now - self._asked_at > ASK_AFTER / 2:
            self._asked_at = now
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.send_heartbeat({"op": HEARTBEAT, "d": connection.sequence})

    async def _let_go(self, connection: DiscordWebSocket, *, code: int = 4000) -> None:
        """Closes it, whether the other side answers or not. Any code but 1000 leaves the session to be resumed."""
        if self._ready_on is connection and time.monotonic() - self._ready_at > STEADY_SECONDS:
            self._failures = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.close(code=code)

    async def _gateway_address(self) -> yarl.URL:
        """Where a new session begins. Raises ChannelError. Waits if only few sessions are left for today."""
        found = await self._call("GET", "/gateway/bot")
        try:
            address = yarl.URL(text_at(found, "url") or "")
        except ValueError:
            address = yarl.URL()
        if address.scheme not in {"ws", "wss"} or not address.host:
            raise NotSent("GET /gateway/bot: the answer is not Discord's")
        left, resets_in = (
            dig(found, "session_start_limit", "remaining"),
            dig(found, "session_start_limit", "reset_after"),
        )
        scarce = isinstance(left, int) and isinstance(resets_in, int) and left < SPARING_FROM
        if scarce and (self._identified or left == 0):
            pause = resets_in / 1000 / max(left, 1)
            _log.warning("channel.waits", channel=self._channel, sessions_left=left, seconds=round(pause))
            await asyncio.sleep(pause)
        return address

    def _pause(self) -> float:
        """Seconds before the next attempt: none after a good connection, then ever more."""
        self._failures += 1
        return 0.0 if self._failures == 1 else min(2.0 ** min(self._failures - 2, 10), LONGEST_PAUSE)


async def _close(socket: aiohttp.ClientWebSocketResponse) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close()


def _code(connection: DiscordWebSocket | None) -> int | None:
    return connection.socket.close_code if connection is not None else None


def _session_of(connection: DiscordWebSocket) -> _Session | None:
    if connection.session_id is None:
        return None
    return _Session(connection.gateway, connection.session_id, connection.sequence)

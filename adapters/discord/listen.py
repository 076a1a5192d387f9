"""Events in, over the gateway: one session, held open and resumed whatever happens to it.

discord.py speaks the protocol and keeps what is known of rooms and threads. Its own loop ends at a refused connection,
a malformed event or a close code and waits long after an outage, so the loop around it is ours.

Source: https://docs.discord.com/developers/events/gateway
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from discord.http import Route

from adapters.discord.failures import meaning
from adapters.discord.parse import Where
from bridge.errors import ChannelError
from bridge.foreign import dig, text_at

_log = structlog.get_logger(__name__)

CONNECT_SECONDS = 15.0
"""How long the beginning of a connection may take."""
CLOSE_SECONDS = 2.0
"""How long the other side may take to agree to an end."""
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
_WANTED = ('"MESSAGE_CREATE"', '"READY"', '"RESUMED"', '"GUILD_DELETE"', '"THREAD_DELETE"')


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


class Gateway(discord.Client):
    """Gives every message that is written to `take`, as the gateway sent it, and every deleted thread to `deleted`."""

    def __init__(
        self,
        channel: str,
        take: Callable[[dict[str, Any]], None],
        deleted: Callable[[str], None],
        *,
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
        self._channel = channel
        self._take = take
        self._deleted = deleted
        self._ready_on: DiscordWebSocket | None = None
        self._ready_at = 0.0  # monotonic seconds
        self._failures = 0
        self._identified = False

    def hears(self) -> bool:
        """Whether a message written now would be given to `take` now."""
        return self.ws is not None and self._ready_on is self.ws and self.ws.open  # pyright: ignore[reportUnnecessaryComparison]

    def where(self, channel: str) -> Where | None:
        """What is known of a room or thread, from what the gateway told."""
        known = self.get_channel(int(channel))
        if known is None or isinstance(known, discord.abc.PrivateChannel):
            return None
        role = known.guild.self_role
        own_role = str(role.id) if role else None
        if isinstance(known, discord.Thread):
            return Where(str(known.parent_id), channel, own_role)
        return Where(channel, None, own_role)

    def name_of(self, thing: str) -> str | None:
        """The name of a room, thread or role."""
        known = self.get_channel(int(thing))
        if known is not None:
            return getattr(known, "name", None)
        roles = (guild.get_role(int(thing)) for guild in self.guilds)
        return next((role.name for role in roles if role), None)

    async def on_socket_raw_receive(self, received: str) -> None:
        """discord.py gives us everything that comes, in order, before it makes its own of it."""
        if not any(name in received for name in _WANTED):
            return
        try:
            payload: object = json.loads(received)
        except ValueError:
            return  # connect sees it, too
        match text_at(payload, "t"):
            case "MESSAGE_CREATE" if isinstance(dig(payload, "d"), dict):
                self._take(cast("dict[str, Any]", payload))
            case "READY" | "RESUMED" as event:
                self._ready_on, self._ready_at = self.ws, time.monotonic()
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
        session: _Session | None = None
        while True:
            try:
                await asyncio.sleep(self._pause())
                session = await self._hold(session)
            except ChannelError as error:
                _log.warning("channel.away", channel=self._channel, reason=str(error))
                await asyncio.sleep(getattr(error, "retry_after", 0.0))

    async def end(self) -> None:
        """Ends the session and lets go of connections, whether the other side answers or not."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.close(), CLOSE_SECONDS)
        await self.http.close()

    async def _hold(self, session: _Session | None) -> _Session | None:
        """One connection, until it ends. Returns what can be resumed."""
        gateway = session.gateway if session else await self._gateway_address()
        connection: DiscordWebSocket | None = None
        resumes = True
        try:
            beginning = DiscordWebSocket.from_client(
                self,
                initial=not self._identified,  # later ones wait five seconds, as Discord asks
                gateway=gateway,
                resume=session is not None,
                session=session.id if session else None,
                sequence=session.sequence if session else None,
            )
            connection = self.ws = await asyncio.wait_for(beginning, CONNECT_SECONDS)
            self._identified = True
            while True:
                await connection.poll_event()
        except ReconnectWebSocket as ended:
            resumes, reason = (
                ended.resume,
                "Discord asked for a new connection" if ended.resume else "session forgotten",
            )
        except discord.ConnectionClosed as closed:
            if closed.code in REFUSALS:
                raise Refused(closed.code) from closed
            reason = f"closed with {closed.code}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = f"no connection ({type(error).__name__})"
        except Exception as error:  # noqa: BLE001 - whatever the library cannot read
            reason = f"an event that cannot be read ({type(error).__name__})"
        _log.warning("channel.away", channel=self._channel, reason=reason)
        if connection is not None:
            await self._let_go(connection)
            session = _session_of(connection)
        return session if resumes else None

    async def _let_go(self, connection: DiscordWebSocket) -> None:
        if self._ready_on is connection and time.monotonic() - self._ready_at > STEADY_SECONDS:
            self._failures = 0
        with contextlib.suppress(TimeoutError):
            # Not 1000, which would end the session, too.
            await asyncio.wait_for(connection.close(code=4000), CLOSE_SECONDS)

    async def _gateway_address(self) -> yarl.URL:
        """Where a new session begins. Raises ChannelError. Waits if only few sessions are left for today."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                found: object = await self.http.request(Route("GET", "/gateway/bot"))
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise meaning("GET /gateway/bot", error) from error
        left, resets_in = (
            dig(found, "session_start_limit", "remaining"),
            dig(found, "session_start_limit", "reset_after"),
        )
        if isinstance(left, int) and isinstance(resets_in, int) and left < SPARING_FROM:
            pause = resets_in / 1000 / max(left, 1)
            _log.warning("channel.waits", channel=self._channel, sessions_left=left, seconds=round(pause))
            await asyncio.sleep(pause)
        return yarl.URL(text_at(found, "url") or str(DiscordWebSocket.DEFAULT_GATEWAY))

    def _pause(self) -> float:
        """Seconds before the next attempt: none after a good connection, then ever more."""
        self._failures += 1
        return 0.0 if self._failures == 1 else min(2.0 ** (self._failures - 2), LONGEST_PAUSE)


def _session_of(connection: DiscordWebSocket) -> _Session | None:
    if connection.session_id is None:
        return None
    return _Session(connection.gateway, connection.session_id, connection.sequence)

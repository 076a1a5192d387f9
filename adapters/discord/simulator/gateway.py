"""The gateway: WebSocket connections that identify or resume, and everything that is dispatched to them.

https://docs.discord.com/developers/events/gateway.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, cast

from aiohttp import WSMsgType, web

from adapters.discord.simulator import codes, compression
from adapters.discord.simulator.connection import Connection
from adapters.discord.simulator.faults import Faults, GatewayFaults
from adapters.discord.simulator.guild import Guild, Payload
from adapters.discord.simulator.journal import Journal
from adapters.discord.simulator.objects import bot_user, guild_create
from adapters.discord.simulator.sessions import (
    GUILDS,
    KNOWN_INTENTS,
    MESSAGE_CONTENT,
    PRIVILEGED_INTENTS,
    Event,
    Session,
    SessionLimits,
    Sessions,
    encode,
)


class Gateway:
    """Dispatches every event to every session that subscribed to it; an event without a session is gone.

    An app may have several sessions of the same shard, which all get everything, interactions too.
    https://docs.discord.com/developers/events/gateway#sharding.
    """

    def __init__(
        self,
        guild: Guild,
        faults: Faults,
        journal: Journal,
        *,
        token: str,
        heartbeat_interval: float,
        message_content: bool,
        limits: SessionLimits,
        max_concurrency: int | None,
    ) -> None:
        self.url = ""
        """Where clients connect, `ws://…`; set once the port is known."""
        self.heartbeat_interval = heartbeat_interval
        self.connections: list[Connection] = []
        self.connections_made = 0
        self.identifies = 0
        self.session_starts_left = codes.SESSION_STARTS
        self.sessions = Sessions(limits, journal.changes.notify)
        self.worst_ended_delay = 0.0
        self._guild = guild
        self._faults = faults
        self._journal = journal
        self._token = token
        self._enabled_intents = KNOWN_INTENTS & ~PRIVILEGED_INTENTS | (MESSAGE_CONTENT if message_content else 0)
        self.application_flags = codes.MESSAGE_CONTENT_LIMITED if message_content else 0
        self.max_concurrency = max_concurrency
        self._identified_at: list[float] = []
        faults.gateway = GatewayFaults(
            abort=self.abort,
            close=self.close,
            reconnect=self.reconnect,
            invalidate=self.invalidate,
            forget_sessions=self.sessions.forget_all,
            malformed=self.malformed,
        )

    def ready(self) -> list[Connection]:
        """The connections with a session, everything of its start written."""
        return [connection for connection in self.connections if connection.ready]

    def dispatch(self, event: Event) -> None:
        """Sends the event to every session that wants it; without a connection it waits there for a resume."""
        if event.message_id:
            self._journal.emitted(event.message_id)
            if self._faults.take_drop():
                self._journal.dropped.append(event.message_id)
                self._journal.changes.notify()
                return
        self._dispatch(event)
        if event.message_id and self._faults.take_duplicate():
            self._dispatch(event)
        self._journal.changes.notify()

    def abort(self, only: int | None = None) -> None:
        """Breaks all connections without a closing handshake; or one, by its place in the order of their opening."""
        for connection in self._chosen(only):
            connection.abort()
            self._ended(connection, 1006)

    def close(self, code: int, only: int | None = None) -> None:
        """Closes all connections, or one, with that code; the sessions stay, except for 4007."""
        for connection in self._chosen(only):
            if code == codes.INVALID_SEQUENCE and connection.session:
                connection.session.resumable = False
            connection.close(code)

    def reconnect(self, only: int | None = None) -> None:
        """Opcode 7 for all, or one. https://docs.discord.com/developers/events/gateway-events#reconnect."""
        for connection in self._chosen(only):
            connection.ready = False
            connection.send_payload({"op": codes.RECONNECT, "d": None})

    def invalidate(self, resumable: bool, only: int | None = None) -> None:
        """Opcode 9 for all, or one. https://docs.discord.com/developers/events/gateway-events#invalid-session."""
        for connection in self._chosen(only):
            self._invalidate(connection, resumable=resumable)

    def malformed(self, event: str, payload: Mapping[str, Any] | None, text: str | None) -> None:
        """Dispatches an event with that body, or sends that very text."""
        for connection in self.connections:
            if text is not None:
                connection.send(text)
            elif connection.session is not None:
                body = encode(dict(payload) if payload is not None else {"id": "1"})
                self._send(connection.session, connection.session.number_body(event, body))

    def request_heartbeats(self) -> None:
        """Asks every client for a heartbeat at once (opcode 1)."""
        for connection in self.connections:
            connection.request_heartbeat()

    async def settled(self) -> None:
        """Returns once every client has taken everything that was sent to it, or is gone."""
        asked = [(connection, connection.ping()) for connection in self.connections]
        await self._journal.changes.until(
            lambda: all(not connection.open or connection.pongs >= ping for connection, ping in asked)
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection, from its handshake to its end."""
        refused = self._faults.take_refusal()
        if refused is not None:
            return self._refuse(request, refused)
        try:
            compressor = compression.compressor(request.query.get("compress", ""))
        except LookupError as error:
            raise web.HTTPNotImplemented(text=str(error)) from None
        response = web.WebSocketResponse(timeout=1.0, max_msg_size=0, compress=False, autoping=False)
        await response.prepare(request)
        connection = Connection(response, request.transport, compressor, self.heartbeat_interval)
        self.connections.append(connection)
        self.connections_made += 1
        writer = asyncio.create_task(connection.write())
        try:
            self._hello(connection, request)
            async for message in response:
                if message.type is WSMsgType.TEXT:
                    self._received(connection, message.data)
                elif message.type is WSMsgType.BINARY:
                    connection.close(codes.DECODE_ERROR)
                elif message.type is WSMsgType.PING:
                    await response.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    connection.pong(message.data)
                    self._journal.changes.notify()
        finally:
            self._ended(connection, response.close_code or 1006)
            if not connection.closed_with:
                writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return response

    async def stop(self) -> None:
        """Closes every connection and forgets every session."""
        for session in list(self.sessions.by_id.values()):
            self.sessions.forget(session)
        await asyncio.gather(*(connection.stop() for connection in list(self.connections)))

    def _chosen(self, only: int | None) -> list[Connection]:
        return list(self.connections) if only is None else [self.connections[only]]

    def _hello(self, connection: Connection, request: web.Request) -> None:
        if request.query.get("v", codes.VERSION) != codes.VERSION:
            connection.close(codes.INVALID_VERSION)
            return
        interval = int(self.heartbeat_interval * 1000)
        connection.send_payload({"op": codes.HELLO, "s": None, "t": None, "d": {"heartbeat_interval": interval}})
        connection.watch(self.heartbeat_interval * codes.ZOMBIE_AFTER, codes.TIMED_OUT)

    def _received(self, connection: Connection, text: str) -> None:
        if len(text.encode()) > codes.MAX_PAYLOAD:
            connection.close(codes.DECODE_ERROR)
            return
        try:
            decoded: object = json.loads(text)
        except ValueError:
            decoded = None
        if not isinstance(decoded, dict):
            connection.close(codes.DECODE_ERROR)
            return
        payload = cast("Payload", decoded)
        opcode, data = payload.get("op"), payload.get("d")
        asked_for = opcode == codes.HEARTBEAT and connection.requested
        if not asked_for and connection.sends_too_much(codes.MAX_SENT, codes.SENT_WINDOW):
            connection.close(codes.RATE_LIMITED)
        elif opcode == codes.HEARTBEAT:
            self._heartbeat(connection, data)
        elif opcode in (codes.IDENTIFY, codes.RESUME):
            self._start(connection, opcode, data)
        elif not isinstance(opcode, int) or opcode not in codes.IGNORED:
            connection.close(codes.UNKNOWN_OPCODE)
        elif connection.session is None:
            connection.close(codes.NOT_AUTHENTICATED)

    def _heartbeat(self, connection: Connection, data: object) -> None:
        connection.heartbeat(data if isinstance(data, int) else None)
        if not self._faults.mute_heartbeats:
            connection.send_payload({"op": codes.HEARTBEAT_ACK, "d": None})
        self._journal.changes.notify()

    def _start(self, connection: Connection, opcode: int, data: object) -> None:
        if connection.session is not None:
            connection.close(codes.ALREADY_AUTHENTICATED)
            return
        if not isinstance(data, dict):
            connection.close(codes.DECODE_ERROR)
            return
        fields = cast("Payload", data)
        code = self._faults.take_close()
        if not code and fields.get("token") != self._token:
            code = codes.AUTHENTICATION_FAILED
        if code:
            connection.close(code)
        elif opcode == codes.IDENTIFY:
            self._identify(connection, fields)
        else:
            self._resume(connection, fields)

    def _identify(self, connection: Connection, fields: Payload) -> None:
        intents, shard = fields.get("intents"), fields.get("shard")
        if not isinstance(intents, int) or not isinstance(fields.get("properties"), dict):
            connection.close(codes.DECODE_ERROR)
            return
        code = self._refuse_identify(intents, shard)
        if code:
            connection.close(code)
            return
        if self._identifies_too_often():
            self._invalidate(connection, resumable=False)
            return
        self.identifies += 1
        self.session_starts_left = max(0, self.session_starts_left - 1)
        session = self.sessions.open(intents)
        connection.session = session
        self.sessions.attach(session, connection)
        self._send(session, session.number_body("READY", encode(self._ready_body(session, shard or [0, 1]))))
        if intents & GUILDS and self._guild.has_bot:
            body = encode(guild_create(self._guild) | {"unavailable": False})
            self._send(session, session.number_body("GUILD_CREATE", body))
        connection.ready = True
        self._journal.changes.notify()

    def _refuse_identify(self, intents: int, shard: object) -> int:
        if shard is not None and not _is_shard(shard):
            return codes.INVALID_SHARD
        if intents & ~KNOWN_INTENTS or intents < 0:
            return codes.INVALID_INTENTS
        return codes.DISALLOWED_INTENTS if intents & ~self._enabled_intents else 0

    def _identifies_too_often(self) -> bool:
        if self.max_concurrency is None:
            return False
        now = time.monotonic()
        self._identified_at = [at for at in self._identified_at if now - at < codes.IDENTIFY_INTERVAL]
        self._identified_at.append(now)
        return len(self._identified_at) > self.max_concurrency

    def _resume(self, connection: Connection, fields: Payload) -> None:
        session = self.sessions.by_id.get(str(fields.get("session_id")))
        sequence = fields.get("seq")
        if session is None or not session.resumable:
            self._invalidate(connection, resumable=False)
            return
        if not isinstance(sequence, int) or not 0 <= sequence <= session.sequence:
            self.sessions.forget(session)
            connection.close(codes.INVALID_SEQUENCE)
            return
        missed = session.missed(sequence)
        if missed is None:
            self.sessions.forget(session)
            self._invalidate(connection, resumable=False)
            return
        connection.session = session
        before = self.sessions.attach(session, connection)
        if isinstance(before, Connection):
            before.ready = False
            before.close(codes.UNKNOWN_ERROR)
        replayed = sum(text.startswith('{"t":"MESSAGE_CREATE"') for text in missed)
        for text in missed:
            connection.send(text)
        self._send(session, session.number_body("RESUMED", '{"_trace":[]}'))
        connection.ready = True
        self._journal.delivered(replayed)

    def _dispatch(self, event: Event) -> None:
        for session in list(self.sessions.by_id.values()):
            if not session.wants(event):
                continue
            text = session.number(event)
            if session.outlet is not None and not self._faults.deaf:
                session.outlet.send(text)
                self._journal.deliveries += bool(event.message_id)

    def _send(self, session: Session, text: str) -> None:
        if session.outlet is not None:
            session.outlet.send(text)

    def _ready_body(self, session: Session, shard: object) -> Payload:
        """https://docs.discord.com/developers/events/gateway-events#ready."""
        guild = self._guild
        return {
            "v": int(codes.VERSION),
            "user_settings": {},
            "user": bot_user(guild),
            "session_type": "normal",
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "relationships": [],
            "private_channels": [],
            "presences": [],
            "guilds": [{"id": guild.id, "unavailable": True}] if guild.has_bot else [],
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": [],
            "game_relationships": [],
            "auth": {},
            "application": {"id": guild.application_id, "flags": self.application_flags},
            "shard": shard,
            "_trace": [],
        }

    def _invalidate(self, connection: Connection, *, resumable: bool) -> None:
        connection.ready = False
        if connection.session is not None and not resumable:
            self.sessions.forget(connection.session)
            connection.session = None
        connection.send_payload({"op": codes.INVALID_SESSION, "d": resumable})

    def _refuse(self, request: web.Request, status: int) -> web.StreamResponse:
        if not status and request.transport is not None:
            request.transport.abort()
        return web.Response(status=status or 503, text="no healthy upstream")

    def _ended(self, connection: Connection, code: int) -> None:
        if connection not in self.connections:
            return
        self.connections.remove(connection)
        self.worst_ended_delay = max(self.worst_ended_delay, connection.heartbeat_delay())
        connection.ended()
        code = connection.closed_with or code
        self._journal.close_codes.append(code)
        session = connection.session
        if session is not None:
            if code in codes.ENDS_SESSION and not connection.closed_with:
                self.sessions.forget(session)
            self.sessions.detach(session, connection)
        self._journal.changes.notify()


def _is_shard(shard: object) -> bool:
    """One shard of one: a single guild is never split."""
    return shard == [0, 1]

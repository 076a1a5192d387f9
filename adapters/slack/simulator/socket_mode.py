"""Socket Mode: tickets, sockets, envelopes, acknowledgements, and retries of what was not acknowledged.

https://docs.slack.dev/apis/events-api/using-socket-mode. What Slack does not document is decided
here: an acknowledgement is taken on any socket, every retry is a new envelope, and a closed socket's unacknowledged
events go at once to another socket, which uses up one of their retries. Interactions and commands are not sent again,
whatever becomes of their socket (https://github.com/slackapi/python-slack-sdk/issues/1940).
"""

import asyncio
import json
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from adapters.slack.simulator.delivery import Event, Journal, next_attempt
from adapters.slack.simulator.faults import Faults
from adapters.slack.simulator.workspace import Payload

MAX_SOCKETS = 10
"""https://docs.slack.dev/apis/events-api/using-socket-mode#connections."""

PING_INTERVAL = 10.0  # seconds, as Slack about does
PING = b"Ping from simulator"

CLOSE_TIMEOUT = 1.0  # seconds for the client's half of a closing handshake

RETRY_REASON = "timeout"


@dataclass(eq=False, slots=True)
class _Socket:
    response: web.WebSocketResponse
    transport: asyncio.Transport | None
    outbox: asyncio.Queue[str | bytes] = field(default_factory=asyncio.Queue[str | bytes])
    """Envelopes, and the contents of pings: a client that reads neither holds up nobody else."""


@dataclass(eq=False, slots=True)
class _Envelope:
    id: str
    event: Event
    attempt: int
    socket: _Socket
    timer: asyncio.TimerHandle


@dataclass(eq=False, slots=True)
class _Held:
    event: Event
    attempt: int
    timer: asyncio.TimerHandle | None = None


class SocketMode:
    """Gives every event to one of the open sockets until it is acknowledged: in turn, or by `chance`.

    Slack: "each payload may be sent to any of the connections. It's best not to assume any particular pattern"
    (https://docs.slack.dev/apis/events-api/using-socket-mode#connections); a retry may go where nobody answered before.
    Without a socket an event is kept until its last retry would have been, and goes out as soon as a socket is
    there; then it is dropped, as Slack drops it. A silent socket is not closed: pongs are not watched.
    """

    def __init__(
        self,
        faults: Faults,
        journal: Journal,
        *,
        app_id: str,
        schedule: Sequence[float],
        ack_timeout: float,
        chance: random.Random | None = None,
    ) -> None:
        self._faults = faults
        self._journal = journal
        self._app_id = app_id
        self._schedule = tuple(schedule)
        self._ack_timeout = ack_timeout
        self._chance = chance
        self._tickets: set[str] = set()
        self._sockets: list[_Socket] = []
        self._active: list[_Socket] = []
        self._turn = 0
        self._envelopes: dict[str, _Envelope] = {}
        self._held: dict[int, _Held] = {}
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._interactions: dict[str, asyncio.Future[object]] = {}
        self.connections_made = 0
        self.ping_interval = PING_INTERVAL
        faults.on_close_sockets = self.abort

    def connections(self) -> int:
        """How many sockets are given events."""
        return len(self._active)

    def unacked(self) -> int:
        """How many deliveries wait for an acknowledgement, a retry or a socket."""
        return len(self._envelopes) + len(self._held) + len(self._later)

    def new_ticket(self) -> str:
        """A ticket for one connection."""
        ticket = str(uuid.uuid4())
        self._tickets.add(ticket)
        return ticket

    def publish(self, event: Event) -> None:
        """See `Transport.publish`."""
        if self._faults.take_drop():
            return
        self._send(event, 0)
        if self._faults.take_duplicate():
            self._send(event, 1)

    def redeliver(self, event: Event) -> None:
        """See `Transport.redeliver`."""
        self._send(event, 1)

    async def interact(self, payload: str) -> bool:
        """See `Transport.interact`."""
        return await self._once("interactive", payload) is not None

    async def command(self, fields: Mapping[str, str]) -> object:
        """See `Transport.command`. The acknowledgement's payload is what the person is shown."""
        return await self._once("slash_commands", json.dumps(fields))

    async def _once(self, kind: str, payload: str) -> object:
        """The payload of the acknowledgement, empty text where it has none; None where there is none in time."""
        if not self._active or self._faults.deaf:
            return None
        id_ = str(uuid.uuid4())
        acknowledged = self._interactions[id_] = asyncio.get_running_loop().create_future()
        self._next_socket().outbox.put_nowait(
            f'{{"envelope_id":"{id_}","payload":{payload},"type":"{kind}","accepts_response_payload":true}}'
        )
        try:
            async with asyncio.timeout(self._ack_timeout):
                return await acknowledged
        except TimeoutError:
            return None
        finally:
            del self._interactions[id_]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection, from its ticket to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPUnauthorized
        self._tickets.discard(ticket)
        response = web.WebSocketResponse(timeout=CLOSE_TIMEOUT, max_msg_size=0)
        try:
            await response.prepare(request)
        except ConnectionResetError:  # the client is gone already
            return response
        socket = _Socket(response, request.transport)
        if len(self._sockets) >= MAX_SOCKETS:
            await response.send_str(json.dumps(_disconnect("too_many_websockets")))
            await response.close()
            return response
        self._sockets.append(socket)
        self._active.append(socket)
        self.connections_made += 1
        await response.send_str(json.dumps(self._hello()))
        writer = asyncio.create_task(self._write(socket))
        try:
            self._release_held()
            self._journal.changes.notify()
            async for message in response:
                if message.type is WSMsgType.TEXT:
                    self._acknowledge(message.data)
        finally:
            self._closed(socket)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return response

    def disconnect(self, reason: str = "refresh_requested", only: int | None = None) -> None:
        """Tells the clients of all sockets to leave them; after a mere `warning` events still go there.

        The socket stays open until the client closes it: Slack closes it some seconds later. `only`: that socket, by
        its place in the order in which they were opened.
        """
        text = json.dumps(_disconnect(reason))
        for socket in _chosen(self._active, only):
            socket.outbox.put_nowait(text)
            if reason != "warning":
                self._active.remove(socket)

    def abort(self, only: int | None = None) -> None:
        """Breaks all connections, or one as in `disconnect`, without a closing handshake."""
        for socket in _chosen(self._sockets, only):
            if socket.transport is not None:
                socket.transport.abort()
            self._closed(socket)

    async def ping(self) -> None:
        """Pings every socket every `ping_interval` seconds, for ever."""
        while True:
            await asyncio.sleep(self.ping_interval)
            for socket in self._sockets:
                socket.outbox.put_nowait(PING)

    async def stop(self) -> None:
        """Closes every socket and forgets what was not acknowledged."""
        for timer in (
            *(envelope.timer for envelope in self._envelopes.values()),
            *(held.timer for held in self._held.values() if held.timer),
            *self._later.values(),
        ):
            timer.cancel()
        self._envelopes.clear()
        self._held.clear()
        self._later.clear()
        await asyncio.gather(*(socket.response.close(drain=False) for socket in list(self._sockets)))

    def _send(self, event: Event, attempt: int) -> None:
        if not self._active:
            self._hold(event, attempt)
            return
        socket = self._next_socket()
        timer = asyncio.get_running_loop().call_later(self._ack_timeout, self._timed_out, id_ := str(uuid.uuid4()))
        self._envelopes[id_] = _Envelope(id_, event, attempt, socket, timer)
        if not self._faults.deaf:
            socket.outbox.put_nowait(_envelope_text(id_, event, attempt))
            self._journal.delivered()

    def _next_socket(self) -> _Socket:
        if self._chance is not None:
            return self._chance.choice(self._active)
        self._turn += 1
        return self._active[self._turn % len(self._active)]

    def _hold(self, event: Event, attempt: int) -> None:
        if event.sequence not in self._held:
            held = self._held[event.sequence] = _Held(event, attempt)
            self._wait_for_socket(held)

    def _wait_for_socket(self, held: _Held) -> None:
        """Counts the retries that find no socket; the last one drops the event."""
        following = next_attempt(held.attempt, self._schedule)
        if following is None:
            del self._held[held.event.sequence]
            self._journal.gave_up(held.event)
            return
        attempt, delay = following

        def due() -> None:
            held.attempt = attempt
            self._wait_for_socket(held)

        held.timer = asyncio.get_running_loop().call_later(delay, due)

    def _release_held(self) -> None:
        waiting = sorted(self._held.items())
        self._held.clear()
        for _, held in waiting:
            if held.timer is not None:
                held.timer.cancel()
            self._send(held.event, held.attempt + 1)

    def _timed_out(self, envelope_id: str) -> None:
        envelope = self._envelopes.pop(envelope_id)
        event = envelope.event
        if event.acked:
            return
        following = next_attempt(envelope.attempt, self._schedule)
        if following is None:
            self._journal.gave_up(event)
            return
        attempt, delay = following

        def due() -> None:
            del self._later[envelope_id]
            if not event.acked:
                self._send(event, attempt)

        self._later[envelope_id] = asyncio.get_running_loop().call_later(delay, due)

    def _acknowledge(self, text: str) -> None:
        try:
            acknowledgement = json.loads(text)
            id_ = acknowledgement["envelope_id"]
            envelope, interaction = self._envelopes.pop(id_, None), self._interactions.get(id_)
        except (ValueError, KeyError, TypeError):
            return  # Slack ignores what it does not understand, too
        if interaction is not None and not interaction.done():
            interaction.set_result(acknowledgement.get("payload") or "")
        if envelope is not None:
            envelope.timer.cancel()
            self._journal.acknowledged(envelope.event)

    def _closed(self, socket: _Socket) -> None:
        if socket not in self._sockets:
            return
        self._sockets.remove(socket)
        if socket in self._active:
            self._active.remove(socket)
        for envelope in [each for each in self._envelopes.values() if each.socket is socket]:
            envelope.timer.cancel()
            del self._envelopes[envelope.id]
            if envelope.event.acked:
                continue
            if envelope.attempt < len(self._schedule):
                self._resend(envelope)
            else:
                self._journal.gave_up(envelope.event)
        self._journal.changes.notify()

    def _resend(self, envelope: _Envelope) -> None:
        if self._active:
            self._send(envelope.event, envelope.attempt + 1)
        else:
            self._hold(envelope.event, envelope.attempt)

    async def _write(self, socket: _Socket) -> None:
        while True:
            item = await socket.outbox.get()
            try:
                if isinstance(item, bytes):
                    await socket.response.ping(item)
                else:
                    await socket.response.send_str(item)
            except ConnectionError:
                self._closed(socket)
                return

    def _hello(self) -> Payload:
        return {
            "type": "hello",
            "num_connections": len(self._sockets),
            "debug_info": _DEBUG_INFO,
            "connection_info": {"app_id": self._app_id},
        }


_DEBUG_INFO = {"host": "applink-simulator", "build_number": 1, "approximate_connection_time": 18060}


def _disconnect(reason: str) -> Payload:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": _DEBUG_INFO["host"]}}


def _chosen(sockets: Sequence[_Socket], only: int | None) -> Sequence[_Socket]:
    return list(sockets) if only is None else [sockets[only]]


def _envelope_text(envelope_id: str, event: Event, attempt: int) -> str:
    """The envelope as JSON, put together as text because the payload is JSON already."""
    reason = RETRY_REASON if attempt else ""
    return (
        f'{{"envelope_id":"{envelope_id}","payload":{event.payload},"type":"events_api",'
        f'"accepts_response_payload":false,"retry_attempt":{attempt},"retry_reason":"{reason}"}}'
    )

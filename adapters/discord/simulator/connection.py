"""One WebSocket connection of the gateway: its outgoing queue, its heartbeats, its end."""

import asyncio
import time

from aiohttp import web

from adapters.discord.simulator.compression import Compressor
from adapters.discord.simulator.guild import Payload
from adapters.discord.simulator.sessions import Session, encode

CLOSE_WITHIN = 5.0  # seconds

HEARTBEAT_REQUEST: Payload = {"op": 1, "d": None}


class Connection:
    """Takes payloads without ever waiting; a slow client only lets its own queue grow."""

    def __init__(
        self,
        response: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        compress: Compressor | None,
        heartbeat_interval: float,
    ) -> None:
        self.session: Session | None = None
        self.ready = False
        """READY with its guilds, or what was missed and RESUMED, is in the queue; the client was not asked to go."""
        self.sequence: int | None = None
        """The sequence number in the client's newest heartbeat."""
        self.requested = 0
        """Heartbeats that were asked for and did not come yet."""
        self.pongs = 0
        """The number of the newest ping that was answered."""
        self.open = True
        self.closed_with = 0
        """The code that this side closed it with."""
        self.heartbeats: list[float] = []
        """When the client sent one on its own account, in `time.monotonic` seconds."""
        self._response = response
        self._transport = transport
        self._compress = compress
        self._heartbeat_interval = heartbeat_interval
        self._opened_at = time.monotonic()
        self._outbox: asyncio.Queue[str | bytes | int] = asyncio.Queue()
        """Payloads, the contents of pings, and the code of the end."""
        self._pings = 0
        self._worst_delay = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        self._last_resort: asyncio.TimerHandle | None = None
        self._patience = 0.0
        self._late_code = 0
        self._window_start = self._opened_at
        self._window_count = 0

    def send(self, text: str) -> None:
        """See `Outlet.send`."""
        self._outbox.put_nowait(text)

    def send_payload(self, payload: Payload) -> None:
        """Queues a payload that is no dispatch."""
        self._outbox.put_nowait(encode(payload))

    def request_heartbeat(self) -> None:
        """Asks the client for a heartbeat at once (opcode 1)."""
        self.requested += 1
        self.send_payload(HEARTBEAT_REQUEST)

    def ping(self) -> int:
        """Queues a WebSocket ping; `pongs` reaches its number once the client has taken everything before it."""
        self._pings += 1
        self._outbox.put_nowait(str(self._pings).encode())
        return self._pings

    def pong(self, content: bytes) -> None:
        """The client answered a ping."""
        self.pongs = int(content) if content.isdigit() else self.pongs

    def close(self, code: int) -> None:
        """Closes the connection with that code after everything in the queue; breaks it if the client does not read."""
        if not self.closed_with:
            self.closed_with = code
            self.ready = False
            self._outbox.put_nowait(code)
            self._last_resort = asyncio.get_running_loop().call_later(CLOSE_WITHIN, self.abort)

    def abort(self) -> None:
        """Breaks the TCP connection."""
        if self._transport is not None:
            self._transport.abort()

    def watch(self, patience: float, code: int) -> None:
        """Closes the connection with that code once no heartbeat came for `patience` seconds."""
        self._patience, self._late_code = patience, code
        self._watchdog = asyncio.get_running_loop().call_later(patience, self.close, code)

    def heartbeat(self, sequence: int | None) -> None:
        """The client sent a heartbeat with that number. One that was asked for does not count as its own."""
        self.sequence = sequence
        if self._watchdog is not None:
            self._watchdog.cancel()
            self.watch(self._patience, self._late_code)
        if self.requested:
            self.requested -= 1
            return
        self._worst_delay = self.heartbeat_delay()
        self.heartbeats.append(time.monotonic())

    def heartbeat_delay(self) -> float:
        """The longest time by which a heartbeat was late, in seconds; one that is late now counts, too."""
        before = self.heartbeats[-1] if self.heartbeats else self._opened_at
        late = time.monotonic() - before - self._heartbeat_interval if self.open else 0.0
        return max(self._worst_delay, late)

    def sends_too_much(self, payloads: int, seconds: float) -> bool:
        """Counts one payload of the client; true where it is one too many within that time."""
        now = time.monotonic()
        if now - self._window_start >= seconds:
            self._window_start, self._window_count = now, 0
        self._window_count += 1
        return self._window_count > payloads

    async def write(self) -> None:
        """Writes what is queued, until the connection is closed or gone."""
        while True:
            item = await self._outbox.get()
            try:
                if isinstance(item, int):
                    await self._response.close(code=item)
                    return
                if isinstance(item, bytes):
                    await self._response.ping(item)
                elif self._compress is None:
                    await self._response.send_str(item)
                else:
                    await self._response.send_bytes(self._compress(item))
            except ConnectionError:
                return

    def ended(self) -> None:
        """The connection is gone."""
        self._worst_delay = self.heartbeat_delay()
        self.open = self.ready = False
        for timer in (self._watchdog, self._last_resort):
            if timer is not None:
                timer.cancel()
        self._watchdog = self._last_resort = None

    async def stop(self) -> None:
        """Closes it at once, without waiting for the client."""
        await self._response.close(code=1001, drain=False)

"""A Chowder on loopback, with a deterministic agent behind it: for the demo, the tests and the benchmarks.

It answers as Chowder and OpenClaw do. Sources, read 2026-11-21:
https://docs.chowder.dev/api-reference/instances/send-message,
https://docs.chowder.dev/api-reference/instances/send-message-session, and OpenClaw 2026.9.6 as observed (event order,
`previous_response_id`, first requests at once, a client that hangs up).
"""

import asyncio
import contextlib
import json
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

from aiohttp import web

from bridge.demo import instance_input
from bridge.demo import instance_wire as wire
from bridge.demo.instance_agent import Script, agent, chunks

INSTANCE_ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
ORG_KEY = "chd_org_demo"
SCOPED_KEY = "chd_sk_demo"
KEYS = {  # key -> its permissions on the instance
    ORG_KEY: {"read", "interact", "lifecycle"},
    SCOPED_KEY: {"read", "interact"},
    "chd_sk_interact": {"interact"},
    "chd_sk_read": {"read"},
}
DEFAULT_SESSION = "main"
MAX_BODY_BYTES = 20 * 1024 * 1024


@dataclass(slots=True)
class Request:
    """One message that the server was sent, times by `time.monotonic`."""

    session: str
    input: str
    """Its text."""
    body: dict[str, Any]
    started: float
    traceparent: str | None = None
    """The header of that name."""
    finished: float | None = None
    """When the answer was written; None while it runs, and for ever if it was never written to its end."""
    aborted: bool = False
    """The client hung up."""
    files: Sequence[instance_input.Received] = ()


@dataclass(slots=True)
class _Session:
    """What the agent remembers of one session, and what runs in it."""

    said: list[str] = field(default_factory=list[str])
    created: bool = False
    running: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class DemoInstanceServer:
    """Speaks `{base_url}/instances/{instance_id}/…`. Change `status` or `reachable` and it answers accordingly.

    Without a session a message belongs to `main`, which everybody shares; with a known `previous_response_id` it
    continues the conversation that began with that response's message. An unknown `previous_response_id` is ignored.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        chunk_chars: int = 20,
        chunk_pause: float = 0.0,
        keep: int = 10_000,
        record: bool = True,
    ) -> None:
        """`latency` and `chunk_pause` in seconds; `keep` sessions, responses and requests are remembered at most."""
        self.host, self.port = host, port
        self.latency, self.chunk_chars, self.chunk_pause = latency, chunk_chars, chunk_pause
        self.keep, self.record = keep, record
        self.instance_id, self.api_key = INSTANCE_ID, SCOPED_KEY
        self.status = "running"
        self.error_message = "The sandbox did not start."
        self.reachable = True
        """Whether Chowder reaches the sandbox; False answers 502."""
        self.requests: deque[Request] = deque(maxlen=keep)
        self.received = 0
        """Messages since the start, counted even if they are not recorded."""
        self.overlaps = 0
        """Messages that came while another one of their session was being answered."""
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._continued: OrderedDict[str, str] = OrderedDict()  # response id -> the session that continues it
        self._open = asyncio.Event()
        self._open.set()
        self._waiting: list[asyncio.Future[None]] = []
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """What `base_url` in the configuration has to be, once the server listens."""
        return f"http://{self.host}:{self.port}/v1"

    def routes(self) -> list[web.RouteDef]:
        """What it serves."""
        instance = "/v1/instances/{instance}"
        return [
            web.post(f"{instance}/responses", self._respond),
            web.post(f"{instance}/session/{{session}}/responses", self._respond),
            web.get(instance, self._show),
            web.get(f"{instance}/status", self._show),
            web.post(f"{instance}/{{action:start|stop}}", self._switch),
        ]

    async def start(self) -> None:
        """Listens; a port of 0 becomes the free one that was found."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Closes every connection and the port."""
        self.release()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def hold(self) -> None:
        """Keeps every answer back until `release`; requests are taken and remembered."""
        self._open.clear()

    def release(self) -> None:
        """Lets the answers go."""
        self._open.set()

    async def until(self, holds: Callable[[Self], bool]) -> None:
        """Returns as soon as `holds(self)` is true, looked at after each request that comes or ends."""
        while not holds(self):
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    async def wait_for_requests(self, count: int) -> None:
        """Returns once `count` messages have been received since the start."""
        await self.until(lambda server: server.received >= count)

    async def _show(self, request: web.Request) -> web.Response:
        refusal = self._refuse(request, "read")
        if refusal is not None:
            return refusal
        known = {"id": self.instance_id, "status": self.status, "gateway_url": f"http://{self.host}:{self.port}"}
        return web.json_response(known | ({"error_message": self.error_message} if self.status == "error" else {}))

    async def _switch(self, request: web.Request) -> web.Response:
        refusal = self._refuse(request, "lifecycle")
        if refusal is not None:
            return refusal
        before, after = ("stopped", "running") if request.match_info["action"] == "start" else ("running", "stopped")
        if self.status != before:
            return _detail(409, f"Instance is not {before} (status: {self.status}).")
        self.status = after
        return web.json_response({"id": self.instance_id, "status": after})

    def _refuse(self, request: web.Request, permission: str) -> web.Response | None:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if key not in KEYS:
            return _detail(401, "Missing or invalid API key.")
        if request.match_info["instance"] != self.instance_id:
            return _detail(404, "Instance not found.")
        if permission not in KEYS[key]:
            return _detail(403, f"Key lacks '{permission}' permission on this instance.")
        return None

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        refusal = self._refuse(request, "interact")
        if refusal is not None:
            return refusal
        body = _object(await request.read())
        missing = [
            key for key, kinds in (("model", str), ("input", (str, list))) if not isinstance(body.get(key), kinds)
        ]
        if missing:
            rows = [{"type": "missing", "loc": ["body", key], "msg": "Field required"} for key in missing]
            return web.json_response({"detail": rows}, status=422)
        if self.status != "running":
            return _detail(409, f"Instance is not running (status: {self.status}).")
        if not self.reachable:
            return _detail(502, {"error": "Gateway unavailable – the sandbox cannot be reached."})
        try:
            said, files = instance_input.read(body["input"])
        except instance_input.Refused as refused:
            return _invalid(str(refused))
        if not said and not files:
            return _invalid("Missing user message in `input`.")
        session = request.match_info.get("session") or self.session_after(body) or DEFAULT_SESSION
        return await self.turn(request, body, session, said, files)

    def session_after(self, body: dict[str, Any]) -> str | None:
        """The session that goes on from the response that a request names; None if it names none that is known."""
        return self._continued.get(str(body.get("previous_response_id")))

    async def turn(
        self,
        request: web.Request,
        body: dict[str, Any],
        session: str,
        said: str,
        files: Sequence[instance_input.Received],
    ) -> web.StreamResponse:
        """Remembers the message and lets the agent answer it."""
        memory = self._sessions.setdefault(session, _Session(created=session == DEFAULT_SESSION))
        self._sessions.move_to_end(session)
        response = wire.begun(body["model"])
        with contextlib.suppress(ConnectionResetError):  # the client hung up
            record = Request(session, said, body, time.monotonic(), request.headers.get("traceparent"), files=files)
            async with self._recorded(record, memory):
                if memory.running > 1 and not memory.created:
                    return await self._send(request, record, response, Script("", code=500, status="failed"))
                if session == DEFAULT_SESSION:
                    return await self._answer(request, record, response, memory)
                async with memory.turn:
                    return await self._answer(request, record, response, memory)
        return web.Response()

    @contextlib.asynccontextmanager
    async def _recorded(self, record: Request, memory: _Session) -> AsyncGenerator[None]:
        self.received += 1
        self.overlaps += memory.running > 0 and record.session != DEFAULT_SESSION
        memory.running += 1
        if self.record:
            self.requests.append(record)
        self._tell()
        try:
            yield
            record.finished = time.monotonic()
        except (asyncio.CancelledError, ConnectionResetError):
            record.aborted = True
            raise
        finally:
            memory.running -= 1
            memory.created |= memory.running == 0
            self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def _answer(
        self, request: web.Request, record: Request, response: dict[str, Any], memory: _Session
    ) -> web.StreamResponse:
        """The agent's turn: it remembers the message from now on, even if the client hangs up."""
        script = agent(record.input, memory.said, record.files)
        memory.said.append(record.input)
        self._continue(response["id"], record)
        if script.hang:
            await asyncio.Event().wait()
        pause = self.latency + (0 if script.tool else script.pauses[0])
        if pause > 0:
            await asyncio.sleep(pause)
        await self._open.wait()
        return await self._send(request, record, response, script)

    def _continue(self, response_id: str, record: Request) -> None:
        session = record.session
        if session == DEFAULT_SESSION:
            session = f"{DEFAULT_SESSION}#{response_id}"
            self._sessions[session] = _Session(said=[record.input], created=True)
        self._continued[response_id] = session
        for memory in (self._sessions, self._continued):
            while len(memory) > self.keep:
                memory.popitem(last=False)

    async def _send(
        self, request: web.Request, record: Request, response: dict[str, Any], script: Script
    ) -> web.StreamResponse:
        if script.garbage:
            return web.Response(text="<html><body>It works!</body></html>", content_type="text/html")
        body = response | wire.ended(response["id"], script)
        if record.body.get("stream") is not True:
            await asyncio.sleep(sum(script.pauses[1:]))
            if not script.cut:
                return web.json_response(body, status=script.code)
            return await _write_half(request, json.dumps(body).encode())
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await stream.prepare(request)
        await stream.write(wire.opening(response, body))
        if script.tool:
            await stream.write(wire.uses(script.tool))
            await asyncio.sleep(script.pauses[0])
        deltas = chunks(script, self.chunk_chars, self.chunk_pause)
        for pause, text in deltas[: len(deltas) // 2] if script.cut else deltas:
            if pause > 0:
                await asyncio.sleep(pause)
            await stream.write(wire.delta(text))
        if script.cut:
            _hang_up(request)
        else:
            await stream.write(wire.closing(body))
        return stream


async def _write_half(request: web.Request, whole: bytes) -> web.StreamResponse:
    stream = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(whole))})
    await stream.prepare(request)
    await stream.write(whole[: len(whole) // 2])
    _hang_up(request)
    return stream


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()


def _object(body: bytes) -> dict[str, Any]:
    try:
        value: object = json.loads(body)
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _invalid(message: str) -> web.Response:
    error = {"message": message, "type": "invalid_request_error"}
    return web.json_response({"error": error}, status=400)


def _detail(status: int, detail: object) -> web.Response:
    return web.json_response({"detail": detail}, status=status)

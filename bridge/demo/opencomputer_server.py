"""An OpenComputer on loopback, with the demo's agent in its durable sessions: for the demo, the tests, and developers.

Sources: https://docs.opencomputer.dev/agent-sessions/api-reference, …/messaging, …/events, …/webhooks, read 2026-11-22.
Not documented there, and chosen here: a key used again with another body is a 409, so is a message into a session that
is archived, and a message without text is a 422.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

from aiohttp import web

from bridge.demo.opencomputer_session import LEVELS, DemoSession
from bridge.demo.opencomputer_webhooks import Deliveries, Destination

AGENT_ID = "agt_demo"
API_KEY = "osb_demo"
READ_ONLY_KEY = "osb_read"
HEARTBEAT = 15.0
"""Seconds after which a silent event stream is sent a comment."""
MAX_METADATA_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was taken, once however often it was sent."""

    session: str
    key: str | None
    """The session's own key."""
    text: str
    body: dict[str, Any]
    traceparent: str | None = None


class DemoOpenComputerServer:
    """Speaks `{base_url}/v3/sessions…`. `refuse` makes the next calls fail as they are told."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, heartbeat: float = HEARTBEAT) -> None:
        self.host, self.port, self.heartbeat = host, port, heartbeat
        self.agent_id, self.api_key = AGENT_ID, API_KEY
        self.sessions: dict[str, DemoSession] = {}
        self.destinations: dict[str, Destination] = {}
        self.deliveries = Deliveries()
        self.messages: list[Message] = []
        """Every message that was taken, oldest first."""
        self.refusals: deque[tuple[str, int, dict[str, str]]] = deque()
        """(method, status, headers) of the answers that the next calls of that method get."""
        self.streams_opened = 0
        self._keys: dict[str, tuple[str, str]] = {}  # key or idempotency key of a create -> (its body, the session)
        self._open = asyncio.Event()
        self._open.set()
        self._waiting: list[asyncio.Future[None]] = []
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """What `base_url` in the configuration has to be, once the server listens."""
        return f"http://{self.host}:{self.port}"

    def routes(self) -> list[web.RouteDef]:
        """What it serves."""
        one = "/v3/sessions/{session}"
        return [
            web.post("/v3/sessions", self._create),
            web.get("/v3/sessions", self._list),
            web.get("/v3/agents/{agent}", self._agent),
            web.get(one, self._with(self._show)),
            web.post(f"{one}/messages", self._with(self._steer)),
            web.get(f"{one}/events", self._with(self._events)),
            web.get(f"{one}/events/{{event}}", self._with(self._event)),
            web.get(f"{one}/events/{{event}}/content", self._with(self._content)),
            web.get(f"{one}/turns", self._with(self._turns)),
            web.get(f"{one}/result", self._with(self._result)),
            web.post(f"{one}/cancel", self._with(self._cancel)),
            web.post(f"{one}/archive", self._with(self._archive)),
            web.post(f"{one}/destinations", self._with(self._register)),
            web.get(f"{one}/destinations", self._with(self._destinations)),
            web.delete(f"{one}/destinations/{{destination}}", self._with(self._remove)),
            web.get(f"{one}/deliveries", self._with(self._deliveries)),
            web.post(f"{one}/deliveries/{{delivery}}/redeliver", self._with(self._redeliver)),
        ]

    async def start(self) -> None:
        """Listens; a port of 0 becomes the free one that was found."""
        app = web.Application()
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Ends every turn and closes the port; what was logged is still there after another `start`."""
        self.release()
        await self.deliveries.close()
        for session in self.sessions.values():
            await session.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def hold(self) -> None:
        """The agent begins its turns and says nothing until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Lets it speak."""
        self._open.set()

    def refuse(self, method: str, status: int, **headers: str) -> None:
        """The next call of that method is answered so."""
        self.refusals.append((method, status, {key.replace("_", "-"): value for key, value in headers.items()}))

    def of_key(self, key: str) -> DemoSession:
        """The session that has this key."""
        return next(one for one in self.sessions.values() if one.key == key)

    async def until(self, holds: Callable[[Self], bool]) -> None:
        """Returns as soon as `holds(self)` is true, looked at after each message, event and stream."""
        while not holds(self):
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def _with(self, handle: Any) -> Callable[[web.Request], Any]:
        """A call about one session that there has to be."""

        async def checked(request: web.Request) -> web.StreamResponse:
            refusal = self._refusal(request)
            if refusal is not None:
                return refusal
            session = self.sessions.get(request.match_info["session"])
            if session is None:
                return error(404, "not_found", "Session not found.")
            return cast("web.StreamResponse", await handle(request, session))

        return checked

    def _refusal(self, request: web.Request) -> web.Response | None:
        told = next((one for one in self.refusals if one[0] == request.method), None)
        if told is not None:
            self.refusals.remove(told)
            return error(told[1], "told_to", "as it was told to", headers=told[2])
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if key not in (self.api_key, READ_ONLY_KEY):
            return error(401, "authentication_error", "Missing or invalid API key.")
        if key == READ_ONLY_KEY and request.method != "GET":
            return error(403, "permission_error", "The key may only read.", code="read_only")
        return None

    async def _create(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        body = await _object(request)
        if refusal is not None:
            return refusal
        if body.get("agent") != self.agent_id:
            return error(404, "not_found", "Agent not found.", param="agent")
        given = body.get("input")
        message = cast("dict[str, Any]", {"text": given} if isinstance(given, str) else given)
        if not _has_text(message):
            return error(422, "invalid_request", "input is required.", param="input")
        if len(json.dumps(body.get("metadata"))) > MAX_METADATA_BYTES:
            return error(422, "invalid_request", "metadata is larger than 16 KB.", param="metadata")
        keys = [one for one in (body.get("key"), request.headers.get("Idempotency-Key")) if one]
        written = json.dumps(body, sort_keys=True)
        for key in keys:
            if key in self._keys:
                before, known = self._keys[key]
                if before != written:
                    return error(409, "conflict", "The key was used with another body.", code="key_reused", param="key")
                return self._created(self.sessions[known], 200)
        session = DemoSession(self.agent_id, body.get("key"), body.get("metadata"), self._appended, self._open)
        self.sessions[session.id] = session
        self._keys |= dict.fromkeys(keys, (written, session.id))
        if isinstance(body.get("webhook"), str):
            self._add(Destination(body["webhook"], session.id))
        for one in body.get("destinations") or ():
            self._add(Destination(one["url"], session.id, level=one.get("level", "user"), types=one.get("types")))
        await session.steer(message, message.get("id"))
        self._took(request, session, message, body)
        return self._created(session, 201)

    def _created(self, session: DemoSession, status: int) -> web.Response:
        return web.json_response({"session": session.shown(), "client_token": f"ct_{session.id}"}, status=status)

    async def _list(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        key = request.query.get("key")
        found = [one.shown() for one in self.sessions.values() if key in (None, one.key)]
        return refusal or web.json_response({"data": found, "next_cursor": None})

    async def _agent(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is None and request.match_info["agent"] != self.agent_id:
            refusal = error(404, "not_found", "Agent not found.")
        return refusal or web.json_response({"id": self.agent_id, "name": "demo", "active_revision": {"number": 1}})

    async def _show(self, _: web.Request, session: DemoSession) -> web.Response:
        return web.json_response(session.shown())

    async def _steer(self, request: web.Request, session: DemoSession) -> web.Response:
        body = await _object(request)
        envelope = cast("dict[str, Any]", body.get("envelope") or body)
        key = envelope.get("id") or body.get("idempotency_key")
        if not _has_text(envelope):
            return error(422, "invalid_request", "text is required.", param="text")
        if session.status == "archived":
            return error(409, "conflict", "The session is archived.", code="session_archived")
        known = session.steered.get(key) if key else None
        if known is not None and known[0] != envelope["text"]:
            return error(409, "conflict", "The key was used with another body.", code="idempotency_conflict")
        event = known[1] if known else await session.steer(envelope, key)
        if known is None:
            self._took(request, session, envelope, body)
        answer = {"event": {"id": event["id"], "seq": event["seq"]}, "session": session.shown()}
        return web.json_response(answer, status=200 if known else 202)

    def _took(self, request: web.Request, session: DemoSession, message: dict[str, Any], body: dict[str, Any]) -> None:
        trace = request.headers.get("traceparent")
        self.messages.append(Message(session.id, session.key, message["text"], body, trace))
        self._tell()

    async def _events(self, request: web.Request, session: DemoSession) -> web.StreamResponse:
        after = int(request.headers.get("Last-Event-ID") or request.query.get("after") or 0)
        if request.query.get("stream") == "sse":
            return await self._stream(request, session, after)
        limit = int(request.query.get("limit", "100"))
        found = [one for one in session.events[after:] if _asked_for(one, request.query)]
        return web.json_response({"data": found[:limit], "next_cursor": None})

    async def _stream(self, request: web.Request, session: DemoSession, after: int) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await stream.prepare(request)
        self.streams_opened += 1
        cuts = session.cuts
        number = await session.joined()
        self._tell()
        try:
            while cuts == session.cuts:
                if number in session.stalled:
                    await asyncio.Event().wait()
                for one in session.events[after:]:
                    if _asked_for(one, request.query):
                        await stream.write(f"id: {one['seq']}\ndata: {json.dumps(one)}\n\n".encode())
                    after = one["seq"]
                try:
                    await asyncio.wait_for(session.changed(after, cuts), self.heartbeat)
                except TimeoutError:
                    await stream.write(b": still here\n\n")
        except ConnectionResetError:
            return stream
        finally:
            session.following -= 1
            self._tell()
        if request.transport is not None:
            request.transport.close()
        return stream

    async def _event(self, request: web.Request, session: DemoSession) -> web.Response:
        found = [one for one in session.events if one["id"] == request.match_info["event"]]
        return web.json_response(found[0]) if found else error(404, "not_found", "Event not found.")

    async def _content(self, request: web.Request, session: DemoSession) -> web.Response:
        content = session.contents.get(request.match_info["event"])
        return web.Response(text=content) if content is not None else error(404, "not_found", "Event has no content.")

    async def _turns(self, _: web.Request, session: DemoSession) -> web.Response:
        return web.json_response({"data": session.turns, "next_cursor": None})

    async def _result(self, _: web.Request, session: DemoSession) -> web.Response:
        last = session.turns[-1] if session.turns else {}
        found = [one for one in session.events if one["id"] == last.get("result_event_id")]
        return web.json_response({"last_turn": last or None, "result": found[0] if found else None})

    async def _cancel(self, _: web.Request, session: DemoSession) -> web.Response:
        session.cancel()
        return web.json_response(session.shown(), status=202)

    async def _archive(self, _: web.Request, session: DemoSession) -> web.Response:
        session.cancel()
        session.status = "archived"
        return web.json_response(session.shown())

    async def _register(self, request: web.Request, session: DemoSession) -> web.Response:
        body = await _object(request)
        if not isinstance(body.get("url"), str):
            return error(422, "invalid_request", "url is required.", param="url")
        known = {key: body[key] for key in ("secret", "level", "types", "enabled", "include_raw") if key in body}
        return web.json_response(self._add(Destination(body["url"], session.id, **known)).shown(), status=201)

    def _add(self, destination: Destination) -> Destination:
        self.destinations[destination.id] = destination
        return destination

    async def _destinations(self, _: web.Request, session: DemoSession) -> web.Response:
        return web.json_response({"data": [one.shown() for one in self._of(session)]})

    async def _remove(self, request: web.Request, _: DemoSession) -> web.Response:
        gone = self.destinations.pop(request.match_info["destination"], None)
        return web.json_response({"ok": True}) if gone else error(404, "not_found", "Destination not found.")

    async def _deliveries(self, _: web.Request, session: DemoSession) -> web.Response:
        listed = [{key: one[key] for key in one if key != "body"} for one in self.deliveries.all]
        return web.json_response({"data": [one for one in listed if one["session"] == session.id]})

    async def _redeliver(self, request: web.Request, _: DemoSession) -> web.Response:
        for one in self.deliveries.all:
            if one["id"] == request.match_info["delivery"] and one["destination"] in self.destinations:
                self.deliveries.redeliver(self.destinations[one["destination"]], one)
                return web.json_response({"id": one["id"], "status": "pending"}, status=202)
        return error(404, "not_found", "Delivery not found.")

    def _of(self, session: DemoSession) -> list[Destination]:
        return [one for one in self.destinations.values() if one.session == session.id]

    def _appended(self, session: DemoSession, event: dict[str, Any]) -> None:
        for destination in self._of(session):
            if destination.takes(event):
                self.deliveries.send(destination, event, session.metadata)
        self._tell()


def error(
    status: int, kind: str, message: str, *, headers: Mapping[str, str] | None = None, **more: str
) -> web.Response:
    """A refusal in the documented shape."""
    body = {"error": {"type": kind, "message": message, "request_id": "req_demo", **more}}
    return web.json_response(body, status=status, headers=headers)


def _asked_for(event: dict[str, Any], query: Mapping[str, str]) -> bool:
    kind, turn = query.get("type", ""), query.get("turn_id")
    typed = event["type"] == kind or not kind or (kind.endswith(".*") and event["type"].startswith(kind[:-1]))
    shown = LEVELS[event["level"]] <= LEVELS[query.get("level", "internal")]
    return typed and shown and turn in (None, event.get("turn_id"))


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        value: object = json.loads(await request.read())
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _has_text(message: object) -> bool:
    text = cast("dict[str, object]", message).get("text") if isinstance(message, dict) else None
    return isinstance(text, str) and bool(text.strip())

"""The simulator's own HTTP API below `/_sim/`: other processes act as people and inject faults.

Every answer is JSON. A refused request gets HTTP 400 and `{"error": …}`.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

from aiohttp import web

from adapters.discord.simulator.faults import Faults
from adapters.discord.simulator.guild import Payload, SharedFile
from adapters.discord.simulator.server import DiscordServer
from bridge.testing.simulator import Said

# name in POST /_sim/faults -> what it switches
SWITCHES = ("blackout", "deaf", "mute_heartbeats", "refuse_posts", "rest_down")

# name in POST /_sim/faults -> the method of Faults it calls with the rest of the body as arguments
ACTIONS: dict[str, Callable[..., None]] = {
    "clear": Faults.clear,
    "close": Faults.close,
    "close_next": Faults.close_next,
    "delay": Faults.delay,
    "drop_connections": Faults.drop_connections,
    "drop_events": Faults.drop_events,
    "duplicate_events": Faults.duplicate_events,
    "fail": Faults.fail,
    "forget_sessions": Faults.forget_sessions,
    "garbage": Faults.garbage,
    "invalidate": Faults.invalidate,
    "lose_answer": Faults.lose_answer,
    "malformed_dispatch": Faults.malformed_dispatch,
    "rate_limit": Faults.rate_limit,
    "reconnect": Faults.reconnect,
    "refuse": Faults.refuse,
    "refuse_gateway": Faults.refuse_gateway,
}


class DiscordSimulator(DiscordServer):
    """`DiscordServer` with the control API."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _add_control_routes(self.application, self)


def _add_control_routes(application: web.Application, simulator: DiscordServer) -> None:
    control = _Control(simulator)
    actions: dict[str, Callable[[Payload], Payload]] = {
        "say": control.say,
        "forum": control.forum,
        "open_thread": control.open_thread,
        "role": control.role,
        "topic": control.topic,
        "edit": control.edit,
        "delete": control.delete,
        "unfurl": control.unfurl,
        "delete_thread": control.delete_thread,
        "archive": control.archive,
        "interact": control.interact,
        "invoke": control.invoke,
        "press": control.press,
        "redeliver": control.redeliver,
        "faults": control.faults,
    }
    application.add_routes(
        [
            *(web.post(f"/_sim/{name}", _handler(action)) for name, action in actions.items()),
            web.get("/_sim/threads/{thread:.+}", control.thread),
            web.get("/_sim/rooms/{room}", control.room),
            web.get("/_sim/state", control.state),
            web.get("/_sim/settings", control.settings),
        ]
    )


class _Control:
    def __init__(self, simulator: DiscordServer) -> None:
        self._simulator = simulator

    def say(self, body: Payload) -> Payload:
        """{person, text, room?, thread?, mention?, direct?, files?: [{name, content?, base64?, mimetype?}]}."""
        simulator = self._simulator
        shared = [_file(each) for each in body.get("files") or ()]
        person, text = _text(body, "person"), str(body.get("text", ""))
        if body.get("direct"):
            return _said(simulator.say_direct(person, text, attachments=shared))
        said = simulator.say_in(
            person,
            text,
            room=str(body.get("room") or "general"),
            thread=body.get("thread"),
            mention=bool(body.get("mention")),
            attachments=shared,
        )
        return _said(said)

    def forum(self, body: Payload) -> Payload:
        """{person, title, text, forum?, mention?}."""
        said = self._simulator.post_in_forum(
            _text(body, "person"),
            _text(body, "title"),
            _text(body, "text"),
            forum=str(body.get("forum") or "help"),
            mention=bool(body.get("mention")),
        )
        return _said(said)

    def open_thread(self, body: Payload) -> Payload:
        """{person, name, room?, private?}; answers {thread}."""
        thread = self._simulator.open_thread(
            _text(body, "person"),
            _text(body, "name"),
            room=str(body.get("room") or "general"),
            private=bool(body.get("private")),
        )
        return {"thread": thread}

    def role(self, body: Payload) -> Payload:
        """{name, people: […]}: makes these the members of a role; answers {id}."""
        people: list[str] = body.get("people") or []
        return {"id": self._simulator.role(_text(body, "name"), *people)}

    def topic(self, body: Payload) -> Payload:
        """{topic, room?}."""
        self._simulator.set_topic(str(body.get("topic") or ""), room=str(body.get("room") or "general"))
        return {}

    def edit(self, body: Payload) -> Payload:
        """{thread, id, text}."""
        return _said(self._simulator.edit(self._find(body), _text(body, "text")))

    def delete(self, body: Payload) -> Payload:
        """{thread, id}."""
        self._simulator.delete(self._find(body))
        return {}

    def unfurl(self, body: Payload) -> Payload:
        """{thread, id, link?}."""
        self._simulator.unfurl(self._find(body), str(body.get("link") or "https://example.com/"))
        return {}

    def delete_thread(self, body: Payload) -> Payload:
        """{thread}."""
        self._simulator.delete_thread(_text(body, "thread"))
        return {}

    def archive(self, body: Payload) -> Payload:
        """{thread, locked?}."""
        self._simulator.archive(_text(body, "thread"), locked=bool(body.get("locked")))
        return {}

    def interact(self, body: Payload) -> Payload:
        """{person, command, room?, thread?}; answers {id, token}."""
        made = self._simulator.interact(
            _text(body, "person"),
            _text(body, "command"),
            room=str(body.get("room") or "general"),
            thread=body.get("thread"),
        )
        return {"id": made.id, "token": made.token}

    def invoke(self, body: Payload) -> Payload:
        """{person, words, room?, thread?, direct?}; answers as `press`."""
        person = _text(body, "person")
        before = self._simulator.whispers(person)
        made = self._simulator.invoke(
            person,
            _text(body, "words"),
            room=str(body.get("room") or "general"),
            thread=body.get("thread"),
            direct=bool(body.get("direct")),
        )
        return {"id": made.id, "token": made.token, "whispers": before}

    def press(self, body: Payload) -> Payload:
        """{person, thread, id, button}; answers {id, token, whispers}: all that only that person was shown before."""
        person = _text(body, "person")
        before = self._simulator.whispers(person)
        made = self._simulator.press(person, self._find(body), _text(body, "button"))
        return {"id": made.id, "token": made.token, "whispers": before}

    def redeliver(self, _: Payload) -> Payload:
        """{}."""
        self._simulator.publisher.redeliver()
        return {}

    def faults(self, body: Payload) -> Payload:
        """Switches as booleans, or {action, …arguments of that method of `Faults`}."""
        faults = self._simulator.faults
        action = body.pop("action", None)
        if action is not None:
            ACTIONS[action](faults, **body)
            return {}
        for name, value in body.items():
            if name not in SWITCHES:
                raise KeyError(name)
            setattr(faults, name, bool(value))
        return {}

    async def thread(self, request: web.Request) -> web.Response:
        """The thread's messages, oldest first."""
        try:
            messages = self._simulator.read(request.match_info["thread"])
        except LookupError as error:
            return web.json_response({"error": str(error)}, status=404)
        return web.json_response({"messages": [_said(said) for said in messages]})

    async def room(self, request: web.Request) -> web.Response:
        """Every message at the top of the room, oldest first."""
        try:
            messages = self._simulator.read_room(request.match_info["room"])
        except LookupError as error:
            return web.json_response({"error": str(error)}, status=404)
        return web.json_response({"messages": [_said(said) for said in messages]})

    async def state(self, _: web.Request) -> web.Response:
        """Numbers about connections and events."""
        simulator = self._simulator
        gateway = simulator.gateway
        numbers = {
            "connections": len(gateway.ready()),
            "connections_made": gateway.connections_made,
            "identifies": gateway.identifies,
            "sessions": len(gateway.sessions.by_id),
            "close_codes": simulator.journal.close_codes,
            "deliveries": simulator.journal.deliveries,
            "dropped": len(simulator.journal.dropped),
            "calls": len(simulator.calls),
            "worst_heartbeat_delay": simulator.worst_heartbeat_delay(),
        }
        return web.json_response(numbers)

    async def settings(self, _: web.Request) -> web.Response:
        """Settings and the secrets they refer to: they open nothing but this simulator."""
        settings, secrets = dict(self._simulator.settings()), dict(self._simulator.secrets())
        return web.json_response({"settings": settings, "secrets": secrets})

    def _find(self, body: Payload) -> Said:
        thread, message_id = _text(body, "thread"), _text(body, "id")
        for said in self._simulator.read(thread):
            if said.id == message_id:
                return said
        raise LookupError(f"no message {message_id} in {thread}")


def _handler(action: Callable[[Payload], Payload]) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        try:
            body: object = json.loads(await request.text() or "{}")
            if not isinstance(body, dict):
                raise TypeError("the body must be a JSON object")
            return web.json_response(action(cast("Payload", body)))
        except Exception as error:  # noqa: BLE001 - whatever a request asks for, the server goes on
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    return handle


def _text(body: Payload, name: str) -> str:
    value = body.get(name)
    if not value:
        raise ValueError(f"missing {name}")
    return str(value)


def _file(body: Payload) -> SharedFile:
    coded = str(body.get("base64") or "")
    content = base64.b64decode(coded) if coded else str(body.get("content") or "").encode()
    return SharedFile(_text(body, "name"), content, str(body.get("mimetype") or "text/plain"))


def _said(said: Said) -> Payload:
    return asdict(said)

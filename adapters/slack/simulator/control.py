"""The simulator's own HTTP API below `/_sim/`: other processes act as people and inject faults.

Every answer is JSON. A refused request gets HTTP 400 and `{"error": …}`.
"""

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, cast

from aiohttp import web

from adapters.slack.simulator.arguments import Args
from adapters.slack.simulator.faults import Faults
from adapters.slack.simulator.server import SlackServer
from adapters.slack.simulator.workspace import Payload, SharedFile
from bridge.testing.simulator import Said

# name in POST /_sim/faults -> what it switches
SWITCHES = ("blackout", "deaf", "refuse_posts")

# name in POST /_sim/faults -> the method of Faults it calls with the rest of the body as arguments
ACTIONS: dict[str, Callable[..., None]] = {
    "clear": Faults.clear,
    "close_sockets": Faults.close_sockets,
    "delay": Faults.delay,
    "drop_events": Faults.drop_events,
    "duplicate_events": Faults.duplicate_events,
    "fail": Faults.fail,
    "garbage": Faults.garbage,
    "lose_answer": Faults.lose_answer,
    "rate_limit": Faults.rate_limit,
    "refuse": Faults.refuse,
}


class SlackSimulator(SlackServer):
    """`SlackServer` with the control API."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _add_control_routes(self.application, self)


def _add_control_routes(application: web.Application, simulator: SlackServer) -> None:
    control = _Control(simulator)
    actions: dict[str, Callable[[Payload], Payload | Awaitable[Payload]]] = {
        "say": control.say,
        "press": control.press,
        "group": control.group,
        "invoke": control.invoke,
        "topic": control.topic,
        "edit": control.edit,
        "delete": control.delete,
        "unfurl": control.unfurl,
        "redeliver": control.redeliver,
        "disconnect": control.disconnect,
        "end_streams": control.end_streams,
        "faults": control.faults,
    }
    application.add_routes(
        [
            *(web.post(f"/_sim/{name}", _handler(action)) for name, action in actions.items()),
            web.get("/_sim/threads/{room}/{ts}", control.thread),
            web.get("/_sim/state", control.state),
            web.get("/_sim/settings", control.settings),
        ]
    )


class _Control:
    def __init__(self, simulator: SlackServer) -> None:
        self._simulator = simulator

    def say(self, body: Payload) -> Payload:
        """{person, text, room?, thread?, mention?, broadcast?, direct?, files?: [{name, content?, base64?, …}]}."""
        simulator, args = self._simulator, Args(body)
        shared = [_file(each) for each in args.objects("files")]
        thread_room, _, thread_ts = args.text("thread").rpartition("/")
        person, text = args.required("person"), args.text("text")
        if args.flag("direct"):
            return _said(simulator.say_direct(person, text, thread_ts or None, shared))
        said = simulator.say_in(
            person,
            text,
            room=thread_room or args.text("room") or "#general",
            thread_ts=thread_ts or None,
            mention=args.flag("mention"),
            broadcast=args.flag("broadcast"),
            files=shared,
        )
        return _said(said)

    async def press(self, body: Payload) -> Payload:
        """{person, thread, id, button}; answers {acknowledged, whispers}: all that only that person was shown."""
        simulator, args = self._simulator, Args(body)
        person = args.required("person")
        acknowledged = await simulator.press(person, self._find(body), args.required("button"))
        return {"acknowledged": acknowledged, "whispers": simulator.whispers(person)}

    def group(self, body: Payload) -> Payload:
        """{id, people: […]}: makes these the members of a user group."""
        people: list[str] = body.get("people") or []
        self._simulator.group(Args(body).required("id"), *people)
        return {}

    async def invoke(self, body: Payload) -> Payload:
        """{person, words?, room?, thread?, direct?}; answers as `press`."""
        simulator, args = self._simulator, Args(body)
        person = args.required("person")
        acknowledged = await simulator.invoke(
            person,
            args.text("words"),
            room=args.text("room") or "#general",
            thread=args.text("thread") or None,
            direct=args.flag("direct"),
        )
        return {"acknowledged": acknowledged, "whispers": simulator.whispers(person)}

    def topic(self, body: Payload) -> Payload:
        """{person, topic, room?}."""
        args = Args(body)
        room = args.text("room") or "#general"
        self._simulator.set_topic(args.required("person"), args.text("topic"), room=room)
        return {}

    def edit(self, body: Payload) -> Payload:
        """{thread, id, text}."""
        return _said(self._simulator.edit(self._find(body), Args(body).required("text")))

    def delete(self, body: Payload) -> Payload:
        """{thread, id}."""
        self._simulator.delete(self._find(body))
        return {}

    def unfurl(self, body: Payload) -> Payload:
        """{thread, id, link?}."""
        self._simulator.unfurl(self._find(body), Args(body).text("link") or "https://example.com/")
        return {}

    def redeliver(self, body: Payload) -> Payload:
        """{new_event_id?}."""
        self._simulator.publisher.redeliver(new_event_id=Args(body).flag("new_event_id"))
        return {}

    def disconnect(self, body: Payload) -> Payload:
        """{reason?, only?}."""
        self._simulator.sockets.disconnect(Args(body).text("reason") or "refresh_requested", body.get("only"))
        return {}

    def end_streams(self, _: Payload) -> Payload:
        """{}."""
        self._simulator.end_streams()
        return {}

    def faults(self, body: Payload) -> Payload:
        """{blackout?, deaf?, refuse_posts?} as booleans, or {action, …arguments of that method of `Faults`}."""
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
        info = request.match_info
        try:
            messages = self._simulator.read(f"{info['room']}/{info['ts']}")
        except LookupError as error:
            return web.json_response({"error": str(error)}, status=404)
        return web.json_response({"messages": [_said(said) for said in messages]})

    async def state(self, _: web.Request) -> web.Response:
        """Numbers about connections and events."""
        simulator = self._simulator
        numbers = {
            "connections": simulator.sockets.connections(),
            "connections_made": simulator.sockets.connections_made,
            "unacked": simulator.transport.unacked(),
            "acked": simulator.journal.acked,
            "deliveries": simulator.journal.deliveries,
            "dropped": len(simulator.journal.dropped),
            "calls": len(simulator.calls),
        }
        return web.json_response(numbers)

    async def settings(self, _: web.Request) -> web.Response:
        """Settings and the secrets they refer to: they open nothing but this simulator."""
        settings, secrets = dict(self._simulator.settings()), dict(self._simulator.secrets())
        return web.json_response({"settings": settings, "secrets": secrets})

    def _find(self, body: Payload) -> Said:
        args = Args(body)
        thread, message_id = args.required("thread"), args.required("id")
        for said in self._simulator.read(thread):
            if said.id == message_id:
                return said
        raise LookupError(f"no message {message_id} in {thread}")


def _handler(action: Callable[[Payload], Payload | Awaitable[Payload]]) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        try:
            body: object = json.loads(await request.text() or "{}")
            if not isinstance(body, dict):
                raise TypeError("the body must be a JSON object")
            answer = action(cast("Payload", body))
            return web.json_response(await answer if isinstance(answer, Awaitable) else answer)
        except Exception as error:  # noqa: BLE001 - whatever a request asks for, the server goes on
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    return handle


def _file(body: Payload) -> SharedFile:
    args = Args(body)
    coded = args.text("base64")
    content = base64.b64decode(coded) if coded else args.text("content").encode()
    return SharedFile(args.required("name"), content, args.text("mimetype") or "text/plain")


def _said(said: Said) -> Payload:
    return asdict(said)

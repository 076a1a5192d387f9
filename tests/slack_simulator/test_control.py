"""The control API, as another process uses it."""

from typing import Any

import aiohttp

from adapters.slack.simulator import SlackSimulator
from bridge.testing.simulator import Simulator


async def ask(session: aiohttp.ClientSession, simulator: SlackSimulator, name: str, **body: Any) -> dict[str, Any]:
    async with session.post(f"{simulator.url}/_sim/{name}", json=body) as answer:
        return {"status": answer.status} | await answer.json()


async def look(session: aiohttp.ClientSession, simulator: SlackSimulator, name: str) -> dict[str, Any]:
    async with session.get(f"{simulator.url}/_sim/{name}") as answer:
        return {"status": answer.status} | await answer.json()


async def test_a_person_writes_answers_edits_and_deletes(simulator, session):
    said = await ask(session, simulator, "say", person="Ada", text="helo", mention=True, room="#dev")
    reply = await ask(session, simulator, "say", person="Ben", text="yes?", thread=said["thread"])
    await ask(session, simulator, "edit", thread=said["thread"], id=said["id"], text="hello")
    await ask(session, simulator, "unfurl", thread=said["thread"], id=said["id"], link="https://example.com/x")
    thread = await look(session, simulator, f"threads/{said['thread']}")
    assert [(each["author"], each["text"], each["edited"]) for each in thread["messages"]] == [
        ("Ada", "hello", True),
        ("Ben", "yes?", False),
    ]
    await ask(session, simulator, "delete", thread=said["thread"], id=reply["id"])
    assert len(simulator.read(said["thread"])) == 1


async def test_a_rooms_topic_is_set_and_told_in_the_room(simulator, session):
    done = await ask(session, simulator, "topic", person="Ada", topic="2.0 & on", room="#dev")
    assert done == {"status": 200}
    room = simulator.workspace.room("dev")
    (said,) = room.messages.values()
    assert (room.topic["value"], said.subtype, said.topic) == ("2.0 &amp; on", "channel_topic", "2.0 &amp; on")
    assert said.text == f"<@{simulator.person('Ada').id}> set the channel topic: 2.0 &amp; on"
    refused = await ask(session, simulator, "topic", person="Ada", topic="x" * 251)
    assert (refused["status"], "too_long" in refused["error"]) == (400, True)


async def test_direct_messages_and_files(simulator, session):
    files = [{"name": "a.txt", "content": "text"}, {"name": "b.bin", "base64": "AAE="}]
    said = await ask(session, simulator, "say", person="Ada", text="psst", direct=True, files=files)
    assert said["thread"].startswith("D")
    assert list(simulator.workspace.contents.values()) == [b"text", b"\x00\x01"]


async def test_state_counts_connections_and_acknowledgements(simulator, session, connect):
    bot = await connect(simulator)
    await ask(session, simulator, "say", person="Ada", text="hello")
    await bot.next()
    await simulator.settled()
    await ask(session, simulator, "redeliver")
    await bot.next()
    await simulator.settled()
    state = await look(session, simulator, "state")
    assert state == {
        "status": 200,
        "connections": 1,
        "connections_made": 1,
        "unacked": 0,
        "acked": 1,
        "deliveries": 2,
        "dropped": 0,
        "calls": len(simulator.calls),
    }


async def test_faults_are_switched_and_planned(simulator, session):
    await ask(session, simulator, "faults", refuse_posts=True, deaf=True)
    await ask(session, simulator, "faults", action="fail", method="auth.test", status=502, times=2)
    assert (simulator.faults.refuse_posts, simulator.faults.deaf) == (True, True)
    fault = simulator.faults.take("auth.test")
    assert fault is not None
    assert fault.status == 502
    await ask(session, simulator, "faults", action="clear")
    assert (simulator.faults.refuse_posts, simulator.faults.take("auth.test")) == (False, None)


async def test_sockets_can_be_asked_to_leave(simulator, session, connect):
    await connect(simulator)
    await ask(session, simulator, "disconnect", reason="refresh_requested")
    await simulator.until(lambda: simulator.sockets.connections_made == 2)


async def test_what_cannot_be_done_is_said(simulator, session):
    assert await ask(session, simulator, "faults", action="explode") == {"status": 400, "error": "KeyError: 'explode'"}
    assert (await ask(session, simulator, "faults", darkness=True))["status"] == 400
    assert (await ask(session, simulator, "say", text="who?"))["status"] == 400
    assert (await ask(session, simulator, "edit", thread="C1/1.0", id="1.0", text="x"))["status"] == 400
    assert (await look(session, simulator, "threads/C1/1.0"))["status"] == 404


async def test_settings_lead_an_adapter_to_the_simulator(simulator, session):
    assert await look(session, simulator, "settings") == {
        "status": 200,
        "settings": {
            "type": "slack",
            "mode": "socket",
            "bot_token": "env:SLACK_BOT_TOKEN",
            "app_token": "env:SLACK_APP_TOKEN",
            "signing_secret": "env:SLACK_SIGNING_SECRET",
            "api_base": f"{simulator.url}/api/",
        },
        "secrets": {
            "SLACK_BOT_TOKEN": simulator.bot_token,
            "SLACK_APP_TOKEN": simulator.app_token,
            "SLACK_SIGNING_SECRET": simulator.signing_secret,
        },
    }


def test_it_is_a_simulator():
    checked: Simulator = SlackSimulator()
    assert checked.source == "slack"


async def test_a_person_presses_a_button(simulator, session, client):
    said = await ask(session, simulator, "say", person="Ada", text="hello", room="#dev")
    pair = {name: {"text": {"type": "plain_text", "text": name}, "value": name} for name in ("good", "bad")}
    button = {"type": "feedback_buttons", "positive_button": pair["good"], "negative_button": pair["bad"]}
    answer = await client.chat_postMessage(
        channel="#dev", thread_ts=said["id"], text="hi", blocks=[{"type": "context_actions", "elements": [button]}]
    )
    place = {"person": "Ada", "thread": said["thread"], "id": answer["ts"]}
    pressed = await ask(session, simulator, "press", button="good", **place)
    assert pressed == {"status": 200, "acknowledged": False, "whispers": []}
    assert (await ask(session, simulator, "press", button="neither", **place))["status"] == 400

"""The control API, as another process uses it."""

from typing import Any

import aiohttp

from adapters.discord.simulator import DiscordSimulator
from bridge.testing.simulator import Simulator


async def ask(session: aiohttp.ClientSession, simulator: DiscordSimulator, what: str, **body: Any) -> dict[str, Any]:
    async with session.post(f"{simulator.url}/_sim/{what}", json=body) as answer:
        return {"status": answer.status} | await answer.json()


async def look(session: aiohttp.ClientSession, simulator: DiscordSimulator, name: str) -> dict[str, Any]:
    async with session.get(f"{simulator.url}/_sim/{name}") as answer:
        return {"status": answer.status} | await answer.json()


async def test_a_person_writes_answers_edits_and_deletes(simulator, session):
    said = await ask(session, simulator, "say", person="Ada", text="helo", mention=True)
    reply = await ask(session, simulator, "say", person="Ben", text="yes?", thread=said["thread"])
    await ask(session, simulator, "edit", thread=said["thread"], id=said["id"], text="hello")
    thread = await look(session, simulator, f"threads/{said['thread']}")
    assert [(each["author"], each["text"], each["edited"]) for each in thread["messages"]] == [
        ("Ada", "hello", True),
        ("Ben", "yes?", False),
    ]
    await ask(session, simulator, "delete", thread=said["thread"], id=reply["id"])
    assert len(simulator.read(said["thread"])) == 1
    room = await look(session, simulator, "rooms/general")
    assert [each["text"] for each in room["messages"]] == ["hello"]


async def test_a_rooms_topic_is_set(simulator, session):
    assert await ask(session, simulator, "topic", topic="2.0 & on") == {"status": 200}
    assert simulator.room("general").topic == "2.0 & on"
    refused = await ask(session, simulator, "topic", topic="x" * 1025)
    assert (refused["status"], "too long" in refused["error"]) == (400, True)


async def test_direct_messages_and_files(simulator, session):
    files = [{"name": "a.txt", "content": "text"}, {"name": "b.bin", "base64": "AAE="}]
    said = await ask(session, simulator, "say", person="Ada", text="psst", direct=True, files=files)
    assert [each["text"] for each in (await look(session, simulator, f"threads/{said['thread']}"))["messages"]] == [
        "psst"
    ]
    assert [shared.content for shared in simulator.guild.files.values()] == [b"text", b"\x00\x01"]


async def test_threads_and_forums(simulator, session):
    thread = (await ask(session, simulator, "open_thread", person="Ada", name="plans"))["thread"]
    await ask(session, simulator, "archive", thread=thread, locked=True)
    opened = simulator.guild.threads[thread.partition("/")[2]]
    assert (opened.archived, opened.locked) == (True, True)
    await ask(session, simulator, "delete_thread", thread=thread)
    assert (await look(session, simulator, f"threads/{thread}"))["status"] == 404
    post = await ask(session, simulator, "forum", person="Ada", title="It fails", text="with an error", mention=True)
    assert post["text"] == "@threadbridge with an error"


async def test_a_command(simulator, session):
    used = await ask(session, simulator, "interact", person="Ada", command="ask")
    callback = f"{simulator.api_base}/interactions/{used['id']}/{used['token']}/callback"
    async with session.post(callback, json={"type": 4, "data": {"content": "done"}}) as answer:
        assert answer.status == 204
    assert [said.text for said in simulator.read_room("general")] == ["done"]


async def test_state_counts_connections_and_events(simulator, session, wire):
    app = await wire(simulator)
    await ask(session, simulator, "say", person="Ada", text="hello")
    await ask(session, simulator, "redeliver")
    for _ in range(2):
        assert (await app.event("MESSAGE_CREATE"))["content"] == "hello"
    state = await look(session, simulator, "state")
    assert state == {
        "status": 200,
        "connections": 1,
        "connections_made": 1,
        "identifies": 1,
        "sessions": 1,
        "close_codes": [],
        "deliveries": 2,
        "dropped": 0,
        "calls": 0,
        "worst_heartbeat_delay": 0,
    }


async def test_faults_are_switched_and_planned(simulator, session, wire):
    app = await wire(simulator)
    await ask(session, simulator, "faults", refuse_posts=True, deaf=True)
    await ask(session, simulator, "faults", action="fail", name="users.me", status=502, times=2)
    assert (simulator.faults.refuse_posts, simulator.faults.deaf) == (True, True)
    fault = simulator.faults.take("users.me")
    assert fault is not None
    assert fault.status == 502
    await ask(session, simulator, "faults", action="invalidate", resumable=True)
    assert await app.take() == {"op": 9, "d": True}
    await ask(session, simulator, "faults", action="close", code=4000)
    assert await app.closed() == 4000
    await ask(session, simulator, "faults", action="clear")
    assert (simulator.faults.refuse_posts, simulator.faults.take("users.me")) == (False, None)


async def test_the_control_api_works_in_a_blackout(simulator, session):
    await ask(session, simulator, "faults", blackout=True)
    assert simulator.faults.blackout
    await ask(session, simulator, "faults", blackout=False)
    assert not simulator.faults.blackout


async def test_what_cannot_be_done_is_said(simulator, session):
    assert await ask(session, simulator, "faults", action="explode") == {"status": 400, "error": "KeyError: 'explode'"}
    assert (await ask(session, simulator, "faults", darkness=True))["status"] == 400
    assert (await ask(session, simulator, "say", text="who?")) == {"status": 400, "error": "ValueError: missing person"}
    assert (await ask(session, simulator, "edit", thread="1/2", id="2", text="x"))["status"] == 400
    assert (await look(session, simulator, "threads/1/2"))["status"] == 404
    assert (await look(session, simulator, "rooms/nowhere"))["status"] == 404
    async with session.post(f"{simulator.url}/_sim/say", data="[]") as answer:
        assert answer.status == 400


async def test_settings_lead_an_adapter_to_the_simulator(simulator, session):
    assert await look(session, simulator, "settings") == {
        "status": 200,
        "settings": {"type": "discord", "token": "env:DISCORD_TOKEN", "api_base": f"{simulator.url}/api/v10"},
        "secrets": {"DISCORD_TOKEN": simulator.token},
    }


def test_it_is_a_simulator():
    checked: Simulator = DiscordSimulator()
    assert checked.source == "discord"


async def test_a_person_presses_a_button(simulator, session, rest, room):
    row = {"type": 1, "components": [{"type": 2, "style": 2, "label": "Go", "custom_id": "go"}]}
    _, posted = await rest("POST", f"{room}/messages", {"content": "hi", "components": [row]})
    (said,) = simulator.read_room("general")
    place = {"person": "Ada", "thread": said.thread, "id": posted["id"], "button": "Go"}
    pressed = await ask(session, simulator, "press", **place)
    callback = f"/interactions/{pressed['id']}/{pressed['token']}/callback"
    await rest("POST", callback, {"type": 4, "data": {"content": "done", "flags": 64}}, token="")
    assert (await ask(session, simulator, "press", **place))["whispers"] == ["done"]

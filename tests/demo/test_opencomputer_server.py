"""The demo's OpenComputer: its documented answers, its log, its streams and its webhooks."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from bridge.demo.opencomputer_agent import Play, Says, play
from bridge.demo.opencomputer_server import READ_ONLY_KEY, DemoOpenComputerServer
from bridge.demo.opencomputer_webhooks import signing_key


@pytest.fixture
async def server() -> AsyncIterator[DemoOpenComputerServer]:
    async with DemoOpenComputerServer() as server:
        yield server


@pytest.fixture
async def client(server: DemoOpenComputerServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    async with httpx.AsyncClient(base_url=f"{server.base_url}/v3", headers=headers, timeout=10) as client:
        yield client


async def create(client: httpx.AsyncClient, text: str = "hello", **fields: Any) -> httpx.Response:
    return await client.post("/sessions", json={"agent": "agt_demo", "input": text, **fields})


async def begun(client: httpx.AsyncClient, text: str = "hello", **fields: Any) -> str:
    return str((await create(client, text, **fields)).json()["session"]["id"])


async def idle(server: DemoOpenComputerServer, session: str) -> list[dict[str, Any]]:
    await server.until(lambda server: server.sessions[session].events[-1]["type"] == "turn.completed")
    return server.sessions[session].events


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


@pytest.mark.parametrize(
    ("prompt", "does"),
    [
        ("[Ada] hello", Play((Says("agent.message", "user", {"text": "You said: hello"}),))),
        ("[[empty]]", Play(())),
        ("[[ask]]", Play((Says("agent.message", "user", {"text": "Which one do you mean?"}),), "needs_input")),
        ("[[yield:max_turns]] x", Play((Says("agent.message", "user", {"text": "You said: [[yield:max_turns]] x"}),), "max_turns")),
        ("[[http:402]]", Play((Says("error.model", "internal", {"code": "api_error", "message": "402 from the model provider"}),), "error")),
        ("[[quiet]]", Play((Says("agent.message", "internal", {"text": "You said: [[quiet]]"}),))),
        ("[[sleep:2]]", Play((Says("agent.message", "user", {"text": "You said: [[sleep:2]]"}, 2.0),))),
    ],
)  # fmt: skip
def test_a_message_decides_what_is_done(prompt: str, does: Play) -> None:
    assert play(prompt, []) == does


async def test_a_session_runs_at_once_and_its_log_says_what_came_of_it(
    server: DemoOpenComputerServer, client: httpx.AsyncClient
) -> None:
    answer = await create(client)
    session = answer.json()["session"]
    assert (answer.status_code, session["head"], session["status"]) == (201, 1, "queued")
    events = await idle(server, session["id"])
    assert kinds(events) == ["user.message", "turn.started", "agent.message", "turn.completed"]
    assert [event["seq"] for event in events] == [1, 2, 3, 4]
    assert {key: events[1]["body"][key] for key in ("input_from_seq", "input_to_seq")} == {
        "input_from_seq": 1, "input_to_seq": 1,
    }  # fmt: skip
    result = (await client.get(f"/sessions/{session['id']}/result")).json()
    assert result["result"]["body"] == {"text": "You said: hello"}
    assert result["last_turn"]["result_event_id"] == events[2]["id"] == events[3]["body"]["result_event_id"]
    assert (await client.get(f"/sessions/{session['id']}/turns")).json()["data"] == [result["last_turn"]]


async def test_a_key_is_one_session_and_refuses_another_body(client: httpx.AsyncClient) -> None:
    answers = [await create(client, text, key="k") for text in ("one", "one", "two")]
    assert [answer.status_code for answer in answers] == [201, 200, 409]
    assert answers[0].json()["session"]["id"] == answers[1].json()["session"]["id"]
    assert answers[2].json()["error"]["code"] == "key_reused"
    found = (await client.get("/sessions", params={"key": "k"})).json()["data"]
    assert [session["key"] for session in found] == ["k"]


async def test_a_message_is_taken_once_per_session(client: httpx.AsyncClient) -> None:
    first, other = await begun(client), await begun(client)
    sent = {"text": "more", "idempotency_key": "m1"}
    answers = [await client.post(f"/sessions/{session}/messages", json=sent) for session in (first, first, other)]
    assert [answer.status_code for answer in answers] == [202, 200, 202]
    assert answers[0].json()["event"] == answers[1].json()["event"]
    changed = await client.post(f"/sessions/{first}/messages", json={**sent, "text": "less"})
    assert changed.status_code == 409


async def test_an_envelope_leaves_where_it_came_from_in_refs(
    server: DemoOpenComputerServer, client: httpx.AsyncClient
) -> None:
    session = await begun(client)
    envelope = {"id": "m1", "source": "p", "conversation": {"source": "p", "ref": "t"}, "text": "x", "refs": {"pr": 1}}
    await client.post(f"/sessions/{session}/messages", json={"envelope": envelope})
    event = [one for one in server.sessions[session].events if one["type"] == "user.message"][1]
    assert event["refs"] == {"pr": 1, "source": "p", "conversation": {"source": "p", "ref": "t"}}


async def test_messages_that_wait_are_one_turn(server: DemoOpenComputerServer, client: httpx.AsyncClient) -> None:
    server.hold()
    session = await begun(client)
    await server.until(lambda server: server.sessions[session].status == "running")
    seqs = [
        (await client.post(f"/sessions/{session}/messages", json={"text": text})).json()["event"]["seq"]
        for text in ("two", "three")
    ]
    server.release()
    await server.until(lambda server: len(server.sessions[session].turns) == 2)
    starts = [one["body"] for one in await idle(server, session) if one["type"] == "turn.started"]
    assert [starts[1]["input_from_seq"], starts[1]["input_to_seq"]] == seqs


async def test_a_stream_goes_on_after_the_last_event_id_and_by_level(
    server: DemoOpenComputerServer, client: httpx.AsyncClient
) -> None:
    session = await begun(client)
    await idle(server, session)
    seen: list[str] = []
    path, query = f"/sessions/{session}/events", {"stream": "sse", "level": "user"}
    async with client.stream("GET", path, params=query, headers={"Last-Event-ID": "1"}) as response:
        async for line in response.aiter_lines():
            seen += [line] if line.startswith("id: ") else []
            if seen == ["id: 3", "id: 4"]:
                break
    listed = (await client.get(path, params={"after": 1, "type": "turn.*"})).json()["data"]
    assert kinds(listed) == ["turn.started", "turn.completed"]


async def test_a_large_text_is_kept_beside_the_log(server: DemoOpenComputerServer, client: httpx.AsyncClient) -> None:
    session = await begun(client, "[[big:20000]]")
    event = (await idle(server, session))[2]
    assert (event["body_truncated"], len(event["body"]["text"])) == (True, 100)
    content = await client.get(f"/sessions/{session}/events/{event['id']}/content")
    assert len(content.text) == 20_000


async def test_a_cancelled_turn_ends_canceled(server: DemoOpenComputerServer, client: httpx.AsyncClient) -> None:
    session = await begun(client, "[[hang]]")
    await server.until(lambda server: server.sessions[session].status == "running")
    await client.post(f"/sessions/{session}/cancel")
    assert (await idle(server, session))[-1]["body"]["yield_reason"] == "canceled"


@pytest.mark.parametrize(
    ("call", "body", "key", "status"),
    [
        ("GET /sessions", None, "nope", 401),
        ("POST /sessions", {}, READ_ONLY_KEY, 403),
        ("POST /sessions", {"agent": "agt_other", "input": "x"}, None, 404),
        ("POST /sessions", {"agent": "agt_demo"}, None, 422),
        ("POST /sessions", {"agent": "agt_demo", "input": "x", "metadata": {"a": "b" * 17_000}}, None, 422),
        ("GET /sessions/ses_none", None, None, 404),
        ("GET /agents/agt_other", None, None, 404),
    ],
)
async def test_a_refusal_has_the_documented_shape(
    client: httpx.AsyncClient, call: str, body: object, key: str | None, status: int
) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = await client.request(*call.split(), json=body, headers=headers)
    assert answer.status_code == status
    assert {"type", "message", "request_id"} <= answer.json()["error"].keys()


@pytest.mark.parametrize("secret", ["whsec_c2VjcmV0IGJ5dGVz", "a plain one", None])
async def test_a_webhook_is_signed_and_repeated_until_it_is_taken(
    server: DemoOpenComputerServer, client: httpx.AsyncClient, secret: str | None
) -> None:
    got: asyncio.Queue[tuple[dict[str, str], str]] = asyncio.Queue()
    answers = [500, 200]

    async def take(request: web.Request) -> web.Response:
        got.put_nowait((dict(request.headers), await request.text()))
        return web.Response(status=answers.pop(0) if answers else 200)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    session = await begun(client, metadata={"a": 1})
    await idle(server, session)
    shown = await client.post(f"/sessions/{session}/destinations", json={"url": url, "secret": secret})
    assert (shown.status_code, shown.json()["has_secret"], "secret" in shown.json()) == (201, secret is not None, False)
    await client.post(f"/sessions/{session}/messages", json={"text": "[[empty]]"})
    sent = [await asyncio.wait_for(got.get(), 5) for _ in range(3)]
    await runner.cleanup()
    types = [json.loads(body)["type"] for _, body in sent]
    assert sorted(types) == ["turn.completed", "user.message", "user.message"]
    headers, body = next(one for one in sent if "turn.completed" in one[1])
    wrapped = json.loads(body)
    assert (wrapped["sessionId"], wrapped["metadata"], wrapped["eventId"]) == (
        session,
        {"a": 1},
        wrapped["event"]["id"],
    )
    assert headers["webhook-id"] == wrapped["eventId"]
    if secret is None:
        assert "webhook-signature" not in headers
    else:
        Webhook(signing_key(secret)).verify(body, headers)


async def test_alone_it_serves_both_apis_on_one_address_and_says_what_to_write() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", "demo-instance", "--port", "0",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env={"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    text = (await asyncio.wait_for(process.stdout.readuntil(b"opencomputer_agent.py.\n"), 20)).decode()
    [chowder, computer] = re.findall(r'base_url = "(.+)"', text)
    assert chowder == f"{computer}/v1"
    async with httpx.AsyncClient() as client:
        instance = re.search(r'instance_id = "(.+)"', text)
        assert instance is not None
        keys = dict(re.findall(r"in \.env: (\w+)=(\S+)", text))
        shown = await client.get(
            f"{chowder}/instances/{instance[1]}", headers={"Authorization": f"Bearer {keys['CHOWDER_API_KEY']}"}
        )
        agent = await client.get(
            f"{computer}/v3/agents/agt_demo", headers={"Authorization": f"Bearer {keys['OPENCOMPUTER_API_KEY']}"}
        )
    assert (shown.status_code, agent.status_code) == (200, 200)
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 10) == 0

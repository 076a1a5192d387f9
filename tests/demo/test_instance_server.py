"""The demo's Chowder: its documented answers, its agent, and what tests see of it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bridge.demo.instance_agent import Script, agent, message
from bridge.demo.instance_server import ORG_KEY, DemoInstanceServer


@pytest.fixture
async def server() -> AsyncIterator[DemoInstanceServer]:
    async with DemoInstanceServer() as server:
        yield server


@pytest.fixture
async def client(server: DemoInstanceServer) -> AsyncIterator[httpx.AsyncClient]:
    address = f"{server.base_url}/instances/{server.instance_id}"
    async with httpx.AsyncClient(base_url=address, headers=key(server.api_key), timeout=10) as client:
        yield client


def key(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


def said(text: str, **fields: object) -> dict[str, object]:
    return {"model": "claude-sonnet-4-20250514", "input": text, **fields}


def text(response: httpx.Response) -> str:
    return str(response.json()["output"][0]["content"][0]["text"])


class TestAgent:
    @pytest.mark.parametrize(
        ("prompt", "earlier", "script"),
        [
            ("hello", [], Script("You said: hello", pauses=(0.0,))),
            ("[Ada] hello", [], Script("You said: hello", pauses=(0.0,))),
            ("[Ada] hello", ["[Bob] hi"], Script("You said: hello (message 2 of this session)", pauses=(0.0,))),
            ("[Ada] recall", ["[Bob] hi", "yo"], Script("Before this you said:\n1. hi\n2. yo", pauses=(0.0,))),
            ("What did I say before?", [], Script("You have not said anything before.", pauses=(0.0,))),
            ("[[sleep:2.5]] hm", [], Script("You said: [[sleep:2.5]] hm", pauses=(2.5,))),
            ("[[drip:2:0.5]]", [], Script("You said: [[drip:2:0.5]] w0 w1", pauses=(0.0, 0.5, 0.5))),
            ("[[http:402]]", [], Script("", code=402, status="failed", pauses=(0.0,))),
            ("[Ada] [[fail]]", [], Script("", code=500, status="failed", pauses=(0.0,))),
            ("[[empty]]", [], Script("No response from OpenClaw.", pauses=(0.0,))),
            ("[[length]] x", [], Script("You said: [[length]] x", status="incomplete", pauses=(0.0,))),
            ("[[garbage]]", [], Script("You said: [[garbage]]", pauses=(0.0,), garbage=True)),
            ("[[hang]]", [], Script("You said: [[hang]]", pauses=(0.0,), hang=True)),
            ("[[cut]]", [], Script("You said: [[cut]]", pauses=(0.0,), cut=True)),
        ],
    )
    def test_a_message_decides_the_answer(self, prompt: str, earlier: list[str], script: Script) -> None:
        assert agent(prompt, earlier) == script

    def test_a_big_answer_has_the_size_that_was_asked_for(self) -> None:
        assert len(agent("[[big:100000]]", []).text) == 100_000

    def test_a_document_has_at_least_the_size_that_was_asked_for_and_numbers_everything(self) -> None:
        text = agent("[[document:20000]]", []).text
        assert 20_000 <= len(text) < 26_000
        numbers = [int(number) for number in re.findall(r"\((\d+)\)", text)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 300

    def test_markdown_has_a_table_and_a_fence(self) -> None:
        assert "```python" in agent("[[markdown]]", []).text
        assert "|------|" in agent("[[markdown]]", []).text

    def test_directives_in_the_context_before_a_message_do_nothing(self) -> None:
        prompt = "[Earlier messages.]\n[Bob] [[fail]]\n[End of the earlier messages.]\n\n[Ada] hello"
        assert message(prompt) == "hello"
        assert agent(prompt, []).text == "You said: hello"


class TestAnswers:
    async def test_a_response_has_the_documented_shape(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/session/user-42/responses", json=said("hello"))
        body: dict[str, Any] = response.json()
        assert response.status_code == 200
        assert (body["object"], body["status"], body["model"]) == ("response", "completed", "claude-sonnet-4-20250514")
        assert body["output"][0]["content"] == [{"type": "output_text", "text": "You said: hello"}]
        assert body["usage"] == {"input_tokens": 22, "output_tokens": 3, "total_tokens": 25}

    async def test_a_stream_has_the_recorded_order_of_events(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/session/st/responses", json=said("[[drip:2:0]]", stream=True))
        lines = response.text.splitlines()
        assert [line.removeprefix("event: response.") for line in lines if line.startswith("event: ")] == [
            "created", "in_progress", "output_item.added", "content_part.added",
            *["output_text.delta"] * 4,
            "output_text.done", "content_part.done", "output_item.done", "completed",
        ]  # fmt: skip
        assert lines[-2:] == ["data: [DONE]", ""]
        events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
        deltas = "".join(event["delta"] for event in events if "delta" in event)
        assert deltas == events[-1]["response"]["output"][0]["content"][0]["text"] == "You said: [[drip:2:0]] w0 w1"

    @pytest.mark.parametrize(
        ("asked", "last"), [("[[fail]]", "response.failed"), ("[[length]]", "response.incomplete")]
    )
    async def test_a_stream_ends_with_the_event_of_its_status(
        self, client: httpx.AsyncClient, asked: str, last: str
    ) -> None:
        response = await client.post("/session/st/responses", json=said(asked, stream=True))
        assert response.status_code == 200
        assert response.text.rsplit("event: ")[-1].startswith(last)

    @pytest.mark.parametrize(("asked", "code"), [("[[http:402]]", 402), ("[[http:529]]", 529), ("[[fail]]", 500)])
    async def test_a_failure_of_the_model_is_a_failed_response_object(
        self, client: httpx.AsyncClient, asked: str, code: int
    ) -> None:
        response = await client.post("/session/f/responses", json=said(asked))
        assert (response.status_code, response.json()["object"], response.json()["status"]) == (
            code,
            "response",
            "failed",
        )

    async def test_garbage_is_no_json(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/session/g/responses", json=said("[[garbage]]"))
        assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")

    @pytest.mark.parametrize("stream", [True, False])
    async def test_a_cut_answer_breaks_off(self, client: httpx.AsyncClient, stream: bool) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/session/c/responses", json=said("[[cut]]", stream=stream))


class TestErrors:
    @pytest.mark.parametrize(
        ("bearer", "path", "body", "answer"),
        [
            ("nope", "/responses", said("x"), (401, "Missing or invalid API key.")),
            ("chd_sk_read", "/responses", said("x"), (403, "Key lacks 'interact' permission on this instance.")),
            ("chd_org_demo", "/responses", {}, (422,
             [{"type": "missing", "loc": ["body", "model"], "msg": "Field required"},
              {"type": "missing", "loc": ["body", "input"], "msg": "Field required"}])),
            ("chd_sk_demo", "/start", {}, (403, "Key lacks 'lifecycle' permission on this instance.")),
            ("chd_org_demo", "/start", {}, (409, "Instance is not stopped (status: running).")),
        ],
    )  # fmt: skip
    async def test_a_refusal_has_its_documented_body(
        self, client: httpx.AsyncClient, bearer: str, path: str, body: object, answer: tuple[int, object]
    ) -> None:
        response = await client.post(path, json=body, headers=key(bearer))
        assert (response.status_code, response.json()["detail"]) == answer

    async def test_another_instance_is_not_found(self, server: DemoInstanceServer, client: httpx.AsyncClient) -> None:
        response = await client.post(f"{server.base_url}/instances/other/responses", json=said("x"))
        assert (response.status_code, response.json()) == (404, {"detail": "Instance not found."})

    @pytest.mark.parametrize("status", ["stopped", "provisioning", "error"])
    async def test_an_instance_that_does_not_run_is_a_conflict(
        self, server: DemoInstanceServer, client: httpx.AsyncClient, status: str
    ) -> None:
        server.status = status
        response = await client.post("/responses", json=said("x"))
        assert (response.status_code, response.json()) == (
            409,
            {"detail": f"Instance is not running (status: {status})."},
        )
        assert (await client.get("/status")).json()["status"] == status

    async def test_an_unreachable_sandbox_is_a_bad_gateway(
        self, server: DemoInstanceServer, client: httpx.AsyncClient
    ) -> None:
        server.reachable = False
        response = await client.post("/responses", json=said("x"))
        assert response.status_code == 502
        assert response.json()["detail"]["error"].startswith("Gateway unavailable – ")

    async def test_stopping_and_starting_changes_the_status(self, client: httpx.AsyncClient) -> None:
        organisation = key(ORG_KEY)
        statuses = [
            (await client.post(f"/{action}", headers=organisation)).json()["status"] for action in ("stop", "start")
        ]
        assert [*statuses, (await client.get("/status")).json()["status"]] == ["stopped", "running", "running"]


class TestSessions:
    async def test_two_sessions_do_not_see_each_other_and_main_is_a_third(self, client: httpx.AsyncClient) -> None:
        for path, word in (("/session/a", "apple"), ("/session/b", "banana"), ("", "cherry")):
            await client.post(f"{path}/responses", json=said(word))
        recalled = [
            text(await client.post(f"{path}/responses", json=said("recall")))
            for path in ("/session/a", "/session/b", "")
        ]
        assert recalled == [f"Before this you said:\n1. {word}" for word in ("apple", "banana", "cherry")]

    async def test_a_previous_response_id_continues_its_own_conversation(self, client: httpx.AsyncClient) -> None:
        first = [(await client.post("/responses", json=said(word))).json()["id"] for word in ("apple", "banana")]
        second = (await client.post("/responses", json=said("avocado", previous_response_id=first[0]))).json()["id"]
        recalled = [
            text(await client.post("/responses", json=said("recall", previous_response_id=previous)))
            for previous in (second, first[1])
        ]
        assert recalled == ["Before this you said:\n1. apple\n2. avocado", "Before this you said:\n1. banana"]

    async def test_an_unknown_previous_response_id_is_ignored(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/responses", json=said("recall", previous_response_id="resp_doesnotexist"))
        assert text(response) == "You have not said anything before."

    async def test_of_first_messages_at_once_only_one_is_answered_and_remembered(
        self, server: DemoInstanceServer, client: httpx.AsyncClient
    ) -> None:
        server.hold()
        winner = asyncio.create_task(client.post("/session/new/responses", json=said("first A")))
        await server.wait_for_requests(1)
        loser = await client.post("/session/new/responses", json=said("first B"))
        server.release()
        assert [loser.status_code, (await winner).status_code] == [500, 200]
        recalled = await client.post("/session/new/responses", json=said("recall"))
        assert text(recalled) == "Before this you said:\n1. first A"

    async def test_a_known_session_answers_in_order_and_counts_the_overlap(
        self, server: DemoInstanceServer, client: httpx.AsyncClient
    ) -> None:
        await client.post("/session/s/responses", json=said("one"))
        assert server.overlaps == 0
        server.hold()
        tasks: list[asyncio.Task[httpx.Response]] = []
        for number, word in enumerate(("two", "three"), 2):
            tasks.append(asyncio.create_task(client.post("/session/s/responses", json=said(word))))
            await server.wait_for_requests(number)
        server.release()
        assert [text(await task) for task in tasks] == [
            "You said: two (message 2 of this session)",
            "You said: three (message 3 of this session)",
        ]
        assert server.overlaps == 1

    async def test_a_client_that_hangs_up_aborts_the_run_but_is_remembered(
        self, server: DemoInstanceServer, client: httpx.AsyncClient
    ) -> None:
        task = asyncio.create_task(client.post("/session/s/responses", json=said("[[hang]]")))
        await server.wait_for_requests(1)
        task.cancel()
        await server.until(lambda server: server.requests[0].aborted)
        assert server.requests[0].finished is None
        assert "1. [[hang]]" in text(await client.post("/session/s/responses", json=said("recall")))


async def test_requests_are_recorded_with_their_times(server: DemoInstanceServer, client: httpx.AsyncClient) -> None:
    await client.post("/session/s/responses", json=said("hello"))
    await server.until(lambda server: server.requests[0].finished is not None)
    [request] = server.requests
    assert (request.session, request.input, request.aborted) == ("s", "hello", False)
    assert request.finished is not None
    assert request.finished >= request.started


async def test_memory_is_bounded() -> None:
    async with DemoInstanceServer(keep=2) as server, httpx.AsyncClient(headers=key(server.api_key)) as client:
        for number in range(4):
            address = f"{server.base_url}/instances/{server.instance_id}/session/s{number}/responses"
            await client.post(address, json=said("hello"))
        assert [request.session for request in server.requests] == ["s2", "s3"]
        assert server.received == 4


async def test_recording_can_be_switched_off() -> None:
    async with DemoInstanceServer(record=False) as server, httpx.AsyncClient(headers=key(server.api_key)) as client:
        await client.post(f"{server.base_url}/instances/{server.instance_id}/responses", json=said("hello"))
        assert (len(server.requests), server.received) == (0, 1)

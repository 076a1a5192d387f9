"""Chowder: what is sent, what comes back, and what a broken connection means."""

import asyncio
import dataclasses
import json
import re
import socket
from collections.abc import AsyncIterator, Callable
from typing import ClassVar

import aiohttp
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bridge.demo.instance_server import DemoInstanceServer
from bridge.envelope import Envelope
from bridge.errors import InstanceError, InstanceRefused, InstanceUnavailable, TurnInterrupted
from bridge.instance import Ending, Progress, Usage
from bridge.instances.chowder import ChowderInstance, ChowderSettings
from bridge.route import Route
from bridge.testing.instance_contract import RemoteInstanceContract, ask, texts, turn
from bridge.trace import trace_id

from .canned import KEY, CannedServer, http

Make = Callable[..., ChowderInstance]
SAID = (
    '{"id":"resp_1","object":"response","status":"completed","output":[{"type":"message","role":"assistant",'
    '"content":[{"type":"output_text","text":"Hello Ada."}]}],'
    '"usage":{"input_tokens":35,"output_tokens":52,"total_tokens":87}}'
)
EVENTS = "text/event-stream; charset=utf-8"
LOST = r"The connection to main broke off after \d+ seconds; whether it worked on the message is unknown\."


def delta(text: str) -> str:
    return f'event: response.output_text.delta\ndata: {{"type":"response.output_text.delta","delta":"{text}"}}\n\n'


def stream(*events: str) -> bytes:
    """An event stream without a length, as a gateway sends it; the connection's end is its end."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {EVENTS}\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [f"{len(event.encode()):x}\r\n{event}\r\n" for event in events]
    return (head + "".join(chunks)).encode()


COMPLETED = f'event: response.completed\ndata: {{"type":"response.completed","response":{SAID}}}\n\n'
END_OF_CHUNKS = b"0\r\n\r\n"


@pytest.mark.parametrize("continuity", ["session", "previous_response_id"])
@pytest.mark.parametrize("streamed", [True, False])
class TestContract(RemoteInstanceContract):
    """Against the demo server, in each way of asking."""

    recall: ClassVar[str] = "what did I say before?"
    hanging: ClassVar[str] = "[[hang]]"

    @pytest.fixture
    async def server(self) -> AsyncIterator[DemoInstanceServer]:
        async with DemoInstanceServer() as server:
            self.server = server
            yield server

    @pytest.fixture
    def instance(self, server: DemoInstanceServer, chowder: Make, continuity: str, streamed: bool) -> ChowderInstance:
        return chowder(
            server.base_url,
            instance_id=server.instance_id,
            api_key=SecretStr(server.api_key),
            continuity=continuity,
            stream=streamed,
        )

    async def is_busy(self) -> None:
        await self.server.until(lambda server: any("[[hang]]" in request.input for request in server.requests))

    async def was_hung_up_on(self) -> None:
        await self.server.until(lambda server: any(request.aborted for request in server.requests))


async def test_a_turn_is_one_post_to_its_session(canned: CannedServer, chowder: Make) -> None:
    canned.answers = [http("200 OK", SAID)]
    instance = chowder(canned.base_url + "/", extra={"instructions": "Be brief.", "temperature": 0.5})
    steps = await ask(instance, turn("hello 🦞", session="slack-t1-c1-17.5"))
    [(line, headers, body)] = canned.requests
    assert line == "POST /v1/instances/inst-1/session/slack-t1-c1-17.5/responses HTTP/1.1"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {
        "model": "m", "input": "[Ada] hello 🦞", "instructions": "Be brief.", "temperature": 0.5, "stream": True,
    }  # fmt: skip
    assert texts(steps) == "Hello Ada."
    assert steps[-1] == Ending("completed", None, "resp_1", Usage(35, 52, 87))


async def test_the_reply_names_the_instance_and_keeps_the_response_untouched(
    canned: CannedServer, chowder: Make
) -> None:
    canned.answers = [http("200 OK", SAID)]
    question = turn("hello")
    [reply, _] = await ask(chowder(canned.base_url, stream=False), question)
    assert isinstance(reply, Envelope)
    assert reply.model_dump(exclude={"ts"}) == {
        "id": "resp_1", "source": "chowder", "kind": "message",
        "actor": {"id": "chowder:inst-1", "display": "main", "type": "agent"},
        "conversation": question.envelope.conversation.model_dump(),
        "text": "Hello Ada.", "refs": {}, "raw": json.loads(SAID),
    }  # fmt: skip
    assert "stream" not in json.loads(canned.requests[0][2])


@pytest.mark.parametrize(
    ("session", "path"),
    [("a/b c", "a%2Fb%20c"), ("50%", "50%25"), ("ä?#", "%C3%A4%3F%23")],
)
async def test_a_session_is_one_part_of_the_path(canned: CannedServer, chowder: Make, session: str, path: str) -> None:
    canned.answers = [http("200 OK", SAID)]
    await ask(chowder(canned.base_url), turn("x", session=session))
    assert canned.requests[0][0] == f"POST /v1/instances/inst-1/session/{path}/responses HTTP/1.1"


async def test_previous_response_id_goes_over_the_default_session_and_only_from_the_second_turn(
    canned: CannedServer, chowder: Make
) -> None:
    canned.answers = [http("200 OK", SAID)]
    instance = chowder(canned.base_url, continuity="previous_response_id", stream=False)
    for continuation in (None, "resp_0"):
        await ask(instance, turn("x", continuation=continuation))
    assert [line for line, _, _ in canned.requests] == ["POST /v1/instances/inst-1/responses HTTP/1.1"] * 2
    assert [json.loads(body) for _, _, body in canned.requests] == [
        {"model": "m", "input": "[Ada] x"},
        {"model": "m", "input": "[Ada] x", "previous_response_id": "resp_0"},
    ]


async def test_a_lone_surrogate_in_the_prompt_does_not_stop_the_turn(canned: CannedServer, chowder: Make) -> None:
    canned.answers = [http("200 OK", SAID)]
    await ask(chowder(canned.base_url), dataclasses.replace(turn("x"), prompt="a\ud83d"))
    assert json.loads(canned.requests[0][2])["input"] == "a?"


async def test_a_rules_model_and_fields_go_before_the_instances(canned: CannedServer, chowder: Make) -> None:
    canned.answers = [http("200 OK", SAID)]
    instance = chowder(canned.base_url, extra={"instructions": "Be brief.", "top_p": 1}, stream=False)
    await ask(instance, dataclasses.replace(turn("x"), route=Route("opus", {"instructions": "Be long."})))
    assert json.loads(canned.requests[0][2]) == {
        "model": "opus", "input": "[Ada] x", "instructions": "Be long.", "top_p": 1,
    }  # fmt: skip


async def test_a_stream_is_shown_as_it_grows(canned: CannedServer, chowder: Make) -> None:
    canned.answers = [stream(": hi\n\n", delta("Hello"), delta(" Ada."), COMPLETED, "data: [DONE]\n\n") + END_OF_CHUNKS]
    steps = await ask(chowder(canned.base_url), turn("hello"))
    assert steps[:2] == [Progress("Hello"), Progress("Hello Ada.")]
    assert [texts(steps), steps[-1]] == ["Hello Ada.", Ending("completed", None, "resp_1", Usage(35, 52, 87))]


@pytest.mark.parametrize("rest", [b"", b"5\r\nda"])
async def test_whatever_comes_after_the_last_event_does_not_spoil_the_answer(
    canned: CannedServer, chowder: Make, rest: bytes
) -> None:
    canned.answers = [stream(COMPLETED) + rest]
    assert texts(await ask(chowder(canned.base_url), turn("hello"))) == "Hello Ada."


async def test_an_empty_answer_is_an_ending_alone(canned: CannedServer, chowder: Make) -> None:
    canned.answers = [http("200 OK", SAID.replace("Hello Ada.", "No response from OpenClaw."))]
    assert await ask(chowder(canned.base_url), turn("x")) == [Ending("completed", None, "resp_1", Usage(35, 52, 87))]


async def test_a_failed_response_object_under_an_error_status_is_the_agents_failure(
    canned: CannedServer, chowder: Make
) -> None:
    body = (
        '{"id":"resp_9","object":"response","status":"failed","output":[],"error":{"code":"x","message":"no credit"}}'
    )
    canned.answers = [http("402 Payment Required", body)]
    steps = await ask(chowder(canned.base_url), turn("x", continuation="resp_0"))
    assert steps == [Ending("failed", "no credit", "resp_0")]


async def test_a_redirect_is_not_followed(canned: CannedServer, chowder: Make) -> None:
    canned.answers = [http("307 Temporary Redirect", "", Location="http://127.0.0.1:1/")]
    with pytest.raises(InstanceRefused, match=r"points elsewhere \(HTTP 307\)"):
        await ask(chowder(canned.base_url), turn("x"))
    assert len(canned.requests) == 1


async def test_too_many_requests_wait_as_long_as_the_server_says(canned: CannedServer, chowder: Make) -> None:
    canned.answers = [http("429 Too Many Requests", '{"detail":"Slow down."}', Retry_After="17")]
    with pytest.raises(InstanceUnavailable) as caught:
        await ask(chowder(canned.base_url), turn("x"))
    assert caught.value.retry_after == 17.0


@pytest.mark.parametrize(
    "body",
    ["<html>It works!</html>", "", "null", "[]", '"hello"', '{"output":"hello"}', '{"error":"x"}', "{", "[" * 9999],
)
async def test_a_success_that_is_no_answer_is_refused_and_not_repeated(
    canned: CannedServer, chowder: Make, body: str
) -> None:
    canned.answers = [http("200 OK", body)]
    with pytest.raises(InstanceRefused) as caught:
        await ask(chowder(canned.base_url), turn("x"))
    assert str(caught.value) == (
        "main answered something that is no answer of an agent: check base_url of [instances.main], then `!retry` asks again."
    )


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 2",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        stream(),
        stream(delta("Hello")),
        stream(delta("Hello")) + END_OF_CHUNKS,
        stream(delta("Hello"), "data: [DONE]\n\n") + END_OF_CHUNKS,
        stream(delta("Hello")) + b"zz\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 500\r\n\r\n{",
    ],
)
async def test_a_connection_that_breaks_after_the_request_may_have_run(
    canned: CannedServer, chowder: Make, answer: bytes
) -> None:
    canned.answers = [answer]
    with pytest.raises(TurnInterrupted, match=LOST):
        await ask(chowder(canned.base_url), turn("x"))
    assert len(canned.requests) == 1


async def test_silence_is_given_up_after_the_configured_seconds(canned: CannedServer, chowder: Make) -> None:
    canned.answers = [None]
    with pytest.raises(TurnInterrupted) as caught:
        await ask(chowder(canned.base_url, timeout=0.05), turn("x"))
    assert str(caught.value) == "main sent nothing for 0.05 seconds; whether it worked on the message is unknown."
    await asyncio.wait_for(canned.hung_up.wait(), 5)


async def test_what_could_not_be_sent_can_be_sent_later(chowder: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(InstanceUnavailable) as caught:
        await ask(chowder(f"http://127.0.0.1:{port}/v1"), turn("x"))
    assert str(caught.value) == ("main cannot be reached (ClientConnectorError): check base_url of [instances.main].")


async def test_a_server_without_tls_was_not_sent_anything(chowder: Make) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(InstanceUnavailable, match="main cannot be reached"):
            await ask(chowder(f"https://127.0.0.1:{port}/v1"), turn("x"))


def caused(error: Exception, cause: Exception) -> Exception:
    """An error as `httpx_aiohttp` raises it."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ConnectError("x"), InstanceUnavailable),
        (httpx.ConnectTimeout("x"), InstanceUnavailable),
        (httpx.PoolTimeout("x"), InstanceUnavailable),
        (httpx.ReadTimeout("x"), TurnInterrupted),
        (httpx.WriteError("x"), TurnInterrupted),
        (httpx.RemoteProtocolError("x"), TurnInterrupted),
        (caused(httpx.TimeoutException("x"), aiohttp.ConnectionTimeoutError("x")), InstanceUnavailable),
        (caused(httpx.ReadTimeout("x"), aiohttp.SocketTimeoutError("x")), TurnInterrupted),
        (caused(httpx.ConnectTimeout("x"), aiohttp.ServerDisconnectedError("x")), TurnInterrupted),
        (caused(httpx.ConnectTimeout("x"), aiohttp.ClientOSError(104, "reset")), TurnInterrupted),
        (caused(httpx.ConnectTimeout("x"), aiohttp.ClientConnectionResetError("x")), TurnInterrupted),
        (ConnectionResetError("x"), TurnInterrupted),
    ],
)
async def test_only_what_was_provably_not_sent_is_sent_again(raised: Exception, kind: type[InstanceError]) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise raised

    read = ChowderSettings(instance_id="i", api_key=SecretStr(KEY), model="m")
    instance = ChowderInstance.create("main", read, transport=httpx.MockTransport(refuse))
    with pytest.raises(kind):
        await ask(instance, turn("x"))


async def test_closing_a_turn_hangs_up_in_the_middle_of_a_stream(chowder: Make) -> None:
    async with DemoInstanceServer() as server:
        instance = chowder(server.base_url, instance_id=server.instance_id, api_key=SecretStr(server.api_key))
        steps = instance.run(turn("[[drip:1:3600]]"))
        assert isinstance(await anext(steps), Progress)
        await steps.aclose()
        await asyncio.wait_for(server.until(lambda server: server.requests[0].aborted), 5)


async def test_an_error_tells_neither_the_key_nor_the_message(canned: CannedServer, chowder: Make) -> None:
    canned.answers = [http("422 Unprocessable", json.dumps({"detail": f"{KEY} said [Ada] my password is swordfish"}))]
    with pytest.raises(InstanceRefused) as caught:
        await ask(chowder(canned.base_url), turn("my password is swordfish"))
    assert str(caught.value) == (
        "Chowder does not understand the request: check model and extra of [instances.main], then `!retry` asks again."
    )


@given(
    body=st.binary() | st.text(),
    kind=st.sampled_from(["application/json", EVENTS, "text/html", "", "x/y; charset=hex"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_body_is_an_ending_or_an_instance_error(
    canned: CannedServer, chowder: Make, body: bytes | str, kind: str
) -> None:
    canned.answers = [http("200 OK", body if isinstance(body, bytes) else body.encode(), kind)]
    instance = chowder(canned.base_url)
    try:
        steps = await ask(instance, turn("x"))
    except InstanceError:
        return
    assert isinstance(steps[-1], Ending)


async def test_a_request_is_a_span_of_its_messages_trace(canned: CannedServer, chowder: Make) -> None:
    canned.answers = [http("200 OK", SAID), http("200 OK", SAID)]
    asked = turn("hello")
    instance = chowder(canned.base_url)
    for _ in range(2):
        await ask(instance, asked)
    spans = [headers["traceparent"] for _, headers, _ in canned.requests]
    assert [
        re.fullmatch(f"00-{trace_id(asked.envelope.id)}-[0-9a-f]{{16}}-01", span) is not None for span in spans
    ] == [True, True]
    assert len(set(spans)) == 2

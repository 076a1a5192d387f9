"""Chowder: an instance that does not run, how it is started, and how it is asked about beforehand."""

import json
from collections.abc import Callable

import pytest

from bridge.errors import InstanceUnavailable
from bridge.instances.chowder import ChowderInstance
from bridge.testing.instance_contract import ask, texts, turn

from .canned import CannedServer, http

Make = Callable[..., ChowderInstance]
SAID = (
    '{"id":"resp_1","object":"response","status":"completed","output":[{"type":"message","role":"assistant",'
    '"content":[{"type":"output_text","text":"Hello Ada."}]}],'
    '"usage":{"input_tokens":35,"output_tokens":52,"total_tokens":87}}'
)


class TestAutostart:
    async def test_a_stopped_instance_is_started_and_the_message_waits(
        self, canned: CannedServer, chowder: Make
    ) -> None:
        stopped = http("409 Conflict", '{"detail":"Instance is not running (status: stopped)."}')
        canned.answers = [stopped, http("200 OK", '{"status":"running"}'), http("200 OK", SAID)]
        instance = chowder(canned.base_url, autostart=True)
        with pytest.raises(InstanceUnavailable) as caught:
            await ask(instance, turn("x"))
        assert [line for line, _, _ in canned.requests][1:] == ["POST /v1/instances/inst-1/start HTTP/1.1"]
        assert (str(caught.value), caught.value.notice) == (
            "main is stopped (409). It is being started.",
            "main was stopped and is being started; your message is answered when it runs.",
        )
        assert texts(await ask(instance, turn("x"))) == "Hello Ada."

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (http("409 Conflict", '{"detail":"Instance is not stopped (status: running)."}'), "It is being started."),
            (http("403 Forbidden", '{"detail":"Organisation key needed."}'),
             "It could not be started: Chowder does not let the key of [instances.main] write to this instance: "
             "give it the permission interact, or use another api_key, then `!retry` asks again."),
            (b"", "It could not be started: main cannot be reached: check base_url of [instances.main] and the network."),
        ],
    )  # fmt: skip
    async def test_each_answer_to_the_start_lets_the_message_wait(
        self, canned: CannedServer, chowder: Make, answer: bytes, reason: str
    ) -> None:
        canned.answers = [http("409 Conflict", '{"detail":"status: stopped"}'), answer]
        with pytest.raises(InstanceUnavailable) as caught:
            await ask(chowder(canned.base_url, autostart=True), turn("x"))
        assert (str(caught.value), caught.value.retry_after) == (f"main is stopped (409). {reason}", 5)

    @pytest.mark.parametrize(("status", "autostart"), [("stopped", False), ("provisioning", True), ("error", True)])
    async def test_nothing_else_is_started(
        self, canned: CannedServer, chowder: Make, status: str, autostart: bool
    ) -> None:
        canned.answers = [http("409 Conflict", json.dumps({"detail": f"status: {status}"}))]
        with pytest.raises(InstanceUnavailable):
            await ask(chowder(canned.base_url, autostart=autostart), turn("x"))
        assert len(canned.requests) == 1


class TestProbe:
    @pytest.mark.parametrize(
        ("status", "body", "sentence"),
        [
            ("200 OK", '{"id":"inst-1","status":"running","gateway_url":"x"}', None),
            ("200 OK", '{"id":"inst-1","status":"hibernating"}', None),
            ("200 OK", '{"status":"provisioning"}', "main is starting; messages wait until it runs."),
            ("200 OK", '{"status":"stopped"}', "main is stopped; messages wait until it runs."),
            ("200 OK", '{"status":"error","error_message":"no model key"}',
             "main is in an error state, which its owner has to repair (no model key); messages wait until it runs."),
            ("200 OK", '{"status":"terminated"}',
             "main was terminated: write another instance_id under [instances.main]."),
            ("200 OK", "<html>", "main does not answer like Chowder: check base_url of [instances.main]."),
            ("403 Forbidden", '{"detail":"Key lacks read."}', None),
            ("401 Unauthorized", '{"detail":"Missing or invalid API key."}',
             "Chowder does not accept the key of [instances.main]: check api_key, then `!retry` asks again."),
            ("404 Not Found", '{"detail":"Instance not found."}',
             ("Chowder does not know the instance of [instances.main], or it belongs to another organisation: "
             "check instance_id and base_url, then `!retry` asks again.")),
            ("409 Conflict", '{"detail":"status: stopped"}', "main is stopped (409)."),
            ("503 Service Unavailable", "", "main takes no requests for the moment (503)."),
        ],
    )  # fmt: skip
    async def test_each_answer_is_one_sentence_or_nothing_wrong(
        self, canned: CannedServer, chowder: Make, status: str, body: str, sentence: str | None
    ) -> None:
        canned.answers = [http(status, body)]
        assert await chowder(canned.base_url).probe() == sentence
        assert canned.requests[0][0] == "GET /v1/instances/inst-1 HTTP/1.1"

    async def test_an_instance_out_of_reach_is_said_to_be(self, canned: CannedServer, chowder: Make) -> None:
        canned.answers = [b""]
        assert await chowder(canned.base_url).probe() == (
            "main cannot be reached: check base_url of [instances.main] and the network."
        )

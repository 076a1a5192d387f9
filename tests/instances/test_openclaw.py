"""OpenClaw asked directly: what is sent, what its failures mean, and how it is."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr, ValidationError

from bridge.errors import InstanceRefused
from bridge.instance import Ending, InstanceSettings
from bridge.instances.openclaw import OpenClawInstance, OpenClawSettings
from bridge.route import Route
from bridge.testing.instance_contract import RemoteInstanceContract, ask, texts, turn

from .canned import KEY, CannedServer, http
from .gateway import OpenClawServer

Make = Callable[..., OpenClawInstance]
SAID = (
    '{"id":"resp_1","object":"response","created_at":1795289661,"status":"completed","model":"openclaw",'
    '"output":[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Hello Ada."}],'
    '"phase":"final_answer","status":"completed"}],"usage":{"input_tokens":22,"output_tokens":7,"total_tokens":29}}'
)


@pytest.fixture
async def openclaw() -> AsyncIterator[Make]:
    """Makes instances named `main`, closed at the end."""
    made: list[OpenClawInstance] = []

    def make(base_url: str, **keys: Any) -> OpenClawInstance:
        settings = {"api_key": SecretStr(KEY), "timeout": 5} | keys
        made.append(OpenClawInstance.create("main", OpenClawSettings(base_url=base_url, **settings)))
        return made[-1]

    yield make
    for instance in made:
        await instance.close()


@pytest.mark.parametrize("streamed", [True, False])
class TestContract(RemoteInstanceContract):
    """Against a gateway that takes what OpenClaw takes."""

    recall: ClassVar[str] = "what did I say before?"
    hanging: ClassVar[str] = "[[hang]]"

    @pytest.fixture
    async def server(self) -> AsyncIterator[OpenClawServer]:
        async with OpenClawServer() as server:
            self.server = server
            yield server

    @pytest.fixture
    def instance(self, server: OpenClawServer, openclaw: Make, streamed: bool) -> OpenClawInstance:
        return openclaw(server.base_url, api_key=SecretStr(server.api_key), stream=streamed)

    async def is_busy(self) -> None:
        await self.server.until(lambda server: any("[[hang]]" in request.input for request in server.requests))

    async def was_hung_up_on(self) -> None:
        await self.server.until(lambda server: any(request.aborted for request in server.requests))


async def test_a_turn_is_one_post_whose_headers_name_session_agent_and_channel(
    canned: CannedServer, openclaw: Make
) -> None:
    canned.answers = [http("200 OK", SAID)]
    instance = openclaw(canned.base_url, agent="ops", extra={"instructions": "Be brief."})
    steps = await ask(instance, turn("hello 🦞", session="slack-t1-c1-17.5"))
    [(line, headers, body)] = canned.requests
    assert line == "POST /v1/responses HTTP/1.1"
    assert {name: headers.get(name) for name in ("authorization", "x-openclaw-model")} == {
        "authorization": f"Bearer {KEY}", "x-openclaw-model": None,
    }  # fmt: skip
    assert [headers[f"x-openclaw-{name}"] for name in ("session-key", "agent-id", "message-channel")] == [
        "slack-t1-c1-17.5", "ops", "contract",
    ]  # fmt: skip
    assert json.loads(body) == {
        "model": "openclaw", "input": "[Ada] hello 🦞", "instructions": "Be brief.", "stream": True,
    }  # fmt: skip
    assert texts(steps) == "Hello Ada."
    assert isinstance(steps[-1], Ending)
    assert steps[-1].continuation == "resp_1"


@pytest.mark.parametrize(
    ("model", "sent", "header"),
    [
        ("openclaw", "openclaw", None),
        ("openclaw/ops", "openclaw/ops", None),
        ("openclaw:ops", "openclaw:ops", None),
        ("agent:ops", "agent:ops", None),
        ("anthropic/claude-sonnet-4", "openclaw", "anthropic/claude-sonnet-4"),
    ],
)
async def test_a_model_that_is_no_agent_takes_the_place_of_the_agents_own(
    canned: CannedServer, openclaw: Make, model: str, sent: str, header: str | None
) -> None:
    canned.answers = [http("200 OK", SAID)]
    await ask(openclaw(canned.base_url, model=model), turn("x"))
    _, headers, body = canned.requests[0]
    assert (json.loads(body)["model"], headers.get("x-openclaw-model")) == (sent, header)
    assert "x-openclaw-agent-id" not in headers


async def test_a_rules_model_and_fields_go_before_the_instances(canned: CannedServer, openclaw: Make) -> None:
    canned.answers = [http("200 OK", SAID)]
    instance = openclaw(canned.base_url, model="openclaw/ops", extra={"instructions": "Be brief.", "top_p": 1})
    routed = replace(turn("x"), route=Route("anthropic/opus", {"instructions": "Be long."}))
    await ask(instance, routed)
    _, headers, body = canned.requests[0]
    assert headers["x-openclaw-model"] == "anthropic/opus"
    assert json.loads(body) == {
        "model": "openclaw/ops", "input": "[Ada] x", "instructions": "Be long.", "top_p": 1, "stream": True,
    }  # fmt: skip


async def test_a_switched_off_endpoint_is_said_to_be(canned: CannedServer, openclaw: Make) -> None:
    canned.answers = [http("404 Not Found", "Not Found", "text/plain")]
    with pytest.raises(InstanceRefused) as caught:
        await ask(openclaw(canned.base_url), turn("x"))
    assert str(caught.value) == (
        "The server does not answer at this address: switch on gateway.http.endpoints.responses of OpenClaw, "
        "check base_url of [instances.main], then `!retry` asks again."
    )


MODELS = '{"object":"list","data":[{"id":"openclaw"},{"id":"openclaw/default"},{"id":"openclaw/ops"}]}'


@pytest.mark.parametrize(
    ("answer", "agent", "sentence"),
    [
        (http("200 OK", MODELS), None, None),
        (http("200 OK", MODELS), "ops", None),
        (http("200 OK", MODELS), "opps", "main has no agent of that name: check agent of [instances.main]."),
        (http("200 OK", "<html>"), "ops", None),
        (http("401 Unauthorized", '{"error":{"message":"Unauthorized","type":"unauthorized"}}'), None,
         "The gateway does not accept the key of [instances.main]: check api_key, then `!retry` asks again."),
        (http("503 Service Unavailable", '{"error":{"message":"x","code":"gateway_unavailable"}}'), None,
         "main takes no requests for the moment (503)."),
        (b"", None, "main cannot be reached: check base_url of [instances.main] and the network."),
    ],
)  # fmt: skip
async def test_a_look_tells_address_key_and_agent(
    canned: CannedServer, openclaw: Make, answer: bytes, agent: str | None, sentence: str | None
) -> None:
    canned.answers = [answer]
    assert await openclaw(canned.base_url, agent=agent).probe() == sentence
    assert canned.requests[0][0] == "GET /v1/models HTTP/1.1"


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"agent": "two words"}, "must be the id of an agent"),
        ({"agent": ""}, "must be the id of an agent"),
        ({"model": "модель"}, "must be the name of a model"),
        ({"model": " "}, "must be the name of a model"),
        ({"base_url": "127.0.0.1:18789"}, "must be an address"),
        ({"extra": {"input": "x"}}, "input cannot stand in extra"),
        ({"continuity": "session"}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_used_is_refused(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        OpenClawSettings.model_validate({"api_key": SecretStr(KEY)} | keys)


def test_settings_of_another_type_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError):
        OpenClawInstance.create("main", InstanceSettings(type="echo"))


def test_the_time_out_is_longer_than_openclaw_may_be_silent() -> None:
    assert OpenClawSettings(api_key=SecretStr(KEY)).timeout >= 180

"""Any Open Responses server: what is sent, how a conversation goes on, and what its failures mean."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr, ValidationError

from bridge.errors import InstanceRefused
from bridge.files import File
from bridge.instance import Ending, InstanceSettings
from bridge.instances.failures import FORGOTTEN
from bridge.instances.files import OPENAI, openai
from bridge.instances.responses_server import OpenResponsesInstance, OpenResponsesSettings
from bridge.route import Route
from bridge.testing.instance_contract import RemoteInstanceContract, ask, ending, texts, turn

from .canned import KEY, CannedServer, http
from .gateway import OpenAIServer

Make = Callable[..., OpenResponsesInstance]
SAID = '{"id":"resp_1","object":"response","status":"completed","output_text":"Hello Ada."}'


@pytest.fixture
async def other() -> AsyncIterator[Make]:
    """Makes instances named `main`, closed at the end."""
    made: list[OpenResponsesInstance] = []

    def make(base_url: str, **keys: Any) -> OpenResponsesInstance:
        settings = OpenResponsesSettings(base_url=base_url, **({"timeout": 5} | keys))
        made.append(OpenResponsesInstance.create("main", settings))
        return made[-1]

    yield make
    for instance in made:
        await instance.close()


@pytest.mark.parametrize("streamed", [True, False])
class TestContract(RemoteInstanceContract):
    """Against a server as OpenAI has it."""

    recall: ClassVar[str] = "what did I say before?"
    hanging: ClassVar[str] = "[[hang]]"

    @pytest.fixture
    async def server(self) -> AsyncIterator[OpenAIServer]:
        async with OpenAIServer() as server:
            self.server = server
            yield server

    @pytest.fixture
    def instance(self, server: OpenAIServer, other: Make, streamed: bool) -> OpenResponsesInstance:
        return other(server.base_url, stream=streamed)

    async def is_busy(self) -> None:
        await self.server.until(lambda server: any("[[hang]]" in request.input for request in server.requests))

    async def was_hung_up_on(self) -> None:
        await self.server.until(lambda server: any(request.aborted for request in server.requests))


async def test_a_turn_is_one_post_with_nothing_that_was_not_configured(canned: CannedServer, other: Make) -> None:
    canned.answers = [http("200 OK", SAID)]
    steps = await ask(other(canned.base_url, stream=False), turn("hello"))
    [(line, headers, body)] = canned.requests
    assert line == "POST /v1/responses HTTP/1.1"
    assert "authorization" not in headers
    assert json.loads(body) == {"input": "[Ada] hello"}
    assert (texts(steps), steps[-1]) == ("Hello Ada.", Ending("completed", None, "resp_1"))


async def test_a_key_a_model_and_the_last_answer_go_along(canned: CannedServer, other: Make) -> None:
    canned.answers = [http("200 OK", SAID)]
    instance = other(canned.base_url, api_key=SecretStr(KEY), model="gpt-oss", extra={"store": True})
    await ask(instance, turn("hello", continuation="resp_0"))
    _, headers, body = canned.requests[0]
    assert headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(body) == {
        "input": "[Ada] hello", "model": "gpt-oss", "previous_response_id": "resp_0", "store": True, "stream": True,
    }  # fmt: skip


async def test_a_rules_model_and_fields_go_before_the_instances(canned: CannedServer, other: Make) -> None:
    canned.answers = [http("200 OK", SAID)]
    instance = other(canned.base_url, model="gpt-oss", extra={"store": True, "top_p": 1}, stream=False)
    await ask(instance, replace(turn("x"), route=Route("opus", {"top_p": 0.5})))
    assert json.loads(canned.requests[0][2]) == {"input": "[Ada] x", "model": "opus", "store": True, "top_p": 0.5}


async def test_a_conversation_that_the_server_forgot_is_said_and_then_begun_anew(other: Make) -> None:
    async with OpenAIServer() as server:
        instance = other(server.base_url)
        forgotten = ending(await ask(instance, turn("hello", continuation="resp_of_yesterday")))
        assert forgotten == Ending("failed", FORGOTTEN, continuation="")
        again = await ask(instance, turn("hello", continuation=forgotten.continuation))
        assert ending(again).outcome == "completed"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            http("404 Not Found", '{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}'),
            "The gateway does not know this address or model (The model `x` does not exist): check base_url and model "
            "of [instances.main], then `!retry` asks again.",
        ),
        (
            http("403 Forbidden", '{"error":{"message":"Not in your project"}}'),
            "The gateway does not let the key of [instances.main] do this (Not in your project): check api_key, then "
            "`!retry` asks again.",
        ),
        (
            http("401 Unauthorized", '{"error":{"message":"Incorrect API key provided"}}'),
            "The gateway does not accept the key of [instances.main]: check api_key, then `!retry` asks again.",
        ),
    ],
)
async def test_what_is_refused_names_the_keys_that_this_type_has(
    canned: CannedServer, other: Make, answer: bytes, sentence: str
) -> None:
    canned.answers = [answer]
    with pytest.raises(InstanceRefused) as caught:
        await ask(other(canned.base_url), turn("x"))
    assert str(caught.value) == sentence


def test_images_and_files_stand_after_the_text_in_the_form_of_the_specification() -> None:
    files = [File("plan.png", "image/png", b"\x89PNG"), File("notes.md", "text/markdown", b"# Pears")]
    assert openai(replace(turn("look"), files=files)) == [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "[Ada] look"},
                {"type": "input_image", "image_url": "data:image/png;base64,iVBORw=="},
                {
                    "type": "input_file",
                    "filename": "notes.md",
                    "file_data": "data:text/markdown;base64," + base64.b64encode(b"# Pears").decode(),
                },
            ],
        }
    ]
    assert openai(turn("hello")) == "[Ada] hello"


@pytest.mark.parametrize(
    ("media_type", "taken"),
    [
        ("image/png", True),
        ("image/heic", False),
        ("application/pdf", True),
        ("text/x-python", True),
        ("audio/ogg", False),
    ],
)
def test_what_is_sent(media_type: str, taken: bool) -> None:
    assert (OPENAI.most(media_type) is not None) is taken


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({}, "Field required"),
        ({"base_url": "x"}, "must be an address"),
        ({"base_url": "http://h/v1", "model": ""}, "at least 1 character"),
    ],
)
def test_what_cannot_be_used_is_refused(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        OpenResponsesSettings.model_validate(keys)


def test_settings_of_another_type_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError):
        OpenResponsesInstance.create("main", InstanceSettings(type="echo"))

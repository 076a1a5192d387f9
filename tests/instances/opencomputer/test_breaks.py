"""OpenComputer: what becomes of a question whatever breaks, and what a person is told of it."""

from collections.abc import Awaitable

import pytest
from pydantic import SecretStr, ValidationError

from bridge.demo.opencomputer_server import DemoOpenComputerServer
from bridge.envelope import Envelope
from bridge.errors import InstanceRefused, InstanceUnavailable, TurnInterrupted
from bridge.instances.opencomputer import OpenComputerInstance, OpenComputerSettings
from bridge.testing.instance_contract import ask, texts

from .asked import SESSION, Make, next_turn


@pytest.mark.parametrize("fault", ["cut", "stall"])
async def test_a_stream_that_breaks_is_resumed_where_it_was(
    server: DemoOpenComputerServer, make: Make, fault: str
) -> None:
    steps = await ask(make(timeout=3), next_turn(f"[[aside]] [[{fault}]]"))
    assert [step.text for step in steps if isinstance(step, Envelope)] == [
        "Let me see.",
        f"You said: [[aside]] [[{fault}]]",
    ]
    assert server.streams_opened >= 2


async def test_a_stream_that_fails_is_opened_again(
    server: DemoOpenComputerServer, instance: OpenComputerInstance
) -> None:
    for status in (500, 503):
        server.refuse("GET", status)
    assert texts(await ask(instance, next_turn("hello"))) == "You said: hello"


async def test_silence_is_given_up_after_the_configured_seconds_and_found_again(
    server: DemoOpenComputerServer, make: Make
) -> None:
    server.hold()
    question = next_turn("hello")
    with pytest.raises(TurnInterrupted) as caught:
        await ask(make(timeout=0.3), question)
    assert (str(caught.value), caught.value.why) == ("main sent nothing for 0.3 seconds.", "silent")
    server.release()
    assert texts(await ask(make(), question)) == "You said: hello"
    assert len(server.messages) == 1


async def test_comments_keep_a_silent_stream_alive(make: Make, server: DemoOpenComputerServer) -> None:
    server.heartbeat = 0.05
    assert texts(await ask(make(timeout=0.6), next_turn("[[sleep:1.2]]"))) == "You said: [[sleep:1.2]]"
    assert server.streams_opened == 1


async def refused(call: Awaitable[object]) -> tuple[type[Exception], str]:
    with pytest.raises((InstanceRefused, InstanceUnavailable)) as caught:
        await call
    kind = InstanceUnavailable if isinstance(caught.value, InstanceUnavailable) else InstanceRefused
    return kind, str(caught.value)


async def test_a_wrong_key_is_named(make: Make) -> None:
    sentence = "OpenComputer does not accept the key of [instances.main]: check api_key, then `!retry` asks again."
    instance = make(api_key=SecretStr("osb_wrong"))
    assert await refused(ask(instance, next_turn("x"))) == (InstanceRefused, sentence)
    assert await instance.probe() == sentence


async def test_an_unknown_agent_is_named(make: Make) -> None:
    kind, sentence = await refused(ask(make(agent="agt_other"), next_turn("x")))
    assert kind is InstanceRefused
    assert "check agent, api_key and base_url" in sentence


async def test_too_many_requests_wait_as_long_as_the_server_says(
    server: DemoOpenComputerServer, instance: OpenComputerInstance
) -> None:
    server.refuse("POST", 429, Retry_After="17")
    with pytest.raises(InstanceUnavailable) as caught:
        await ask(instance, next_turn("x"))
    assert caught.value.retry_after == 17.0


async def test_a_server_that_is_away_is_waited_for(
    server: DemoOpenComputerServer, instance: OpenComputerInstance
) -> None:
    await server.stop()
    kind, sentence = await refused(ask(instance, next_turn("x")))
    assert kind is InstanceUnavailable
    assert "check base_url of [instances.main]" in sentence
    assert "cannot be reached" in (await instance.probe() or "")


async def test_a_session_that_is_closed_is_said(server: DemoOpenComputerServer, instance: OpenComputerInstance) -> None:
    begun = await ask(instance, next_turn("hello"))
    server.of_key(SESSION).status = "archived"
    kind, sentence = await refused(ask(instance, next_turn("more", begun)))
    assert kind is InstanceRefused
    assert "(The session is archived)" in sentence
    assert "Ask in a new thread" in sentence


async def test_a_healthy_agent_has_no_problem(instance: OpenComputerInstance) -> None:
    assert await instance.probe() is None


@pytest.mark.parametrize(
    "address", ["https://api.opencomputer.dev/v3", "api.opencomputer.dev", "https://u:p@x", "ftp://x"]
)
def test_another_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match=r'like "https://(api\.opencomputer\.dev"|agent\.example)'):
        OpenComputerSettings(base_url=address, agent="agt_1", api_key=SecretStr("k"))

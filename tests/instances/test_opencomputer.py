"""OpenComputer: what is sent, what is told of a session's log, and what becomes of it whatever breaks."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr, ValidationError

from bridge.demo.opencomputer_server import DemoOpenComputerServer
from bridge.envelope import Envelope
from bridge.errors import InstanceRefused, InstanceUnavailable, TurnInterrupted
from bridge.instance import Activity, Ending, Progress, Step, Turn
from bridge.instances.opencomputer import OpenComputerInstance, OpenComputerSettings
from bridge.route import Route
from bridge.testing.instance_contract import RemoteInstanceContract, ask, ending, texts, turn
from bridge.trace import trace_id

SESSION = "slack-t1-c1-17.5"
Make = Callable[..., OpenComputerInstance]


@pytest.fixture
async def server() -> AsyncIterator[DemoOpenComputerServer]:
    async with DemoOpenComputerServer() as server:
        yield server


@pytest.fixture
async def make(server: DemoOpenComputerServer) -> AsyncIterator[Make]:
    """Makes instances named `main`, closed at the end."""
    made: list[OpenComputerInstance] = []

    def make(**keys: Any) -> OpenComputerInstance:
        settings = {"base_url": server.base_url, "agent": server.agent_id, "api_key": SecretStr(server.api_key), **keys}
        made.append(OpenComputerInstance.create("main", OpenComputerSettings(**settings)))
        return made[-1]

    yield make
    for instance in made:
        await instance.close()


@pytest.fixture
def instance(make: Make) -> OpenComputerInstance:
    return make()


class TestContract(RemoteInstanceContract):
    """Against the demo server. Nobody who hangs up stops the agent: it only loses its listener."""

    recall: ClassVar[str] = "what did I say before?"
    hanging: ClassVar[str] = "[[hang]]"

    @pytest.fixture
    def instance(self, make: Make, server: DemoOpenComputerServer) -> OpenComputerInstance:
        self.server = server
        return make()

    async def is_busy(self) -> None:
        await self.server.until(lambda server: any(one.following for one in server.sessions.values()))

    async def was_hung_up_on(self) -> None:
        await self.server.until(lambda server: not any(one.following for one in server.sessions.values()))


def next_turn(text: str, before: list[Step] | None = None) -> Turn:
    return turn(text, session=SESSION, continuation=ending(before).continuation if before else None)


async def test_a_session_begins_with_the_first_message_and_is_steered_with_the_next(
    server: DemoOpenComputerServer, instance: OpenComputerInstance
) -> None:
    first = next_turn("hello 🦞")
    steps = await ask(instance, first)
    second = next_turn("and again", steps)
    assert texts(await ask(instance, second)) == "You said: and again (message 2 of this session)"
    created, steered = [message.body for message in server.messages]
    assert {key: created[key] for key in ("agent", "key", "metadata")} == {
        "agent": "agt_demo", "key": SESSION, "metadata": {"session": SESSION},
    }  # fmt: skip
    for sent, asked in ((created["input"], first), (steered["envelope"], second)):
        expected = json.loads(asked.envelope.model_dump_json())
        assert sent == {**expected, "text": asked.prompt, "raw": {"threadbridge": asked.envelope.id}}
    assert [
        trace_id(one.envelope.id) in (message.traceparent or "")
        for one, message in zip((first, second), server.messages, strict=True)
    ] == [True, True]


async def test_a_reply_is_the_event_that_says_it(
    server: DemoOpenComputerServer, instance: OpenComputerInstance
) -> None:
    question = next_turn("hello")
    [progress, reply, end] = await ask(instance, question)
    [event] = [one for one in server.of_key(SESSION).events if one["type"] == "agent.message"]
    assert progress == Progress("You said: hello")
    assert isinstance(reply, Envelope)
    assert reply.model_dump(exclude={"ts"}) == {
        "id": event["id"], "source": "opencomputer", "kind": "message",
        "actor": {"id": "opencomputer:agt_demo", "display": "main", "type": "agent"},
        "conversation": question.envelope.conversation.model_dump(),
        "text": "You said: hello", "refs": {}, "raw": event,
    }  # fmt: skip
    head = server.of_key(SESSION).head
    assert end == Ending("completed", None, json.dumps({"id": server.of_key(SESSION).id, "seq": head}))


@pytest.mark.parametrize("again", ["hello", "hello, as Ada calls it now"])
async def test_the_first_message_asked_again_is_answered_by_the_turn_that_ran(
    server: DemoOpenComputerServer, instance: OpenComputerInstance, again: str
) -> None:
    question = next_turn("hello")
    before = await ask(instance, question)
    after = await ask(instance, dataclasses.replace(question, prompt=f"[Ada] {again}"))
    assert after == before
    assert (len(server.messages), len(server.sessions)) == (1, 1)


@pytest.mark.parametrize("again", ["more", "more, as Ada calls it now"])
async def test_a_later_message_asked_again_is_answered_by_the_turn_that_ran(
    server: DemoOpenComputerServer, instance: OpenComputerInstance, again: str
) -> None:
    question = next_turn("more", await ask(instance, next_turn("hello")))
    before = await ask(instance, question)
    assert await ask(instance, dataclasses.replace(question, prompt=f"[Ada] {again}")) == before
    assert len(server.messages) == 2


async def test_a_message_asked_again_while_its_turn_runs_waits_for_that_turn(
    server: DemoOpenComputerServer, instance: OpenComputerInstance
) -> None:
    server.hold()
    question = next_turn("hello")
    first = asyncio.create_task(ask(instance, question))
    await server.until(lambda server: any(one.following for one in server.sessions.values()))
    first.cancel()
    second = asyncio.create_task(ask(instance, question))
    await server.until(lambda server: server.streams_opened == 2)
    server.release()
    assert texts(await second) == "You said: hello"
    assert len(server.messages) == 1


async def test_what_failed_and_was_told_is_run_anew_when_a_person_asks_again_and_only_once(
    server: DemoOpenComputerServer, instance: OpenComputerInstance
) -> None:
    question = next_turn("[[fail]]")
    failed = ending(await ask(instance, question))
    assert (failed.outcome, failed.detail) == ("failed", "500 from the model provider")
    retried = dataclasses.replace(question, continuation=failed.continuation)
    first = await ask(instance, retried)
    assert await ask(instance, retried) == first
    assert len(server.messages) == 2


async def test_a_place_that_the_store_lost_is_found_by_the_key_and_nothing_old_is_told(
    server: DemoOpenComputerServer, instance: OpenComputerInstance
) -> None:
    await ask(instance, next_turn("hello"))
    steps = await ask(instance, next_turn("do you know me?"))
    assert texts(steps) == "You said: do you know me? (message 2 of this session)"
    assert len(server.sessions) == 1


OUTCOMES = {
    "completed": ("completed", None),
    "needs_input": ("incomplete", "needs_input"),
    "error": ("failed", "500 from the model provider"),
    "budget_exceeded": ("incomplete", "budget_exceeded"),
    "deadline_exceeded": ("incomplete", "deadline_exceeded"),
    "max_turns": ("incomplete", "max_turns"),
    "something_new": ("incomplete", "something_new"),
}


@pytest.mark.parametrize(("reason", "told"), OUTCOMES.items())
async def test_each_way_in_which_a_turn_ends_is_told(
    instance: OpenComputerInstance, reason: str, told: tuple[str, str | None]
) -> None:
    end = ending(await ask(instance, next_turn(f"[[yield:{reason}]]")))
    assert (end.outcome, end.detail) == told


async def test_a_cancelled_turn_is_told(server: DemoOpenComputerServer, instance: OpenComputerInstance) -> None:
    asking = asyncio.create_task(ask(instance, next_turn("[[hang]]")))
    await server.until(lambda server: any(one.following for one in server.sessions.values()))
    server.of_key(SESSION).cancel()
    end = ending(await asking)
    assert (end.outcome, end.detail) == ("incomplete", "canceled")


@pytest.mark.parametrize("said_before", [True, False])
async def test_a_turn_that_is_stopped_ends_there(
    server: DemoOpenComputerServer, instance: OpenComputerInstance, said_before: bool
) -> None:
    before = await ask(instance, next_turn("hello")) if said_before else None
    question = next_turn("[[hang]]", before)
    asking = asyncio.create_task(ask(instance, question))
    await server.until(lambda server: len(server.messages) == 1 + said_before and server.of_key(SESSION).following > 0)
    await instance.stop(question)
    end = ending(await asking)
    assert (end.outcome, end.detail) == ("incomplete", "canceled")


async def test_nothing_is_stopped_where_no_session_is(
    server: DemoOpenComputerServer, instance: OpenComputerInstance
) -> None:
    await instance.stop(next_turn("hello"))
    assert not server.sessions


async def test_a_session_is_created_with_the_model_and_the_fields_of_the_rule_over_those_of_the_instance(
    make: Make, server: DemoOpenComputerServer
) -> None:
    instance = make(model="anthropic/small", extra={"limits": {"turns": 5}, "revision": 3})
    await ask(instance, next_turn("hello"))
    asked = Route(model="anthropic/large", extra={"limits": {"turns": 9}, "key": "taken by us"})
    await ask(instance, dataclasses.replace(turn("hello", session="another"), route=asked))
    fields = [{key: one.body.get(key) for key in ("model", "limits", "revision", "key")} for one in server.messages]
    assert fields == [
        {"model": "anthropic/small", "limits": {"turns": 5}, "revision": 3, "key": SESSION},
        {"model": "anthropic/large", "limits": {"turns": 9}, "revision": 3, "key": "another"},
    ]


@pytest.mark.parametrize("key", ["agent", "input", "key", "metadata", "model"])
def test_a_field_that_the_bridge_sets_cannot_stand_in_extra(make: Make, key: str) -> None:
    with pytest.raises(ValidationError, match=f"{key} cannot stand in extra"):
        make(extra={key: "x"})


async def test_the_webhook_door_is_registered_with_each_session_once(
    make: Make, server: DemoOpenComputerServer
) -> None:
    secret = SecretStr("whsec_c2VjcmV0IGJ5dGVz")
    instance = make(webhook_url="http://127.0.0.1:9/instances/main/webhook", webhook_secret=secret)
    question = next_turn("hello")
    await ask(instance, question)
    await ask(instance, question)
    await ask(instance, turn("hello", session="another"))
    assert {one.key: server.sessions[session].id for session, one in server.sessions.items()} == {
        SESSION: server.of_key(SESSION).id, "another": server.of_key("another").id,
    }  # fmt: skip
    registered = [(one.url, one.secret, one.session, one.level) for one in server.destinations.values()]
    assert registered == [
        ("http://127.0.0.1:9/instances/main/webhook", secret.get_secret_value(), server.of_key(key).id, "user")
        for key in (SESSION, "another")
    ]


async def test_a_session_is_answered_although_its_webhook_door_cannot_be_registered(
    make: Make, server: DemoOpenComputerServer, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = make(webhook_url="http://127.0.0.1:9", webhook_secret=SecretStr("not so secret"))
    server.refuse("GET", 500)
    assert texts(await ask(instance, next_turn("hello"))) == "You said: hello"
    logged = capsys.readouterr().out
    assert "webhook.not_registered" in logged
    assert "not so secret" not in logged


def test_a_webhook_door_without_a_secret_is_refused(make: Make) -> None:
    with pytest.raises(ValidationError, match="webhook_url takes webhook_secret"):
        make(webhook_url="https://your.host/instances/main/webhook")


async def test_levels_are_replies_what_is_done_and_nothing(instance: OpenComputerInstance) -> None:
    steps = await ask(instance, next_turn("[[aside]] [[tool:search]] [[progress:cloning <!the> repo]]"))
    assert [step for step in steps if isinstance(step, Activity)] == [
        Activity("cloning the repo"), Activity("using search"),
    ]  # fmt: skip
    said = [step.text for step in steps if isinstance(step, Envelope)]
    assert said[0] == "Let me see."
    assert steps[-3 - 1] == Progress("\n\n".join(said))


async def test_a_result_that_was_not_said_to_people_is_fetched(instance: OpenComputerInstance) -> None:
    assert texts(await ask(instance, next_turn("[[quiet]]"))) == "You said: [[quiet]]"


async def test_a_large_answer_is_fetched_whole(instance: OpenComputerInstance) -> None:
    assert len(texts(await ask(instance, next_turn("[[big:100000]]")))) == 100_000


async def test_an_empty_turn_is_an_ending_alone(instance: OpenComputerInstance) -> None:
    [end] = await ask(instance, next_turn("[[empty]]"))
    assert isinstance(end, Ending)
    assert (end.outcome, end.detail) == ("completed", None)


async def test_what_the_agent_said_by_itself_since_then_comes_with_the_next_answer(
    server: DemoOpenComputerServer, instance: OpenComputerInstance
) -> None:
    before = await ask(instance, next_turn("[[unasked:The build is green.]]"))
    await server.until(lambda server: server.of_key(SESSION).events[-1]["type"] == "agent.message")
    steps = await ask(instance, next_turn("and?", before))
    assert texts(steps).splitlines() == ["The build is green.", "You said: and? (message 2 of this session)"]


async def test_several_messages_in_one_turn_are_each_ended_and_the_answer_is_told_once(
    server: DemoOpenComputerServer, instance: OpenComputerInstance
) -> None:
    """As after two messages whose bridge gave up waiting: the first that is asked again carries the answer."""
    begun = await ask(instance, next_turn("hello"))
    server.hold()
    given_up: list[Turn] = [next_turn(text, begun) for text in ("busy", "one", "two")]
    for number, question in enumerate(given_up):
        asking = asyncio.create_task(ask(instance, question))
        await server.until(lambda server, count=number + 2: len(server.messages) == count)  # type: ignore[misc]
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    server.release()
    await server.until(
        lambda server: len(server.of_key(SESSION).turns) == 3 and server.of_key(SESSION).status == "idle"
    )
    first = await ask(instance, given_up[1])
    assert "You said: one\n\n[Ada] two" in texts(first)
    continued = dataclasses.replace(given_up[2], continuation=ending(first).continuation)
    assert texts(await ask(instance, continued)).startswith("You said: two")
    assert len(server.of_key(SESSION).turns) == 4


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

"""OpenComputer: what is sent, and what is told of a session's log."""

import asyncio
import dataclasses
import json
from typing import ClassVar

import pytest
from pydantic import SecretStr, ValidationError

from bridge.demo.opencomputer_server import DemoOpenComputerServer
from bridge.envelope import Envelope
from bridge.instance import Activity, Ending, Progress, Turn
from bridge.instances.opencomputer import OpenComputerInstance
from bridge.route import Route
from bridge.testing.instance_contract import RemoteInstanceContract, ask, ending, texts, turn
from bridge.trace import trace_id

from .asked import SESSION, Make, next_turn


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

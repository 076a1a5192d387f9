"""A thread in OpenComputer's durable sessions: everything that the agent says to people is posted once."""

import json
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bridge.demo.opencomputer_server import DemoOpenComputerServer
from bridge.demo.opencomputer_webhooks import signed
from tests.journeys.program import eventually, in_time


@pytest.fixture
async def computer() -> AsyncIterator[DemoOpenComputerServer]:
    async with DemoOpenComputerServer() as server:
        yield server


def section(world, computer, **more):
    """`[instances.main]`."""
    world.program.environment |= {"COMPUTER_KEY": computer.api_key, "COMPUTER_SECRET": "whsec_c2VjcmV0IGJ5dGVz"}
    return {
        "type": "opencomputer", "base_url": computer.base_url, "agent": computer.agent_id,
        "api_key": "env:COMPUTER_KEY", **more,
    }  # fmt: skip


async def start(world, computer, *, instance=(), **tables):
    await world.start(instance=section(world, computer, **dict(instance)), **tables)


async def test_a_conversation_is_one_durable_session(world, computer):
    await start(world, computer)
    said, answer = await world.ask("hello")
    assert answer == "You said: hello"
    assert (await world.ask("and more", said))[1] == "You said: and more (message 2 of this session)"
    another, _ = await world.ask("something else")
    await world.end()
    assert [one.key for one in computer.messages] == [world.session_of(one) for one in (said, said, another)]
    assert [one.text for one in computer.messages] == ["[Ada] hello", "[Ada] and more", "[Ada] something else"]
    assert world.answers(said) == ["You said: hello", "You said: and more (message 2 of this session)"]


@pytest.mark.parametrize("on_unknown", ["ask", "drop"])
@pytest.mark.parametrize("while_it_works", [True, False], ids=["ended_after_restart", "ended_while_down"])
async def test_a_turn_in_the_middle_of_which_the_bridge_was_killed_is_posted_once(
    world, computer, on_unknown, while_it_works
):
    await start(world, computer, instance={"on_unknown": on_unknown})
    said, _ = await world.ask("hello")
    computer.hold()
    await world.say("dangerous work", said)
    await in_time("the second message", computer.until(lambda server: len(server.messages) == 2))
    await world.program.kill()
    if not while_it_works:
        computer.release()
        session = computer.of_key(world.session_of(said))
        await in_time(
            "the end of the turn", computer.until(lambda _: len(session.turns) == 2 and session.status == "idle")
        )
    await world.restart()
    computer.release()
    await world.until_answers(said, 2)
    await world.ask("and then?", said)
    await world.end()
    assert [answer.split(" (")[0] for answer in world.answers(said)] == [
        "You said: hello", "You said: dangerous work", "You said: and then?",
    ]  # fmt: skip
    assert len(computer.messages) == 3


async def test_a_first_message_in_the_middle_of_which_the_bridge_was_killed_is_one_session(world, computer):
    await start(world, computer)
    computer.hold()
    said = await world.say("hello")
    await in_time("the message", computer.until(lambda server: len(server.messages) == 1))
    await world.program.kill()
    computer.release()
    await world.restart()
    assert await world.until_answers(said, 1) == ["You said: hello"]
    await world.end()
    assert (len(computer.sessions), len(computer.messages)) == (1, 1)


async def test_what_the_agent_is_doing_is_the_status(world, computer):
    await start(world, computer)
    said = await world.say("[[progress:cloning the repo]] [[sleep:5]]")

    statuses = world.slack.workspace.statuses
    shown = world.platform.until(lambda: any("cloning the repo" in status for status in statuses.values()))
    await in_time("the status", shown)
    await world.until_answers(said, 1)


async def test_a_stream_that_breaks_midway_loses_and_repeats_nothing(world, computer):
    await start(world, computer)
    said = await world.say("[[aside]] [[cut]]")
    [answer] = await world.until_answers(said, 1)
    await world.ask("more", said)
    await world.end()
    assert world.answers(said)[0] == "Let me see.\n\nYou said: [[aside]] [[cut]]"
    assert answer.startswith("Let me see.")


ENDINGS = {
    "[[ask]]": "The agent needs your answer to go on. Write it here.",
    "[[yield:budget_exceeded]]": "its budget of tokens is used up",
    "[[yield:deadline_exceeded]]": "it worked for as long as it may",
    "[[yield:max_turns]]": "it took as many steps as it may",
    "[[yield:canceled]]": "The agent was stopped here.",
}


async def test_each_way_in_which_a_turn_ends_has_its_own_sentence(world, computer):
    await start(world, computer)
    for text, sentence in ENDINGS.items():
        said = await world.say(text)
        answer, notice = await world.until_answers(said, 2)
        assert answer in {"Which one do you mean?", f"You said: {text}"}
        assert sentence in notice


async def test_a_turn_that_takes_longer_than_it_may_is_stopped_and_said(world, computer):
    await start(world, computer, instance={"longest": 2})
    said, answer = await world.ask("[[hang]]")
    assert answer == "The agent was stopped here. Write on, and it goes on."
    assert (await world.ask("and now?", said))[1] == "You said: and now? (message 2 of this session)"
    await world.end()
    assert [turn["yield_reason"] for turn in computer.of_key(world.session_of(said)).turns] == ["canceled", "completed"]


async def test_stop_cancels_the_turn_there_and_what_was_said_is_not_said_again(world, computer):
    await start(world, computer)
    said, _ = await world.ask("hello")
    await world.say("[[aside]] [[hang]]", said)
    await in_time("the second message", computer.until(lambda server: len(server.messages) == 2))
    await world.say("!stop", said)
    answers = await world.until_answers(said, 3)
    assert "The agent was stopped here. Write on, and it goes on." in answers[-1]
    later = (await world.ask("and now?", said))[1]
    assert later.startswith("You said: and now?")
    await world.end()
    assert sum("Let me see." in answer for answer in world.answers(said)) == 1
    assert [turn["yield_reason"] for turn in computer.of_key(world.session_of(said)).turns] == [
        "completed", "canceled", "completed",
    ]  # fmt: skip


async def test_a_failed_turn_is_run_again_when_somebody_asks_for_it(world, computer):
    await start(world, computer)
    said, notice = await world.ask("[[fail]]")
    assert notice.startswith("The agent could not answer: 500 from the model provider.")
    await world.ask("!retry", said)
    await world.end()
    assert [one.text for one in computer.messages] == ["[Ada] [[fail]]"] * 2


async def test_a_refused_key_is_said_and_what_was_asked_is_asked_again_by_retry(world, computer):
    instance = section(world, computer)
    world.program.environment["COMPUTER_KEY"] = "osb_wrong"
    await world.start(instance=instance)
    said, notice = await world.ask("hello")
    assert "check api_key" in notice
    assert "osb_wrong" not in world.program.text()
    await world.end()
    world.program.environment["COMPUTER_KEY"] = computer.api_key
    await world.restart()
    _, answer = await world.ask("!retry", said)
    assert answer == "You said: hello"


async def test_an_agent_that_is_away_is_waited_for(world, computer):
    await start(world, computer)
    computer.refuse("POST", 503)
    computer.refuse("POST", 429, Retry_After="1")
    said, answer = await world.ask("hello")
    assert answer == "You said: hello"
    await world.end()
    assert (len(computer.messages), len(world.answers(said))) == (1, 1)


UNASKED = "[[unasked:The build is green.]]"


async def address_of(world):
    return (await world.program.logged("bridge.started"))[0]["http"] + "/instances/main/webhook"


async def register(world, computer, session, **fields):
    """A webhook destination of the session at the bridge."""
    address = f"{computer.base_url}/v3/sessions/{session.id}/destinations"
    body = {"url": await address_of(world), "secret": "whsec_c2VjcmV0IGJ5dGVz", "level": "user", **fields}
    headers = {"Authorization": f"Bearer {computer.api_key}"}
    async with aiohttp.ClientSession(headers=headers) as client, client.post(address, json=body) as answer:
        assert answer.status == 201


async def with_webhook(world, computer):
    """A thread whose session has the bridge as its destination."""
    await start(world, computer, instance={"webhook_secret": "env:COMPUTER_SECRET"}, bridge={"http": "127.0.0.1:0"})
    said, _ = await world.ask("hello")
    session = computer.of_key(world.session_of(said))
    await register(world, computer, session)
    return said, session


async def delivered(computer, count):
    """The deliveries, once so many were taken."""

    async def enough():
        taken = [one for one in computer.deliveries.all if one["status"] == "delivered"]
        return taken if len(taken) >= count else None

    return await eventually(f"delivery {count}", enough)


async def test_the_same_event_by_webhook_and_by_stream_is_posted_once(world, computer):
    said, session = await with_webhook(world, computer)
    await world.ask("[[aside]] and more", said)
    await delivered(computer, 4)  # the person's message, two of the agent's, the turn's end
    await world.ask("still there?", said)
    await delivered(computer, 7)
    await world.end()
    assert [answer.split(" (")[0] for answer in world.answers(said)] == [
        "You said: hello", "Let me see.\n\nYou said: [[aside]] and more", "You said: still there?",
    ]  # fmt: skip
    assert session.head == 13


async def test_what_the_agent_says_by_itself_is_posted_at_once_and_once(world, computer):
    said, _ = await with_webhook(world, computer)
    await world.say(UNASKED, said)
    assert (await world.until_answers(said, 3))[2] == "The build is green."
    for one in await delivered(computer, 4):
        computer.deliveries.redeliver(computer.destinations[one["destination"]], one)
    await world.ask("and now?", said)
    await world.end()
    assert len(world.answers(said)) == 4


async def test_a_door_that_the_bridge_registers_itself_takes_what_the_agent_says_unasked(
    world, computer, unused_tcp_port
):
    address = f"127.0.0.1:{unused_tcp_port}"
    keys = {"webhook_secret": "env:COMPUTER_SECRET", "webhook_url": f"http://{address}/instances/main/webhook"}
    await start(world, computer, instance=keys, bridge={"http": address})
    said, _ = await world.ask("hello")
    await world.say(UNASKED, said)
    assert (await world.until_answers(said, 3))[2] == "The build is green."
    await world.end()


async def test_what_the_agent_said_while_the_bridge_was_down_is_posted_once(world, computer):
    said, session = await with_webhook(world, computer)
    url = await address_of(world)
    await world.program.kill()
    await session.append("agent.message", "user", {"text": "one"})
    await session.append("agent.message", "user", {"text": "two"})
    await world.restart()
    destinations = list(computer.destinations.values())
    assert destinations[0].url == url
    destinations[0].url = await address_of(world)
    for one in reversed(computer.deliveries.all):
        computer.deliveries.redeliver(destinations[0], one)
    assert (await world.until_answers(said, 2))[1] == "one\n\ntwo"
    await delivered(computer, 2)
    await world.ask("thanks", said)
    await world.end()
    assert len(world.answers(said)) == 3


async def test_a_forged_webhook_is_refused_and_nothing_of_it_is_posted_or_logged(world, computer):
    said, session = await with_webhook(world, computer)
    event = {**session.events[2], "id": "evt_forged", "seq": 99, "body": {"text": "send me your keys"}}
    wrapped = {"type": event["type"], "sessionId": session.id, "eventId": event["id"], "metadata": session.metadata}
    body, secret = json.dumps({**wrapped, "event": event}), "whsec_c2VjcmV0IGJ5dGVz"
    now = time.time()
    other = signed("whsec_b3RoZXIgYnl0ZXM=", "evt_forged", body, now)
    forged = [
        signed(None, "evt_forged", body, now), other, signed(secret, "evt_forged", body, now - 301),
        signed(secret, "evt_forged", body + " ", now), {**other, "webhook-signature": "nonsense"}, {},
    ]  # fmt: skip
    async with aiohttp.ClientSession() as client:
        for headers in forged:
            async with client.post(await address_of(world), data=body, headers=headers) as answer:
                assert answer.status == 401
        garbage = signed(secret, "evt_1", "{}", now)
        async with client.post(await address_of(world), data="{}", headers=garbage) as answer:
            assert answer.status == 400
        async with client.post((await address_of(world)).replace("main", "other"), data=body) as answer:
            assert answer.status == 404
    await world.ask("well?", said)
    await world.end()
    assert len(world.answers(said)) == 2
    assert "send me your keys" not in world.program.text()
    assert secret not in world.program.text()


async def test_an_event_in_the_early_form_is_posted_once(world, computer):
    said, session = await with_webhook(world, computer)
    await world.settled()
    event = await session.append("agent.message", "user", {"text": "early"})
    envelope = {"id": event["id"], "source": "agent", "kind": "message", "text": "early"}
    body = json.dumps({**event, "body": envelope})
    headers = signed("whsec_c2VjcmV0IGJ5dGVz", event["id"], body, time.time())
    async with aiohttp.ClientSession() as client:
        for _ in range(2):
            async with client.post(await address_of(world), data=body, headers=headers) as answer:
                assert answer.status == 200
    assert (await world.until_answers(said, 2))[1] == "early"
    await world.ask("more", said)
    await world.end()
    assert len(world.answers(said)) == 3

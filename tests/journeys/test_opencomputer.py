"""A thread in OpenComputer's durable sessions: everything that the agent says to people is posted once."""

from collections.abc import AsyncIterator

import pytest

from bridge.demo.opencomputer_server import DemoOpenComputerServer
from tests.journeys.program import in_time


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

    def statuses() -> list[str]:
        return [
            call.fields.get("status", "") for call in world.slack.calls if call.method == "assistant.threads.setStatus"
        ]

    await in_time("the status", world.slack.until(lambda: any("cloning the repo" in one for one in statuses())))
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
    for _ in range(2):
        computer.refuse("POST", 503)
    computer.refuse("POST", 429, Retry_After="1")
    said, answer = await world.ask("hello")
    assert answer == "You said: hello"
    await world.end()
    assert (len(computer.messages), len(world.answers(said))) == (1, 1)

"""What a person sees when something is wrong with the agent, and that the session goes on afterwards."""

import pytest

from bridge.demo.instance_server import DemoInstanceServer
from tests.journeys.stand_in import stand_in


async def goes_on(world, said):
    """The session answers the next message, and what went wrong was said once."""
    before = len(world.answers(said))
    _, answer = await world.ask("are you well again?", said)
    assert answer.startswith("You said: are you well again?")
    assert len(world.answers(said)) == before + 1


async def test_a_stopped_instance_is_said_once_and_the_message_is_answered_when_it_runs(world):
    await world.start()
    world.agent.status = "stopped"
    said, notice = await world.ask("hello")
    assert notice == "main is stopped; your message waits and is answered when it runs."
    await world.say("and a second one", said)
    await world.settled()
    world.agent.status = "running"
    await world.until_answers(said, 3)
    await world.end()
    assert [answer.split(" (")[0] for answer in world.answers(said)[1:]] == [
        "You said: hello",
        "You said: and a second one",
    ]


async def test_a_sandbox_that_chowder_cannot_reach_is_said_and_the_message_waits(world):
    await world.start()
    world.agent.reachable = False
    said, notice = await world.ask("hello")
    assert notice == "main cannot be reached at the moment; your message waits and is answered when it is back."
    world.agent.reachable = True
    await world.end()
    await world.restart()
    assert (await world.until_answers(said, 2))[1] == "You said: hello"


async def test_an_unknown_instance_is_said_with_what_to_check(world):
    await world.start()
    said, _ = await world.ask("hello")
    known, world.agent.instance_id = world.agent.instance_id, "another"
    _, notice = await world.ask("still there?", said)
    assert "does not know the instance" in notice
    assert "check instance_id and base_url" in notice
    world.agent.instance_id = known
    await goes_on(world, said)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("chd_org_wrong", ("does not accept the key", "check api_key")),
        ("chd_sk_read", ("permission interact", "or use another api_key")),
    ],
    ids=["wrong_key_401", "forbidden_403"],
)
async def test_a_key_that_the_instance_refuses_is_said_with_what_to_do(world, key, words):
    world.program.environment["AGENT_KEY"] = key
    await world.start()
    said, notice = await world.ask("hello")
    assert all(word in notice for word in words)
    assert key not in notice + world.program.text()
    await world.end()
    world.program.environment["AGENT_KEY"] = world.agent.api_key
    await world.restart()
    await goes_on(world, said)


FAILURES = {  # what a person writes -> what the thread is told of the agent's trouble with it
    "[[fail]]": ("The agent could not answer", "Write `!retry`"),
    "[[http:429]]": ("The agent could not answer", "429", "Write `!retry`"),
    "[[empty]]": ("finished without an answer", "Ask again"),
    "[[garbage]]": ("no answer of an agent", "check base_url", "`!retry` asks again"),
    "[[cut]] and then a somewhat longer text": ("nobody knows whether it finished", "write `!retry`"),
}


async def test_a_turn_that_fails_is_said_in_one_plain_sentence_with_what_to_do(world):
    await world.start()
    for text, words in FAILURES.items():
        said, notice = await world.ask(text)
        assert all(word in notice for word in words), notice
        assert "\n" not in notice
        await goes_on(world, said)
    assert world.agent.received == 2 * len(FAILURES)


async def test_an_answer_that_ends_before_its_end_is_shown_and_said_to_be_incomplete(world):
    await world.start()
    said = await world.say("go on and on [[length]]")
    answer, notice = await world.until_answers(said, 2)
    assert answer == "You said: go on and on [[length]]"
    assert notice == "The answer ends here because it became too long for the agent. Ask it to go on."
    await goes_on(world, said)


@pytest.mark.parametrize("stream", [True, False])
async def test_an_agent_that_declines_is_shown_with_what_to_do(world, stream):
    await world.start(instance={"stream": stream})
    said = await world.say("tell me a secret [[refuse]]")
    answer, notice = await world.until_answers(said, 2)
    assert answer == "You said: tell me a secret [[refuse]]"
    assert notice == "The agent declined to answer. Put it differently, or ask your operator what it may do."
    await goes_on(world, said)


ANSWERS = {  # (status, body, content type) -> what the thread is told
    (500, b"Internal Server Error", "text/plain"): ("nobody knows whether it finished", "write `!retry`"),
    (504, b"<html>Gateway Timeout</html>", "text/html"): ("nobody knows whether it finished", "write `!retry`"),
    (200, b"", "application/json"): ("no answer of an agent", "check base_url", "`!retry`"),
    (200, b'{"object": "list", "data": []}', "application/json"): ("no answer of an agent", "check base_url"),
    (302, b"", "text/html"): ("points elsewhere", "check base_url"),
    (413, b"", "text/plain"): ("too long", "shorter"),
    (422, b'{"detail": [{"loc": ["body", "model"], "msg": "none"}]}', "application/json"): ("none", "check model"),
}


async def test_whatever_a_server_answers_the_thread_is_told_and_goes_on(world):
    async with stand_in() as agent:
        for answer in ANSWERS:
            agent.sends(*answer)
        agent.says("well again")
        await world.start(instance={"base_url": agent.base_url})
        said = await world.say("hello")
        for count, words in enumerate(ANSWERS.values(), 1):
            notice = (await world.until_answers(said, count))[-1]
            assert all(word in notice for word in words), notice
            assert "\n" not in notice
            await world.say("and now?", said)
        assert (await world.until_answers(said, len(ANSWERS) + 1))[-1] == "well again"
        assert agent.received == len(ANSWERS) + 1


async def test_an_agent_that_hangs_is_given_up_after_its_timeout(world):
    await world.start(instance={"timeout": 0.3})
    said, notice = await world.ask("[[hang]]")
    assert notice == (
        "The agent sent nothing for too long while it worked on this, so nobody knows whether it finished. "
        "If you still need an answer, write `!retry` to ask it again."
    )
    await goes_on(world, said)
    assert world.agent.requests[0].aborted


async def test_an_agent_that_cannot_be_reached_is_waited_for_and_said_after_a_while(world):
    await world.start()
    port = world.agent.port
    await world.agent.stop()
    said, notice = await world.ask("hello")
    assert notice == (
        "The agent cannot be reached at the moment. Your message waits and is answered as soon as it is back."
    )
    async with DemoInstanceServer(port=port) as back:
        assert (await world.until_answers(said, 2))[1] == "You said: hello"
        await goes_on(world, said)
        assert back.received == 2


async def test_a_message_that_waited_too_long_is_given_up_and_said(world):
    await world.start(instance={"patience": 0.5})
    await world.agent.stop()
    said, notice = await world.ask("hello")
    assert "this message was given up" in notice
    assert "write `!retry`" in notice
    await world.end()
    assert len(world.answers(said)) == 1


async def test_an_agent_that_is_overloaded_is_asked_again_when_it_says(world):
    async with stand_in() as agent:
        agent.sends(503, b"busy")
        agent.says("at your service")
        await world.start(instance={"base_url": agent.base_url})
        said, answer = await world.ask("hello")
        assert answer == "at your service"
        await world.end()
        assert agent.received == 2
        assert len(world.answers(said)) == 1
